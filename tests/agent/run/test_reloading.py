"""What is put in force when descriptions change faster than they can be taken over."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent import descriptions
from agent.alerts.alerts import Wording
from agent.config import MqttSettings, load_settings
from agent.core.answers import Entry, Through
from agent.core.errors import KikimimiError
from agent.core.operator_thresholds import OperatorThreshold
from agent.run.parts import BoxParts
from agent.run.reloading import Reloading
from agent.run.systemd import Notifier
from agent.run.tally import Tally
from agent.watchlist.watchlist import Watchlist
from tests.agent.store.records import ALERT
from tests.bundles import make_bundle
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.descriptions import DescriptionSet

PATIENCE_S = 30.0


class Held(Reloading):
    """Builds when it is let, and fails with what says ``bad``."""

    def __init__(self, parts: BoxParts, described: DescriptionSet) -> None:
        self.let, self.began, self.tally = threading.Event(), threading.Event(), Tally()
        self.in_force: list[str] = []
        self.answered = False
        super().__init__(
            parts,
            described,
            lambda watch: self.in_force.append(*watch.wordings),  # type: ignore[arg-type]
            notifier=Notifier(None, None, parts.clock),
            tally=self.tally,
        )
        self._library.changed = self._changed  # type: ignore[method-assign]

    def build(self, descriptions: DescriptionSet) -> Watchlist:
        """Nothing but the words."""
        self.began.set()
        assert self.let.wait(PATIENCE_S)
        (error,) = descriptions.active
        if error.text == "bad":
            raise KikimimiError("cannot be embedded")
        return replace(
            Watchlist.empty(16),
            digest=descriptions.digest,
            wordings={error.text: Wording(error.text, error.severity)},
            descriptions=descriptions,
        )

    def _changed(self, _: object) -> bool:
        answered, self.answered = self.answered, False
        return answered

    def wait(self, reloads: int, rejected: int) -> None:
        """Look again and again until so many have been taken over and refused."""
        ends_at = time.monotonic() + PATIENCE_S
        while (self.tally.reloads, self.tally.reloads_rejected) != (reloads, rejected):
            assert time.monotonic() < ends_at, self.tally
            self.poll()
            time.sleep(0.005)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[BoxParts]:
    """Of a box without a broker."""
    settings = replace(
        load_settings(None, {"STATE_DIRECTORY": str(tmp_path / "state")}),
        descriptions=tmp_path / "d.yaml",
        mqtt=MqttSettings(enabled=False),
    )
    opened = BoxParts(settings, make_bundle(tmp_path / "bundle"), FakeClock())
    yield opened
    opened.store.close()


def write(parts: BoxParts, text: str) -> None:
    """Describe one sound."""
    described = f"version: 1\nerrors: [{{id: a, text: {text}}}]\n"
    parts.settings.descriptions.write_text(described, encoding="utf-8")


def test_only_the_latest_counts_and_answers_go_with_it(parts: BoxParts) -> None:
    """Of three saves during one build, the last is built; new answers then build that one anew."""
    write(parts, "first")
    reloading = Held(parts, descriptions.load(parts.settings.descriptions))
    reloading.let.set()
    reloading.start()
    assert reloading.in_force == ["first"]
    reloading.let.clear()
    reloading.began.clear()
    write(parts, "bad")
    reloading.reload()
    reloading.poll()
    assert reloading.began.wait(PATIENCE_S)
    for text in ("skipped", "last"):
        write(parts, text)
        reloading.reload()
        reloading.poll()
    assert reloading.in_force == ["first"]
    reloading.let.set()
    reloading.wait(reloads=1, rejected=1)
    assert (reloading.in_force, reloading.error) == (["first", "last"], "")
    reloading.answered = True
    reloading.wait(reloads=2, rejected=1)
    assert reloading.in_force == ["first", "last", "last"]


def test_what_cannot_be_built_changes_nothing(parts: BoxParts) -> None:
    """It is told why, and answers build anew what is in force."""
    write(parts, "first")
    reloading = Held(parts, descriptions.load(parts.settings.descriptions))
    reloading.let.set()
    reloading.start()
    write(parts, "bad")
    reloading.reload()
    reloading.wait(reloads=0, rejected=1)
    assert (reloading.in_force, reloading.error) == (["first"], "cannot be embedded")
    reloading.answered = True
    reloading.wait(reloads=1, rejected=1)
    assert reloading.in_force == ["first", "first"]
    assert reloading.error == "cannot be embedded"  # the file still holds it


def test_a_threshold_that_an_operator_sets_builds_anew(parts: BoxParts) -> None:
    """Once for each change, taking back included; other writes build nothing."""
    write(parts, "first")
    reloading = Held(parts, descriptions.load(parts.settings.descriptions))
    reloading.let.set()
    reloading.start()
    said = OperatorThreshold("t1", "a", 5.0, "shift-a", 1.0, 2.0, Through.MQTT)
    undone = replace(said, undone_at=3.0, undone_request_id="u1")
    for count, one in enumerate((said, undone), 1):
        assert parts.store.set_threshold(one, Entry(2.0, "threshold", "shift-a", {}))
        reloading.wait(reloads=count, rejected=0)
    parts.store.record(ALERT, [])
    for _ in range(3):
        reloading.poll()
    reloading.stop(PATIENCE_S)
    reloading.poll()
    assert reloading.in_force == ["first"] * 3
