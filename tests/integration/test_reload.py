"""Descriptions saved in every way that there is while the real agent listens."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from agent.cli.child import running_agent
from tests.bundles import make_bundle
from tests.integration.boxes import BOX, READY_S, settings_of
from tests.integration.scenes import write_siren
from tests.mosquitto import PATIENCE_S, listener, mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.cli.child import Child
    from tests.mosquitto import Listener

pytestmark = pytest.mark.broker

HOP_S = 0.5
_SMALLEST = 2
# However fast the machine reloads: there is something to count.
_FEWEST_WINDOWS = 5


def described(count: int) -> str:
    """A file that describes so many sounds."""
    lines = ["version: 1", "defaults: {severity: minor}", "errors:"]
    for number in range(count):
        lines += [f"  - id: sound_{number}", f"    text: part {number} dropped"]
    return "\n".join([*lines, "background: [belt squeal]", ""])


@dataclass
class Mounted:
    """A folder as Kubernetes mounts a ConfigMap: every file leads through the link ``..data``."""

    folder: Path
    generation: int = 0

    @property
    def file(self) -> Path:
        """What the agent is told to read."""
        return self.folder / "descriptions.yaml"

    def publish(self, content: str) -> Path:
        """Another generation beside the present one, then the link turned to it at once."""
        self.generation += 1
        name = f"..2026_{self.generation}"
        written = self.folder / name / "descriptions.yaml"
        written.parent.mkdir(parents=True)
        written.write_text(content, encoding="utf-8")
        turned = self.folder / "..data_tmp"
        turned.symlink_to(name)
        turned.replace(self.folder / "..data")
        if not self.file.is_symlink():
            self.file.symlink_to("..data/descriptions.yaml")
        return written


@dataclass
class Site:
    """A running agent, its mounted descriptions, and what it says of them."""

    child: Child
    heard: Listener
    mounted: Mounted

    def state(self) -> dict[str, Any]:
        """The latest ``config/state``."""
        found: dict[str, Any] = json.loads(self.heard.on(f"{BOX}/config/state")[-1])
        return found

    def health(self) -> dict[str, Any]:
        """The latest ``health``."""
        found: dict[str, Any] = json.loads(self.heard.on(f"{BOX}/health")[-1])
        return found

    def until(self, count: int, error: str | None = None, timeout_s: float = 60.0) -> None:
        """Wait until so many descriptions are in force, and a newer file was refused for that."""

        def told() -> bool:
            if not self.heard.on(f"{BOX}/config/state"):
                return False
            state = self.state()
            fits = state["error"] is None if error is None else error in str(state["error"])
            return bool(state["count"] == count and fits)

        self.heard.wait(told, timeout_s)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An agent that hears a siren again and again and tells the scores of every window."""
    mounted = Mounted(tmp_path / "site")
    mounted.publish(described(_SMALLEST))
    recording = write_siren(tmp_path / "siren.wav")
    source = {"name": "hall", "kind": "file", "path": str(recording), "loop": True}
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        settings = settings_of(tmp_path, broker.port, source) | {
            "descriptions": str(mounted.file),
            # Real in all its parts, but its texts are embedded within a second.
            "bundle": str(make_bundle(tmp_path / "bundle").folder),
            "publish": {"scores": True, "health_interval_s": 0.5},
            # How busy this machine is otherwise is not what is tested.
            "windows": {"hop_s": HOP_S, "queue_windows": 1_000},
        }
        with running_agent(tmp_path, settings) as child:
            child.wait_for_event("ready", READY_S)
            yield Site(child, heard, mounted)


def test_no_window_is_missed_however_the_descriptions_are_saved(site: Site) -> None:
    """Whole, half, broken, gone, ten times a second, a thousand: the last good set goes on."""
    site.until(_SMALLEST)
    # Kubernetes turns a link in the folder above.
    written = site.mounted.publish(described(3))
    site.until(3)
    # An editor writes in place, and stops half way through.
    whole = described(4)
    half = whole[: whole.index("  - id: sound_1") + 12]
    written.write_text(half, encoding="utf-8")
    site.until(3, "descriptions.yaml:")
    written.write_text(whole, encoding="utf-8")
    site.until(4)
    # Another writes beside it and renames.
    beside = written.with_suffix(".new")
    beside.write_text(described(5), encoding="utf-8")
    beside.replace(written)
    site.until(5)
    # The next generation is broken, and the one after that lacks the file.
    broken = site.mounted.publish(described(6).replace("severity", "sevrity"))
    site.until(5, "did you mean 'severity'?")
    broken.unlink()
    site.until(5, "no such file")
    # Somebody holds the save key down.
    before = site.health()["counters"]["reloads"]
    for count in range(6, 36):
        site.mounted.publish(described(count))
        time.sleep(0.1)
    site.until(35)
    assert site.health()["counters"]["reloads"] - before < 30
    # While a thousand are embedded, a wrong file is saved: it is told, and stays told.
    written = site.mounted.publish(described(1_000))
    _wait_for_embedding(site.child)
    written.write_text("version: 1\nerorrs: []\n", encoding="utf-8")
    site.until(1_000, "did you mean 'errors'?")
    site.mounted.publish(described(_SMALLEST))
    site.until(_SMALLEST)
    site.child.check()
    _assert_no_window_missed(site)


def _wait_for_embedding(child: Child) -> None:
    """Until the process that embeds texts runs."""
    tasks = Path(f"/proc/{child.pid}/task")
    deadline_s = time.monotonic() + PATIENCE_S
    while not any(path.read_text().split() for path in tasks.glob("*/children")):
        assert time.monotonic() < deadline_s
        child.check()
        time.sleep(0.01)


def _assert_no_window_missed(site: Site) -> None:
    """From the first to the last, each follows the one before by a hop."""
    scores = [json.loads(payload) for payload in site.heard.on(f"{BOX}/scores")]
    starts = np.array([np.datetime64(one["ts_start"][:-1]) for one in scores])
    spans_s = np.diff(starts) / np.timedelta64(1, "s")
    counters = site.health()["counters"]
    assert (counters["windows_dropped"], counters["live_discarded"]) == (0, 0)
    assert len(scores) > _FEWEST_WINDOWS
    assert spans_s == pytest.approx(HOP_S, abs=0.002)
    # Which of the short-lived sets a window met depends on the machine; the last ones stay.
    sizes = {len(one["scores"]) for one in scores}
    assert 1_000 in sizes
    assert len(sizes) > 1
