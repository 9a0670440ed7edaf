"""How much recordings count: chosen on validation recordings, see docs/experiments/few-shot.md.

All in units of score, the standard deviations of a description's margin on other sounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from agent.core.records import FloatArray

COUNTS_FROM, WEIGHT = 2.0, 3.0
"""Likeness to an example counts from so many standard deviations over ordinary sound on; each
further one adds this weight to the score of its description. Words decide where no recording fits,
and say little beside one that does."""
FIRES = 4.0
"""So many standard deviations over ordinary sound, a sound is taken for like a recording."""
COMMON = 0.05
"""An example that fires on more of the ordinary sound does not stand out from it."""
SAME = 0.6
"""From this likeness on a sound is taken for one that was rejected; 1 is that very sound."""
REJECTED_LEAST, REJECTED_MOST = 6.0, 30.0
"""What the very sound that was rejected takes off: more where its score was higher."""
UNDER = 1.5
"""How far under the threshold the very sound that was rejected has to come."""


def taken_off(score: FloatArray, threshold: FloatArray) -> FloatArray:
    """What rejected recordings take off at most.

    Args:
        score: of each, with the examples and without what was rejected.
        threshold: at which its description alarms.
    """
    least: FloatArray = np.clip(score - threshold + UNDER, REJECTED_LEAST, REJECTED_MOST)
    return least
