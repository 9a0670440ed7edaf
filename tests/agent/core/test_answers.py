"""What people's answers to one alert come to."""

from __future__ import annotations

from dataclasses import replace

from agent.core.answers import Through, agreed
from agent.core.records import Verdict
from tests.agent.store.answers import answer


def test_what_people_say_together() -> None:
    """Confirmed, rejected, unknown; who is unsure does not count, and a name only once."""
    confirm, reject = answer(1), answer(2, verdict=Verdict.REJECT, operator="shift-b")
    unsure = answer(3, verdict=Verdict.UNSURE, operator="shift-c")
    assert agreed([confirm]) == (Verdict.CONFIRM, 1)
    assert agreed([reject, unsure]) == (Verdict.REJECT, 1)
    assert agreed([confirm, answer(4, operator="shift-b", through=Through.CONSOLE)])[1] == 2
    assert agreed([confirm, reject]) == (None, 2)
    assert agreed([confirm, answer(5, verdict=Verdict.REJECT)]) == (Verdict.REJECT, 1)
    assert agreed([replace(confirm, undone_at=9.0)]) == (None, 0)
    assert agreed([unsure]) == (None, 0)
