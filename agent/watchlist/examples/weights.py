"""How much recordings count: chosen on validation recordings, see docs/examples.md.

All in units of score, the standard deviations of a description's margin on ordinary sound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from agent.core.records import FloatArray

ALONE, ALONE_MOST = 0.5, 3.0
"""Weight of an example that no other agrees with, and what it adds at most, in score."""
AGREEING, AGREEING_MOST = 1.0, 8.0
"""Of one that another agrees with, or that is sure."""
FIRES = 4.0
"""So many standard deviations over ordinary sound, a sound is taken for like a recording: three
in four others of its class are, and one in forty of other classes."""
SAME = 0.8
"""From this likeness on a sound is taken for one that was rejected; 1 is that very sound."""
REJECTED_LEAST, REJECTED_MOST = 6.0, 15.0
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
