"""Sources that go and come back while the real agent listens to another, which misses nothing.

``KIKIMIMI_SOURCES=10 pytest tests/faults/test_sources.py`` does each of it ten times.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.cli.child import running_agent
from tests.faults.camera import Camera
from tests.faults.embedded import embed
from tests.faults.harness import BOX, PATIENCE_S, READY_S
from tests.integration.pulse import pulse_server
from tests.integration.scenes import write_siren
from tests.mosquitto import listener, mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.cli.child import Child
    from tests.integration.pulse import PulseServer
    from tests.mosquitto import Listener

pytestmark = [pytest.mark.broker, pytest.mark.device]

ROUNDS = int(os.environ.get("KIKIMIMI_SOURCES", "1"))
HOP_S = 0.5


@dataclass
class Floor:
    """A box with a microphone, a camera and a recording, and who hears what it says."""

    folder: Path
    child: Child
    heard: Listener
    sound: PulseServer
    camera: Camera
    back_s: dict[str, list[float]] = field(default_factory=dict)
    """By fault: from the moment that a source was given back until it was heard again."""

    def until(self, source: str, listening: bool) -> None:
        """Wait until a source is lost, or is not."""
        topic = f"{BOX}/source/{source}/state"
        # An idle sink is digital silence, which is listened to.
        self.heard.wait(
            lambda: (
                bool(self.heard.on(topic)) and (self.heard.on(topic)[-1] != "lost") is listening
            ),
            PATIENCE_S,
        )

    def fault(
        self,
        name: str,
        reason: str,
        take: Callable[[], object] = lambda: None,
        *,
        give: Callable[[], object],
    ) -> None:
        """Take a source away until it is lost for a reason, and give it back until it is heard."""
        source = "mic1" if name.startswith("microphone") else "camera"
        take()
        self.until(source, listening=False)
        deadline_s = time.monotonic() + PATIENCE_S
        while reason not in "".join(self.reasons(source)[-1:]):
            self.child.check()
            assert time.monotonic() < deadline_s, (name, self.reasons(source))
            time.sleep(0.05)
        given_s = time.monotonic()
        give()
        self.until(source, listening=True)
        self.back_s.setdefault(name, []).append(time.monotonic() - given_s)

    def alerts(self, source: str) -> list[str]:
        """What was heard from a source."""
        found = map(json.loads, self.heard.on(f"{BOX}/alert"))
        return [one["error_id"] for one in found if one["source"] == source]

    def reasons(self, source: str) -> list[str]:
        """Why it was lost, by the log."""
        lines = (self.folder / "agent.log").read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{")]
        states = [one for one in events if one["event"] == "source_state"]
        return [
            one["reason"] for one in states if one["source"] == source and one["state"] == "lost"
        ]

    def tell(self, number: int) -> None:
        """Send the sound server a signal."""
        assert self.sound.process is not None
        self.sound.process.send_signal(number)

    def reserve(self) -> None:
        """Make the sound server give its card away, as when another program reserves it."""
        self._suspend("1")

    def release(self) -> None:
        """The other program is done."""
        self._suspend("0")

    def _suspend(self, suspended: str) -> None:
        command = ["pactl", "suspend-sink", "factory", suspended]
        subprocess.run(command, env=os.environ | self.sound.environment, check=True)


@pytest.fixture
def floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Floor]:
    """It starts without microphone and camera."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed: script/bootstrap test installs it")
    embed(tmp_path / "descriptions.yaml", tmp_path / "state")
    # Short: after each fault its siren is waited for.
    recording = write_siren(tmp_path / "siren.wav", before_s=2.0, after_s=5.0)
    camera = Camera(recording)
    with (
        mosquitto(tmp_path) as broker,
        listener(broker.port) as heard,
        pulse_server(tmp_path / "pulse", monkeypatch) as sound,
    ):
        sound.kill()
        url = f"http://127.0.0.1:{camera.port}/sound.wav"
        settings = {
            "site": "plant",
            "node": "press3",
            "descriptions": str(tmp_path / "descriptions.yaml"),
            "state_dir": str(tmp_path / "state"),
            "sources": [
                {"name": "hall", "kind": "file", "path": str(recording), "loop": True},
                {"name": "mic1", "kind": "microphone", "device": "default"},
                {"name": "camera", "kind": "stream", "url": url},
            ],
            # How busy this machine is otherwise is not what is tested.
            "windows": {"hop_s": HOP_S, "queue_windows": 2_000},
            "mqtt": {"host": "127.0.0.1", "port": broker.port},
            "publish": {"scores": True, "health_interval_s": 2.0},
            "log": {"format": "json"},
        }
        try:
            with running_agent(tmp_path, settings) as child:
                child.wait_for_event("ready", READY_S)
                yield Floor(tmp_path, child, heard, sound, camera)
        finally:
            camera.sending.set()
            camera.kill()


