"""Alarms in hall noise: a table of docs/experiments/few-shot.md.

    python -m tests.benchmarks.alarms --data FOLDER [--hours 2] [--snr 10 0] [--bundle FOLDER]

Series of effects, of test clips of the frozen split, are listened for all at once, as a calibrated
box does: half of the hours calibrate it to one false alarm an hour of each description, in the
other half it is judged, without sounds and with them. Descriptions are words alone, in English or
Japanese, or name one recording as well. Thresholds are those at which one an hour is *expected*,
and those by which the box's own calibration *promises* that there are no more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.bundle import loading as bundles
from agent.capture.audiofile import read_audio
from agent.capture.scene import RATE_HZ
from agent.store import Store
from tests.benchmarks.alarm_box import Box, Ears, asked_in
from tests.benchmarks.alarm_figures import Sounding, answered, false_alarms, found
from tests.benchmarks.alarm_scene import LEAST, SLOTS, STRETCH_S, Part, lay, noise, recorded
from tests.benchmarks.few_shot_protocol import CLASSES, Sources, draw
from training.data import takes
from training.data.audioset import load_classes
from training.data.lexicon import RESOURCE, by_label, read_lexicon
from training.data.records import Split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.bundle.loading import Bundle
    from agent.core.records import Detection
    from agent.watchlist.watchlist import Watchlist
    from tests.benchmarks.alarm_box import Heard
    from tests.benchmarks.alarm_figures import Answered
    from tests.benchmarks.alarm_scene import Machine, Stretch
    from training.data.takes import Take

LANGUAGES = {"en": "English", "ja": "Japanese"}
EVENTS = 5
"""Sounds of a series, at most."""

# Series are of the first two; the protocol draws them beside other sounds.
_SETS = ("effects-cc", "industrial-cc", "esc50-40", "everyday-cc", "cc0-impacts")
_HEADS = (
    *("descriptions", "thresholds", "noise", "found", "right name first", "among the candidates"),
    *("questions for each found", "found by chance", "false alarms an hour"),
    *("of a description", "of the worst", "mean threshold"),
)


@dataclass(frozen=True, slots=True)
class Series:
    """What one description is about."""

    error_id: str
    words: Mapping[str, str]
    """What it is called, by language: its label, and the lexicon's first Japanese wording."""
    example: Take
    events: tuple[Take, ...]
    """Other takes of it."""


def series_of(data: Path, lexicon: Path, seed: int, count: int) -> tuple[Series, ...]:
    """Series as the few-shot protocol draws them.

    Raises:
        FileNotFoundError: a set is not in the data folder.
        KeyError: the lexicon does not have a label.
        ManifestError: a set or the lexicon is damaged.
    """
    entries = by_label(read_lexicon([one.name for one in load_classes(data)], lexicon))
    drawn = draw(takes.read(data, Split.TEST, sets=_SETS), Sources.SAME, seed, count)
    some = []
    for number, (examples, queries) in enumerate(zip(drawn.examples, drawn.queries, strict=True)):
        example, *others = (*examples, *queries)
        words = {"en": example.label, "ja": entries[example.label].ja[0]}
        some.append(Series(f"series_{number:02}", words, example, tuple(others[:EVENTS])))
    return tuple(some)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is listened for, in what noise."""

    data: Path
    series: tuple[Series, ...]
    machines: Mapping[str, tuple[Machine, ...]]
    """Recorded ones, by kind."""
    stretches: int
    """Of noise, in each part."""
    ratios_db: tuple[float, ...]
    """Of each event while it sounds, over the noise."""
    seed: int

    def noise(self, part: Part) -> Iterator[Stretch]:
        """The stretches of a part, made one by one."""
        return noise(self.machines, part, self.stretches, self.seed)

    def groups(self) -> list[list[tuple[str, Take]]]:
        """All events with what they are of, in an order by chance, as many as fit a stretch."""
        events = [(one.error_id, take) for one in self.series for take in one.events]
        order = np.random.default_rng(self.seed).permutation(len(events)).tolist()
        return [[events[at] for at in order[n : n + SLOTS]] for n in range(0, len(order), SLOTS)]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the box is judged by."""

    noise: list[Heard]
    """Stretches in which nothing sounds."""
    sounds: dict[float, list[tuple[Heard, list[Sounding]]]]
    """The same with sounds in them, by their signal-to-noise ratio in dB; some several times."""


