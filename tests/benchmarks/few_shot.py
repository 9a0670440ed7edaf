"""What confirmed and rejected clips do to a description: the tables of docs/examples.md.

    python -m tests.benchmarks.few_shot --data FOLDER [--folds 3] [--bundle FOLDER]

Each class of esc50-40 is described by its name alone, taught with recordings of its own, of
another class (what somebody confirmed by mistake), or with rejected ones, and then tried on
recordings of other sources. Fold 5 is for tests and is refused.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from agent import descriptions
from agent.bundle import loading as bundles
from agent.capture.audiofile import read_audio
from agent.encoder.audio import Encoder
from agent.encoder.text import embed_texts
from agent.hearing.windows import windows_at
from agent.matcher.matcher import Contrast, Described, PrototypeSet
from agent.watchlist.examples import Kind, Recording, join
from agent.watchlist.examples.gathering import REJECTED_WINDOWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray

ROOT = Path(__file__).resolve().parents[2]
NOISE = 0.02
"""By so much an average precision may be lower before a class counts as worse."""
SCENARIOS = (
    ("1 right", 1, 0, 0),
    ("2 right", 2, 0, 0),
    ("5 right", 5, 0, 0),
    ("1 wrong", 0, 1, 0),
    ("1 right, 1 wrong", 1, 1, 0),
    ("2 right, 1 wrong", 2, 1, 0),
    ("4 right, 1 wrong", 4, 1, 0),
    ("1 rejected", 0, 0, 1),
    ("2 right, 1 rejected", 2, 0, 1),
    ("3 rejected", 0, 0, 3),
)
_MISTAKABLE = 10
# Of one or two recordings, a precision tells nothing.
_LEAST_LEFT = 3
# An event goes on until scores are that far under the threshold.
_EVENT = 0.5

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """Recordings as windows, and descriptions of their classes."""

    embeddings: FloatArray
    """Of all windows, ``(windows, dim)``."""
    starts: npt.NDArray[np.intp]
    """First window of each recording."""
    classes: npt.NDArray[np.intp]
    """Of each recording."""
    sources: npt.NDArray[np.str_]
    described: list[Described]
    contrast: Contrast
    threshold: float

    def margins(self, described: Described) -> tuple[FloatArray, FloatArray]:
        """Scores of one description, of all windows and of all recordings."""
        prototypes = PrototypeSet([described], self.contrast.texts)
        statistics = prototypes.statistics(self.contrast.cohort)
        margin = prototypes.compare(self.embeddings)[1]
        score = ((margin - statistics.mean) / statistics.std)[:, 0]
        return score, self.heard(score)

    def alarming(self, one: int, score: FloatArray) -> FloatArray:
        """Windows of a recording that may alarm, as many as the box knows of a rejected sound."""
        end = [*self.starts[1:], len(self.embeddings)][one]
        rows = np.arange(self.starts[one], end)
        loudest = rows[np.argsort(-score[rows])][:REJECTED_WINDOWS]
        event = score[loudest] >= self.threshold - _EVENT
        event[0] = True
        return self.embeddings[loudest[event]]

    def heard(self, score: FloatArray) -> FloatArray:
        """Highest score that 2 of 3 windows in a row reach, for each recording."""
        found = []
        for one in np.split(score, self.starts[1:]):
            padded = np.pad(one, (0, max(0, 3 - len(one))), constant_values=-np.inf)
            threes = np.lib.stride_tricks.sliding_window_view(padded, 3)
            second = np.sort(threes, axis=1)[:, 1].max()
            found.append(second if np.isfinite(second) else one.max())
        return np.array(found, np.float32)


def load(bundle: Bundle, data: Path, folds: Sequence[str], cache: Path) -> World:
    """Hear the recordings of some folds."""
    named = descriptions.load(ROOT / "configs/evaluation/esc50-40.en.yaml")
    ordinary = descriptions.load(ROOT / "configs/descriptions.en.yaml").background
    texts = [error.text for error in named.errors]
    embedded = embed_texts(bundle, [*texts, *ordinary], cache)
    none = np.empty((0, embedded.shape[1]), np.float32)
    with (data / "esc50-40/clips.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["fold"] in folds]
    kept = cache / f"{bundle.sha256[:16]}-{'-'.join(folds)}.npz"
    if not kept.is_file():
        windows = hear(bundle, data, [row["filename"] for row in rows])
        np.savez(kept, embeddings=np.concatenate(windows), sizes=[len(one) for one in windows])
    with np.load(kept) as archive:
        embeddings, sizes = archive["embeddings"], archive["sizes"]
    ids = [error.error_id for error in named.errors]
    classes = [ids.index(row["category"]) for row in rows]
    return World(
        embeddings=embeddings,
        starts=np.cumsum([0, *sizes[:-1]]),
        classes=np.array(classes),
        sources=np.array([row["filename"].split("-")[1] for row in rows]),
        described=[Described(ids[n], embedded[n : n + 1], none) for n in range(len(ids))],
        contrast=Contrast(embedded[len(ids) :], bundle.background()),
        threshold=bundle.manifest.tuning.threshold,
    )


def hear(bundle: Bundle, data: Path, names: Sequence[str]) -> list[FloatArray]:
    """Windows of each recording, embedded as the box does."""
    encoder = Encoder(bundle)
    heard = []
    for name in names:
        path = next((data / "esc50-40/audio").glob(f"{Path(name).stem}.*"))
        samples = read_audio(path, bundle.manifest.frontend.sample_rate_hz)
        windows = windows_at(bundle, name, samples)
        heard.append(np.concatenate([encoder.embed([one]).joint for one in windows]))
    return heard


def average_precision(score: FloatArray, own: Bools) -> float:
    """How far a class's own recordings come before all others."""
    ranked = own[np.argsort(-score, kind="stable")]
    at = np.flatnonzero(ranked)
    return float((np.arange(1, len(at) + 1) / (at + 1)).mean())


