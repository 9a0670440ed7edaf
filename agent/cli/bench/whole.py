"""The processor time of everything that the running agent does, by stage."""

from __future__ import annotations

import math
import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agent.capture.audiofile import resampled
from agent.capture.scene import RATE_HZ, at_level, build_scene, machines
from agent.cli.bench import null_sink
from agent.cli.bench.costs import Reading, by_stage
from agent.cli.bench.figures import READY_S, Figure, write_wav
from agent.cli.child import running_agent
from agent.cli.demo_broker import HOST, local_broker
from agent.core.errors import KikimimiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.cli.child import Child
    from agent.core.records import FloatArray

_SOURCE_HZ = 48_000
_HALL_S = 60.0
_HALL_DBFS = -42.0
_SETTLING_S = 5.0
_POLL_S = 0.02
_PATIENCE_S = 60.0
_STARTING_S = 120.0
_MODULE = "agent.cli.bench.measured"


@dataclass(frozen=True, slots=True)
class Whole:
    """What a running agent took, in milliseconds of processor time a second of sound."""

    by_stage: Mapping[str, float]
    counted: float
    """By the operating system, for the whole process."""

    @property
    def total(self) -> float:
        """All stages together."""
        return sum(self.by_stage.values())

    def figures(self, name: str) -> Iterator[Figure]:
        """As told to people."""
        for stage, cost_ms in self.by_stage.items():
            share = cost_ms / self.total
            yield Figure(f"agent, {name}: {stage}", cost_ms, "ms", share, "of all")
        yield Figure(f"agent, {name}: all", self.total, "ms", self.total / 1_000.0, "of real time")
        ratio = self.total / self.counted
        label = f"agent, {name}: as the system counts"
        yield Figure(label, self.counted, "ms", ratio, "is all of that")


def whole_agent(folder: Path | None, described: Path, seconds: float) -> Iterator[Figure]:
    """Run the agent on a file and on a microphone of 48 kHz, and tell what each stage takes.

    Args:
        folder: the bundle; the shipped one if ``None``.
        described: what to listen for.
        seconds: each is measured.
    """
    hum = machines(np.random.default_rng(0), round(_HALL_S * RATE_HZ))
    hall = at_level(hum, _HALL_DBFS).astype(np.float32)
    scene = build_scene().samples
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kikimimi-bench-")))
        broker = stack.enter_context(local_broker())
        settings: dict[str, Any] = {
            "site": "bench",
            "node": "box",
            "descriptions": str(described.resolve()),
            "state_dir": str(place / "state"),
            "mqtt": {"host": HOST, "port": broker.port},
            "log": {"format": "json"},
        }
        if folder is not None:
            settings["bundle"] = str(folder.resolve())
        for name, sound in (("hall", hall), ("scene", scene)):
            path = place / f"{name}.wav"
            write_wav(path, resampled(sound, RATE_HZ, _SOURCE_HZ), _SOURCE_HZ)
            source = {"name": "file", "kind": "file", "path": str(path), "loop": True}
            yield from measure(place, settings | {"sources": [source]}, seconds).figures(
                f"file, {name}"
            )
        yield from _microphone(place, settings, hall, seconds)


def _microphone(
    place: Path, settings: Mapping[str, Any], sound: FloatArray, seconds: float
) -> Iterator[Figure]:
    """The hall, played into a null sink."""
    if lacking := null_sink.missing():
        why = f"left out, {' and '.join(lacking)} not installed"
        yield Figure(f"agent, microphone: {why}", math.nan, "ms")
        return
    path = place / "played.wav"
    times = math.ceil((seconds + _STARTING_S) / (len(sound) / RATE_HZ))
    write_wav(path, np.tile(resampled(sound, RATE_HZ, _SOURCE_HZ), times), _SOURCE_HZ)
    source = {"name": "microphone", "kind": "microphone", "device": "default"}
    sink = null_sink.NullSink(place / "pulse")
    sink.start()
    try:
        with sink.playing(path):
            found = measure(
                place, {**settings, "sources": [source]}, seconds, variables=sink.environment
            )
        yield from found.figures("microphone, hall")
    finally:
        sink.kill()


def measure(
    place: Path,
    settings: Mapping[str, Any],
    seconds: float,
    *,
    variables: Mapping[str, str] | None = None,
) -> Whole:
    """Run the agent and tell what it took, once it has settled.

    Args:
        place: for its files.
        settings: what ``agent.yaml`` would hold; sources in real time.
        seconds: to measure for, at least.
        variables: of its environment, beside those of this process.

    Raises:
        KikimimiError: it failed, or told nothing.
    """
    told = place / "costs.json"
    told.unlink(missing_ok=True)
    program = (_MODULE, "run", "--costs", str(told))
    with running_agent(place, settings, variables, program=program) as child:
        child.wait_for_event("ready", READY_S)
        time.sleep(_SETTLING_S)
        first, counted_s = _next_reading(child, told, None)
        time.sleep(seconds)
        last, later_s = _next_reading(child, told, _text(told))
    per_second = 1_000.0 / (last.at_s - first.at_s)
    return Whole(by_stage(first, last), (later_s - counted_s) * per_second)


def _next_reading(child: Child, told: Path, known: str | None) -> tuple[Reading, float]:
    """The next reading, and what the operating system says at that moment, in seconds."""
    known = _text(told) if known is None else known
    deadline_s = time.monotonic() + _PATIENCE_S
    while (text := _text(told)) == known:
        child.check()
        if time.monotonic() > deadline_s:
            raise KikimimiError("the agent tells no costs; look at its log")
        time.sleep(_POLL_S)
    return Reading.from_json(text), processor_s(child.pid)


def _text(told: Path) -> str:
    return told.read_text(encoding="utf-8") if told.exists() else ""


def processor_s(pid: int) -> float:
    """Processor time of a process and all its threads so far, as Linux counts it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