def judging(ears: Ears, plan: Plan) -> Judged:
    """Hear each stretch without sounds, and each event once in one of them for each ratio.

    Raises:
        AudioFileError: a recording cannot be read.
    """
    made = Judged([], {ratio_db: [] for ratio_db in plan.ratios_db})
    groups = plan.groups()
    for number, stretch in enumerate(plan.noise(Part.JUDGING)):
        alone = ears.hear(stretch)
        made.noise.append(alone)
        numbers = range(number, len(groups), plan.stretches)
        for group, ratio_db in product(numbers, plan.ratios_db):
            paths = (plan.data / take.recording.path for _, take in groups[group])
            sounds = [read_audio(path, RATE_HZ) for path in paths]
            rng = np.random.default_rng([plan.seed, group])
            mixed, spans = lay(stretch, sounds, ratio_db, rng)
            sounding = [
                Sounding(error_id, span.starts_s, span.ends_s)
                for span, (error_id, _) in zip(spans, groups[group], strict=True)
            ]
            made.sounds[ratio_db].append((ears.hear_again(alone, mixed, spans), sounding))
    return made


def rows(watch: Watchlist, words: Mapping[str, str], judged: Judged) -> Iterator[tuple[str, ...]]:
    """Cells of the table: one row for each ratio.

    Args:
        watch: what is listened for.
        words: of each description, by its id.
        judged: what is heard.
    """
    events: list[Detection] = []
    alone: dict[str, list[Detection]] = {}
    for heard in judged.noise:
        began, alone[heard.source] = asked_in(watch, heard)
        events += began
    hours = len(judged.noise) * STRETCH_S / 3_600.0
    wrong = false_alarms(events, chain.from_iterable(alone.values()), watch.count, hours)
    thresholds = [policy.threshold_on for policy in watch.policies.values()]
    for ratio_db, some in judged.sounds.items():
        answers: list[Answered] = []
        chance: list[Answered] = []
        for heard, sounding in some:
            _, told = asked_in(watch, heard)
            answers += [answered(one, told, words) for one in sounding]
            chance += [answered(one, alone[heard.source], words) for one in sounding]
        own = found(answers)
        yield (
            f"{ratio_db:g} dB",
            *(f"{x:.2f}" for x in (own.share, own.right_first, own.right_among, own.questions)),
            f"{found(chance).share:.2f}",
            f"{wrong.questions:.1f}",
            f"{wrong.mean:.2f}",
            f"{wrong.most:.0f}",
            f"{np.mean(thresholds):.2f}",
        )


def table(plan: Plan, bundle: Bundle) -> Iterator[str]:
    """Its lines, after one of what it rests on."""
    events = sum(len(one.events) for one in plan.series)
    machines = ", ".join(f"{len(some)} of {kind}" for kind, some in plan.machines.items())
    yield (
        f"{len(plan.series)} series, {events} events; {plan.stretches} stretches of noise each for "
        f"thresholds and judging; recorded machines for both: {machines}\n"
    )
    yield f"| {' | '.join(_HEADS)} |"
    yield f"{'|---' * len(_HEADS)}|"
    ears = Ears(bundle)
    judged = judging(ears, plan)
    examples = {one.error_id: plan.data / one.example.recording.path for one in plan.series}
    with tempfile.TemporaryDirectory() as folder, closing(Store.in_memory()) as store:
        calm = (ears.hear(stretch) for stretch in plan.noise(Part.THRESHOLDS))
        box = Box(bundle, calm, Path(folder), store)
        for (language, name), taught in product(LANGUAGES.items(), (False, True)):
            words = {one.error_id: one.words[language] for one in plan.series}
            watch = box.listen_for(words, language, examples if taught else {})
            what = f"{name} alone"
            if taught:
                what = f"{name}, one example ({sum(watch.examples.examples.values())} count)"
            for how, some in (("expected", box.expecting(watch)), ("promised", watch)):
                for cells in rows(some, words, judged):
                    yield f"| {' | '.join((what, how, *cells))} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="the shipped one by default")
    parser.add_argument("--lexicon", type=Path, default=RESOURCE, metavar="FOLDER")
    parser.add_argument("--hours", type=float, default=2.0, help="half of them for thresholds")
    parser.add_argument("--series", type=int, default=CLASSES)
    parser.add_argument("--snr", type=float, nargs="+", default=[10.0], metavar="DB")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    data = arguments.data
    series = series_of(data, arguments.lexicon, arguments.seed, arguments.series)
    families = {one.example.family for one in series}
    plan = Plan(
        data,
        series,
        recorded(data, families, {one.example.label for one in series}),
        max(LEAST, round(arguments.hours / 2.0 * 3_600.0 / STRETCH_S)),
        tuple(arguments.snr),
        arguments.seed,
    )
    for line in table(plan, bundles.load(arguments.bundle)):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