@dataclass(frozen=True)
class Told:
    """What one trial came to."""

    precision: float
    equal: float
    """Share of its own recordings found at as many false alarms as by the text alone."""
    recall: float
    """At the shipped threshold ..."""
    false: float
    """... and the share of other recordings that alarm at it."""
    aside: float
    """Share of the recordings of the scenario's mistake that were set aside."""
    silent: float
    """Share of the rejected recordings that alarm no more, of those that did."""


def trial(
    world: World, number: int, chosen: tuple[Sequence[int], ...], texts: Texts, known: Sequence[int]
) -> tuple[Told, Told]:
    """By the text alone, and with recordings.

    Args:
        world: recordings and descriptions.
        number: the description that is taught.
        chosen: recordings that are right, wrong and rejected.
        texts: scores by the texts alone.
        known: recordings of other classes that are confirmed as what they are.
    """
    right, wrong, rejected = chosen

    def recording(one: int, column: int, kind: Kind) -> Recording:
        embedding = world.embeddings[texts.peaks[one, column]]
        return Recording(world.described[column].error_id, str(one), kind, embedding, sure=False)

    recordings = [recording(one, number, Kind.EXAMPLE) for one in (*right, *wrong)]
    recordings += [
        replace(recording(one, number, Kind.REJECTED), embedding=window)
        for one in rejected
        for window in world.alarming(one, texts.windows[:, number])
    ]
    recordings += [recording(one, int(world.classes[one]), Kind.EXAMPLE) for one in known]
    thresholds = np.full(len(world.described), world.threshold, np.float32)
    joined = join(world.described, world.contrast, recordings, thresholds)
    mistakes = {str(one) for one in (*wrong, *rejected)} or {str(one) for one in right}
    own_id = world.described[number].error_id
    aside = {one.name for one in joined.set_aside if one.error_id == own_id}
    used = world.sources[[*right, *wrong, *rejected, *known]]
    left = ~np.isin(world.sources, used)
    own = world.classes[left] == number
    plain = texts.recordings[:, number]
    taught = world.margins(joined.described[number])[1]
    few = max(1, int((plain[left][~own] >= world.threshold).sum()))

    def told(score: FloatArray) -> Told:
        of_all = score[left]
        limit = np.sort(of_all[~own])[::-1][few]
        alarmed = [one for one in rejected if plain[one] >= world.threshold]
        silent = np.mean([score[one] < world.threshold for one in alarmed]) if alarmed else np.nan
        return Told(
            average_precision(of_all, own),
            float((of_all[own] > limit).mean()),
            float((of_all[own] >= world.threshold).mean()),
            float((of_all[~own] >= world.threshold).mean()),
            len(mistakes & aside) / len(mistakes),
            float(silent),
        )

    return told(plain), told(taught)


