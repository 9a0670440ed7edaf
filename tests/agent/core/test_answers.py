"""What people's answers to one alert come to."""

from __future__ import annotations

from dataclasses import replace

from agent.core.answers import Answer, Meant, Through, agreed, agreed_instead
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


def test_what_it_was_instead_is_what_those_agree_on_who_say_it() -> None:
    """Nobody contradicts: neither what it was, nor that it was not the alert's own."""

    def no(number: int, who: str, error_id: str | None = None) -> Answer:
        words = error_id and f"sound of {error_id}"
        said = {"verdict": Verdict.REJECT, "error_id": error_id, "description": words}
        return answer(number, operator=who, **said)

    gong = no(1, "a", "gong")
    assert agreed_instead([gong]) == Meant("gong", "sound of gong", 1)
    assert agreed_instead([gong, no(2, "b", "gong")]) == Meant("gong", "sound of gong", 2)
    assert agreed_instead([gong, no(2, "b")]) == Meant("gong", "sound of gong", 1)
    assert agreed_instead([gong, no(2, "b", "hiss")]) is None
    assert agreed_instead([gong, answer(2, operator="b")]) is None
    assert agreed_instead([gong, no(2, "a")]) is None, "it was taken back by another answer"
    assert agreed_instead([replace(gong, undone_at=9.0)]) is None
    assert agreed_instead([]) is None
