"""What the choice of a channel protects and costs: the table of docs/benchmarks.md.

    python -m tests.benchmarks.channels --data FOLDER [--bundle FOLDER]

Recordings of effects-cc and industrial-cc, one a label, are made into several channels and scored
by their labels: mixed as a mean, by their best channel alone, and as the box hears them.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent import descriptions
from agent.bundle import loading as bundles
from agent.capture.audiofile import read_audio
from agent.capture.mixdown import Mixdown
from agent.encoder.audio import Encoder
from agent.hearing.windows import whole_window
from agent.watchlist import watchlist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray

FOLDERS = ("effects-cc", "industrial-cc")
COUNT = 60
RATE_HZ = 32_000
_SEED = 3
_SHORTEST_S, _LONGEST_S = 1.5, 8.0
_PIECE = 4_000


def later(sound: FloatArray, milliseconds: float) -> FloatArray:
    """As a microphone farther away hears it."""
    samples = round(milliseconds * RATE_HZ / 1_000)
    return np.concatenate((np.zeros(samples, np.float32), sound[: len(sound) - samples]))


def conditions(
    sound: FloatArray, other: FloatArray, rng: np.random.Generator
) -> dict[str, list[FloatArray]]:
    """Channels by what is done; the first one is the best."""

    def noise(dbfs: float) -> FloatArray:
        drawn = rng.standard_normal(len(sound)) * 10.0 ** (dbfs / 20.0)
        return np.asarray(drawn, np.float32)

    return {
        "twice the same": [sound, sound],
        "right inverted": [sound, -sound],
        "right inverted, 6 dB weaker": [sound, -0.5 * sound],
        "right inverted, each with noise of -60 dBFS": [sound + noise(-60), -sound + noise(-60)],
        **{f"two, {ms:g} ms apart": [sound, later(sound, ms)] for ms in (0.3, 1, 2, 4, 8)},
        "four, 0.1 ms from each to the next": [later(sound, 0.1 * at) for at in range(4)],
        "eight, 1 to 8 ms late": [later(sound, at) for at in range(1, 9)],
        "right digital silence": [sound, 0.0 * sound],
        "right 6 dB weaker": [sound, 0.5 * sound],
        "right 20 dB weaker": [sound, 0.1 * sound],
        "each with noise of -40 dBFS of its own": [sound + noise(-40), sound + noise(-40)],
        "eight, each with noise of -40 dBFS of its own": [sound + noise(-40) for _ in range(8)],
        "two, 1 ms apart, with noise of -40 dBFS": [
            sound + noise(-40),
            later(sound, 1) + noise(-40),
        ],
        "right another recording": [sound, other],
        "right another recording, 20 dB weaker": [sound, 0.1 * other],
    }


def as_heard(channels: Sequence[FloatArray]) -> tuple[FloatArray, bool]:
    """What the box makes of them, and whether it took one channel."""
    frames = np.stack(channels, axis=1).astype(np.float32)
    mixdown = Mixdown()
    mixdown.begin(RATE_HZ)
    pieces = np.array_split(frames, max(1, len(frames) // _PIECE))
    return np.concatenate(list(mixdown.recording(pieces))), mixdown.choice is not None


@dataclass(frozen=True, slots=True)
class Judge:
    """Scores sounds by their labels."""

    bundle: Bundle
    encoder: Encoder
    watch: watchlist.Watchlist

    @classmethod
    def of(cls, bundle: Bundle, labels: Sequence[str]) -> Judge:
        """One description a label."""
        lines = [f"  - {{id: s{at}, text: {label!r}}}" for at, label in enumerate(labels)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "d.yaml"
            path.write_text("\n".join(["version: 1", "errors:", *lines]), encoding="utf-8")
            watch = watchlist.build(bundle, descriptions.load(path), cache=None)
        return cls(bundle, Encoder(bundle), watch)

    def score(self, sound: FloatArray, number: int) -> tuple[float, bool]:
        """The right description's score, and whether it is the highest."""
        samples = np.ascontiguousarray(sound, np.float32)
        window = whole_window(self.bundle, "benchmark", samples)
        (match,) = self.watch.matcher.match([window], self.encoder.embed([window]))
        return float(match.score[number]), int(match.score.argmax()) == number


def recordings(data: Path, rng: np.random.Generator) -> dict[str, FloatArray]:
    """Sounds by label."""
    rows: list[tuple[Path, str, str]] = []
    for folder in FOLDERS:
        with (data / folder / "clips.csv").open(encoding="utf-8", newline="") as file:
            rows += [
                (data / folder, row["filename"], row["label"])
                for row in csv.DictReader(file)
                if _SHORTEST_S <= float(row["seconds"]) <= _LONGEST_S
            ]
    found: dict[str, FloatArray] = {}
    for at in rng.permutation(len(rows)):
        folder, name, label = rows[at]
        if label not in found and len(found) < COUNT:
            found[label] = read_audio(next(folder.rglob(name)), RATE_HZ)
    return found


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bundle", type=Path)
    arguments = parser.parse_args()
    rng = np.random.default_rng(_SEED)
    sounds = recordings(arguments.data, rng)
    judge = Judge.of(bundles.load(arguments.bundle), list(sounds))
    table: dict[str, list[list[tuple[float, bool]]]] = {}
    taken: dict[str, int] = {}
    others = [*list(sounds.values())[7:], *list(sounds.values())[:7]]
    for number, (sound, other) in enumerate(zip(sounds.values(), others, strict=True)):
        for name, channels in conditions(sound, np.resize(other, len(sound)), rng).items():
            heard, one = as_heard(channels)
            three = (np.mean(channels, axis=0), channels[0], heard)
            row = [judge.score(sound, number) for sound in three]
            table.setdefault(name, []).append(row)
            taken[name] = taken.get(name, 0) + one
    sys.stdout.write("| channels | mean | best channel | as heard | one channel taken |\n")
    sys.stdout.write("|---|---|---|---|---|\n")
    for name, rows in table.items():
        cells = []
        for column in zip(*rows, strict=True):
            scores, right = zip(*column, strict=True)
            cells.append(f"{np.mean(scores):.2f} ({sum(right)})")
        sys.stdout.write(f"| {name} | {' | '.join(cells)} | {taken[name]} |\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