@dataclass(frozen=True)
class Texts:
    """Scores by the texts alone."""

    recordings: FloatArray
    """Shape ``(recordings, descriptions)``."""
    windows: FloatArray
    """Shape ``(windows, descriptions)``."""
    peaks: npt.NDArray[np.intp]
    """Window of each recording with the highest score, ``(recordings, descriptions)``."""

    @classmethod
    def of(cls, world: World) -> Texts:
        """Score everything."""
        windows, recordings = zip(*(world.margins(one) for one in world.described), strict=True)
        stacked = np.stack(windows, axis=1)
        peaks = [
            start + one.argmax(axis=0)
            for start, one in zip(world.starts, np.split(stacked, world.starts[1:]), strict=True)
        ]
        return cls(np.stack(recordings, axis=1), stacked, np.stack(peaks))


def scenario(world: World, texts: Texts, counts: tuple[int, ...], others: int, rounds: int) -> str:
    """A row of the table: figures of the text alone, then with recordings."""
    chance = np.random.default_rng(0)
    plain, taught = [], []
    for number in range(len(world.described)):
        own = np.flatnonzero(world.classes == number)
        foreign = np.flatnonzero(world.classes != number)
        mistakable = foreign[np.argsort(-texts.recordings[foreign, number])][:_MISTAKABLE]
        for _ in range(rounds if len(own) > counts[0] + 1 else 0):
            right = chance.choice(own, counts[0], replace=False).tolist()
            mistaken = chance.choice(mistakable, counts[1] + counts[2], replace=False).tolist()
            known = [
                one
                for column in range(len(world.described))
                if column != number
                for one in chance.choice(
                    np.setdiff1d(np.flatnonzero(world.classes == column), mistaken),
                    others,
                    replace=False,
                ).tolist()
            ]
            chosen = right, mistaken[: counts[1]], mistaken[counts[1] :]
            left = ~np.isin(world.sources[own], world.sources[[*right, *mistaken, *known]])
            if left.sum() >= _LEAST_LEFT:
                before, after = trial(world, number, chosen, texts, known)
                plain.append((number, before))
                taught.append((number, after))
    if not plain:
        return "too few recordings"
    numbers = np.array([number for number, _ in plain])

    def mean(which: list[tuple[int, Told]], name: str) -> float:
        return float(np.nanmean([getattr(one, name) for _, one in which]))

    pairs = zip(taught, plain, strict=True)
    gain = np.array([after.precision - before.precision for (_, after), (_, before) in pairs])
    by_class = np.array([gain[numbers == number].mean() for number in np.unique(numbers)])
    cells = [
        f"{mean(which, name):.3f}"
        for name in ("precision", "equal", "recall", "false")
        for which in (plain, taught)
    ]
    silent = mean(taught, "silent") if counts[2] else float("nan")
    cells += [
        f"{(by_class >= -NOISE).sum()} of {len(by_class)}",
        f"{by_class.min():+.3f}",
        f"{mean(taught, 'aside'):.2f}",
        f"{silent:.2f}" if counts[2] else "",
    ]
    return " | ".join(cells)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--folds", nargs="+", default=["3"], choices=["1", "2", "3"])
    parser.add_argument("--bundle", type=Path, metavar="FOLDER")
    parser.add_argument("--others", type=int, default=1, help="confirmed clips of each other class")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cache", type=Path, required=True, metavar="FOLDER")
    arguments = parser.parse_args()
    bundle = bundles.load(arguments.bundle)
    world = load(bundle, arguments.data, arguments.folds, arguments.cache)
    texts = Texts.of(world)
    say(f"{bundle.manifest.name} {bundle.manifest.version}, threshold {world.threshold}")
    say(
        "| recordings | AP text | AP | recall at equal false alarms text | with | recall text "
        "| with | false text | with | classes no worse | worst class | set aside | silenced |"
    )
    say("|" + "---|" * 13)
    for name, *counts in SCENARIOS:
        row = scenario(world, texts, tuple(counts), arguments.others, arguments.rounds)
        say(f"| {name} | {row} |")


if __name__ == "__main__":
    main()
