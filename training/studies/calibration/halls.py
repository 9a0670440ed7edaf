"""The two halls that the calibration is judged on: they share no recording.

None of what the shipped descriptions call an error is among the sounds, so that whatever is
detected is a false alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.data.build import read_data_sets
from training.data.records import Manifest, Recording
from training.studies.hall import Hall, by_class, classes_of, in_time, read_kinds

MOST_PER_KIND = 10
_BEDS = (
    ("mimii-fan/industrial fan",),
    # Two recordings cut into seconds: a half of each is a stretch of time.
    ("vroom-lathe/metal lathe at the right speed",),
    (
        "brushless-motors/brushless motor without propeller",
        "brushless-motors/brushless motor with propeller",
    ),
    *((name,) for name in classes_of("esc50-40", "vacuum cleaner, washing machine, engine")),
    *((name,) for name in classes_of("esc50-40", "airplane, train, wind")),
    *((name,) for name in classes_of("everyday-cc", "compressor motor, vehicle motor idle")),
    *((name,) for name in classes_of("everyday-cc", "motorbike idle, jet ambience")),
)
"""Classes of each kind of machine."""
_SOUNDS = (
    *classes_of(
        "esc50-40",
        """footsteps, door wood knock, door wood creaks, keyboard typing, mouse click, coughing,
        laughing, clapping, breathing, drinking sipping, can opening, hand saw, brushing teeth,
        chirping birds, crow, insects, snoring""",
    ),
    *classes_of(
        "everyday-cc",
        """door close, door open, door creak, door knock, scrape, zipper, chalk write, coin,
        clock tick, bicycle spokes""",
    ),
)


def halves(data: Path) -> tuple[Hall, Hall]:
    """Two halls of the shared recordings; none is in both.

    Raises:
        FileNotFoundError: a folder is missing.
    """
    sets = dict.fromkeys(name.partition("/")[0] for kind in (*_BEDS, _SOUNDS) for name in kind)
    found = by_class(sum(read_data_sets(data, sets).values(), Manifest()))
    beds = [_together([found[name] for name in kind]) for kind in _BEDS]
    sounds = [found[name] for name in _SOUNDS]
    first, second = (
        [
            read_kinds([_half(k, half) for k in kinds], data, MOST_PER_KIND)
            for kinds in (beds, sounds)
        ]
        for half in (0, 1)
    )
    return Hall(*first), Hall(*second)


def _together(classes: Sequence[Sequence[Recording]]) -> Sequence[Recording]:
    """One kind of several classes: their recordings in the order of time."""
    if len(classes) == 1:
        return classes[0]
    return sorted((recording for own in classes for recording in own), key=in_time)


def _half(kind: Sequence[Recording], half: int) -> Sequence[Recording]:
    """The first or the last half of a kind, the larger one first; takes in the order of time."""
    middle = -(-len(kind) // 2)
    return kind[:middle] if half == 0 else kind[middle:]
