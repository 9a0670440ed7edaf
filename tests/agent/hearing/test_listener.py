"""Sources on threads of their own: when one is over, and what of it still waits."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import soundfile

from agent.config import load_settings
from agent.core.clock import SystemClock
from agent.hearing.listener import Listeners
from tests.bundles import make_bundle
from tests.signals import noise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RATE_HZ, _SECONDS = 32_000, 6.0
_PATIENCE_S = 60.0


@contextmanager
def _heard_to_its_end(folder: Path) -> Iterator[Listeners]:
    """A file that has ended, all of whose windows wait."""
    soundfile.write(folder / "a.wav", 0.1 * noise(round(_SECONDS * _RATE_HZ)), _RATE_HZ)
    source = {"name": "hall", "kind": "file", "path": "a.wav", "realtime": False}
    (folder / "agent.yaml").write_text(
        json.dumps({"descriptions": "d.yaml", "state_dir": "state", "sources": [source]}),
        encoding="utf-8",
    )
    settings = load_settings(folder / "agent.yaml", {})
    listeners = Listeners(settings, make_bundle(folder / "bundle"), SystemClock(), rest=True)
    assert listeners.watch() == [], "nothing was heard yet"
    listeners.start()
    try:
        until_s = time.monotonic() + _PATIENCE_S
        while not listeners.statuses[0].ended:
            assert time.monotonic() < until_s
            time.sleep(0.01)
        yield listeners
    finally:
        listeners.stop(_PATIENCE_S)


def test_a_source_is_over_once_all_that_was_heard_of_it_is_taken(tmp_path: Path) -> None:
    """Its alert would end before its last windows are scored."""
    with _heard_to_its_end(tmp_path) as listeners:
        taken = 0
        while not listeners.finished:
            if listeners.backlog.holds("hall"):
                assert listeners.watch() == []
            taken += len(listeners.backlog.take(1, 0.01))
        assert taken > 1
        assert listeners.watch() == ["hall"]
        assert listeners.watch() == [], "is told once"