def test_sources_come_back_and_the_others_miss_nothing(
    floor: Floor, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing, gone, hanging, given to another program, silent: lost, then heard again."""
    # One source's faults have nothing to do with the other's: they come at the same time.
    with ThreadPoolExecutor() as both:
        for done in [both.submit(one, floor) for one in (_microphone_faults, _stream_faults)]:
            done.result()
    before = len(floor.alerts("camera"))
    with floor.sound.playing(floor.folder / "siren.wav"):
        floor.heard.wait(lambda: len(floor.alerts("camera")) > before)
        floor.heard.wait(lambda: bool(floor.alerts("mic1")))
    floor.child.check()
    with capsys.disabled():
        for name, times_s in floor.back_s.items():
            median_s, longest_s = statistics.median(times_s), max(times_s)
            sys.stdout.write(
                f"\n{name}: {len(times_s)} times, heard again after {median_s:.2f} s "
                f"(longest {longest_s:.2f} s)"
            )
        sys.stdout.write("\n")
    for source in ("hall", "mic1", "camera"):
        assert set(floor.alerts(source)) == {"siren"}
    assert floor.reasons("hall") == []
    _assert_no_window_missed(floor)


def _microphone_faults(floor: Floor) -> None:
    sound, stop, go = floor.sound, signal.SIGSTOP, signal.SIGCONT
    none, quiet, hangs = "shows no input device", "delivered nothing for", "does not answer"
    floor.fault("microphone missing at boot", none, give=sound.start)
    for _ in range(ROUNDS):
        floor.fault("microphone gone", none, sound.kill, give=sound.start)
        floor.fault("microphone taken", quiet, floor.reserve, give=floor.release)
        floor.fault(
            "microphone hangs", hangs, lambda: floor.tell(stop), give=lambda: floor.tell(go)
        )


def _stream_faults(floor: Floor) -> None:
    camera, refused, stalls = floor.camera, "Connection refused", "nothing came for"
    floor.fault("stream missing at boot", refused, give=camera.start)
    for _ in range(ROUNDS):
        floor.fault("stream gone", refused, camera.kill, give=camera.start)
        floor.fault("stream stalls", stalls, camera.sending.clear, give=camera.sending.set)


def _assert_no_window_missed(floor: Floor) -> None:
    """Of the recording, from the first to the last."""
    scores = [json.loads(payload) for payload in floor.heard.on(f"{BOX}/scores")]
    starts = [np.datetime64(one["ts_start"][:-1]) for one in scores if one["source"] == "hall"]
    spans_s = np.diff(np.array(starts)) / np.timedelta64(1, "s")
    health = json.loads(floor.heard.on(f"{BOX}/health")[-1])
    counters = health["counters"]
    assert (counters["windows_dropped"], counters["live_discarded"]) == (0, 0)
    # The agent's own clock and the sound's differ by less than this, and a window is half a second.
    assert spans_s == pytest.approx(HOP_S, abs=0.01)
