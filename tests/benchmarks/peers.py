"""The box beside other networks that hear, on one core: the table of docs/benchmarks.md.

    python -m tests.benchmarks.peers [--data FOLDER] [--seconds 20] [--rounds 7] [--systems NAME …]

YAMNet and CLAP's HTSAT need ``pip install 'kikimimi[peers]'``, and YAMNet's weights in
``FOLDER/weights/yamnet.tflite``. Each system runs in a process of its own and hears the same
recordings; round by round each does the same task once, so that what else the machine does meets
all of them. Figures are ratios to the box, medians with the lowest and the highest round.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from agent.capture.audiofile import read_audio, resampled
from tests.benchmarks.peers_systems import SYSTEMS, Done, Started

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.core.records import FloatArray

BOX = "kikimimi"
TASKS = ("apart", "streaming", "batch")
_FOLDER = "industrial-cc"
_READ_HZ = 48_000
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass
class Running:
    """A system's process, and what it told."""

    process: subprocess.Popen[str]
    started: Started
    done: dict[str, list[Done]] = field(default_factory=lambda: {task: [] for task in TASKS})

    def answer(self, task: str) -> Done:
        """Have a task done."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{task}\n")
        self.process.stdin.flush()
        return Done(**json.loads(_line(self.process)))


@dataclass(frozen=True)
class Ratio:
    """Something over the same of the box, round by round."""

    middle: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
        """Of rounds that stand beside each other."""
        each = [other / own for own, other in zip(ours, theirs, strict=True)]
        return cls(median(each), min(each), max(each))

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.lowest:.2f}-{self.highest:.2f})"


def lacking(name: str, weights: Path) -> str:
    """What a system needs and does not find; empty where there is all."""
    for package in SYSTEMS[name].packages:
        try:
            version(package)
        except PackageNotFoundError:
            return f"{package} is not installed; type: pip install 'kikimimi[peers]'"
    if name == "yamnet" and not (weights / "yamnet.tflite").is_file():
        return f"{weights / 'yamnet.tflite'} is missing; name its folder with --data"
    return ""


def recordings(data: Path | None, seconds: float) -> FloatArray:
    """Sound of the recordings, one after the other; the demo's scene without any."""
    found = sorted((data / _FOLDER / "audio").glob("*")) if data is not None else []
    if not found:
        from agent.capture.scene import RATE_HZ, build_scene

        sound = resampled(build_scene().samples, RATE_HZ, _READ_HZ)
        return np.resize(sound, round(seconds * _READ_HZ))
    pieces: list[FloatArray] = []
    for path in found:
        pieces.append(read_audio(path, _READ_HZ))
        if sum(map(len, pieces)) >= seconds * _READ_HZ:
            break
    return np.resize(np.concatenate(pieces), round(seconds * _READ_HZ))


def start(name: str, sounds: Path, weights: Path) -> Running:
    """Start a system and wait until it can hear."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.peers_systems", name, str(sounds), str(weights)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | _THREADS,
        text=True,
    )
    return Running(process, Started(**json.loads(_line(process))))


def _line(process: subprocess.Popen[str]) -> str:
    """The next line of JSON: libraries may write lines of their own."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            return line
    raise SystemExit(f"{process.args!r} has ended: see what it wrote")


def table(running: dict[str, Running]) -> Iterator[str]:
    """What was found, as Markdown."""
    box = running[BOX]
    yield f"| | {' | '.join(running)} |"
    yield f"|---|{'---|' * len(running)}"
    for task in TASKS:
        ours = [done.processor_s for done in box.done[task]]
        cells = []
        for name, one in running.items():
            theirs = [done.processor_s for done in one.done[task]]
            own = f"{1_000.0 * median(theirs):.2f} ms"
            cells.append(own if name == BOX else f"{Ratio.of(ours, theirs)}")
        yield f"| {task}: processor time of a second of sound | {' | '.join(cells)} |"
    rows = {
        "start, processor time, s": [one.started.processor_s for one in running.values()],
        "resident when started, MiB": [one.started.resident_mib for one in running.values()],
        "resident at the end, MiB": [
            max(done[-1].resident_mib for done in one.done.values()) for one in running.values()
        ],
        "model, MiB": [one.started.model_mib for one in running.values()],
        "packages, MiB": [one.started.runtime_mib for one in running.values()],
    }
    for label, values in rows.items():
        yield f"| {label} | {' | '.join(f'{value:.1f}' for value in values)} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    named = os.environ.get("KIKIMIMI_DATA")
    parser.add_argument("--data", type=Path, default=Path(named) if named else None)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--systems", nargs="+", choices=[*SYSTEMS], default=[*SYSTEMS])
    arguments = parser.parse_args(argv)
    weights = (arguments.data or Path()) / "weights"
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kikimimi-peers-")))
        sound = recordings(arguments.data, arguments.seconds)
        rates = {SYSTEMS[name].rate_hz for name in SYSTEMS}
        sounds = place / "sound.npz"
        by_rate = {str(rate_hz): resampled(sound, _READ_HZ, rate_hz) for rate_hz in rates}
        np.savez(sounds, allow_pickle=False, **by_rate)
        running: dict[str, Running] = {}
        for name in dict.fromkeys((BOX, *arguments.systems)):
            if why := lacking(name, weights):
                sys.stdout.write(f"{name}: left out, {why}\n")
                continue
            running[name] = start(name, sounds, weights)
            stack.enter_context(running[name].process)
            stack.callback(running[name].process.kill)
        for one in running.values():  # what is done for the first time does not count
            for task in TASKS:
                one.answer(task)
        for _ in range(arguments.rounds):
            for task in TASKS:
                for one in running.values():
                    one.done[task].append(one.answer(task))
        sys.stdout.writelines(f"{line}\n" for line in table(running))
    return 0


if __name__ == "__main__":
    sys.exit(main())
