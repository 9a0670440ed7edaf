"""The recordings of a simulated month, dealt out: none is heard in two weeks.

Those of the test split are not opened. Clips that were cut from one recording of ESC-50, or made
by one person of everyday-cc, go to the same week; takes of one thing and seconds of one machine
are dealt out in the order of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data.build import read_data_sets
from training.data.records import Manifest, Recording, Split
from training.data.subsets import without_leaks
from training.studies.hall import by_class, classes_of, in_time

WEEKS = 4
PARTS = WEEKS + 1
"""The weeks, and before them the background that the site is calibrated on."""
SETS = ("esc50-40", "everyday-cc", "cc0-impacts", "brushless-motors", "vroom-lathe")

ERRORS = {
    "esc50-40/glass breaking": "glass_broken",
    "esc50-40/car horn": "vehicle_horn",
    "everyday-cc/vehicle horn": "vehicle_horn",
    "esc50-40/siren": "siren",
    "esc50-40/clock alarm": "alarm_buzzer",
    "esc50-40/water drops": "water_leak",
    "cc0-impacts/metal hit": "metal_part_dropped",
    "cc0-impacts/slam": "shutter_slammed",
    "everyday-cc/explosion": "explosion",
    "cc0-impacts/explosion": "explosion",
}
"""Classes of recordings that a description names, and which one."""
ORDINARY = classes_of(
    "esc50-40",
    """can opening, fireworks, thunderstorm, church bells, door wood knock, clapping, laughing, cat,
    pouring water, toilet flush, hand saw, crow""",
)
"""Classes that resemble what is described, and are normal on this site."""
BEDS = (
    "vroom-lathe/metal lathe at the right speed",
    "brushless-motors/brushless motor without propeller",
    "brushless-motors/brushless motor with propeller",
    *classes_of("esc50-40", "vacuum cleaner, washing machine, engine, airplane, train, wind"),
)
HALL = classes_of(
    "esc50-40",
    """footsteps, door wood creaks, keyboard typing, mouse click, coughing, breathing,
    drinking sipping, brushing teeth, chirping birds, insects, snoring""",
)
"""Classes that the hall is made of all the time, also while it is calibrated."""

_IN_TIME = ("vroom-lathe/", "brushless-motors/", "cc0-impacts/")


@dataclass(frozen=True, slots=True)
class Dealt:
    """What one stretch of the month may use, by class."""

    recordings: Mapping[str, tuple[Recording, ...]]

    def of(self, classes: Iterable[str]) -> list[tuple[str, Recording]]:
        """(class, recording) of some classes, in order."""
        return [(name, clip) for name in classes for clip in self.recordings.get(name, ())]


def known(data: Path) -> Manifest:
    """All recordings that may be used, with their classes; none of the test split.

    Raises:
        FileNotFoundError: a set is missing.
        ManifestError: one is damaged.
    """
    everything = without_leaks(sum(read_data_sets(data, SETS).values(), Manifest()))
    return everything.without(
        {clip.id for clip in everything.recordings if clip.split is Split.TEST}
    )


def deal(manifest: Manifest, seed: int) -> tuple[Dealt, ...]:
    """The recordings of the background, then of each week.

    What is heard in the background goes to all :data:`PARTS`; errors and what resembles them to
    the weeks alone.
    """
    rng = np.random.default_rng([seed, 0])
    of_class = {name: sorted(own, key=in_time) for name, own in by_class(manifest).items()}
    place: dict[str, int] = {}
    parts: list[dict[str, tuple[Recording, ...]]] = [{} for _ in range(PARTS)]
    for names, first in (((*ERRORS, *ORDINARY), 1), ((*BEDS, *HALL), 0)):
        for name in names:
            dealt = _dealt(of_class.get(name, []), first, place, rng)
            for number, some in enumerate(dealt):
                parts[number][name] = tuple(some)
    return tuple(Dealt(part) for part in parts)


def _dealt(
    some: Sequence[Recording], first: int, place: dict[str, int], rng: np.random.Generator
) -> list[list[Recording]]:
    """Recordings of a class by part; a source that has its part already stays there."""
    parts: list[list[Recording]] = [[] for _ in range(PARTS)]
    count = PARTS - first
    if some and some[0].id.startswith(_IN_TIME):
        turn = int(rng.integers(count))
        for number, clip in enumerate(some):
            parts[first + (number * count // len(some) + turn) % count].append(clip)
        return parts
    sources: dict[str, list[Recording]] = {}
    for recording in some:
        sources.setdefault(recording.source, []).append(recording)
    names = sorted(sources)
    for at in rng.permutation(len(names)):
        name = names[at]
        if name not in place:
            order = rng.permutation(count) + first
            place[name] = int(min(order, key=lambda part: len(parts[part])))
        parts[place[name]] += sources[name]
    return parts
