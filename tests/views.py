"""Views of windows that were never heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agent.core.records import Views

if TYPE_CHECKING:
    import numpy.typing as npt


def views(rows: npt.NDArray[np.floating], acoustic_size: int | None = None) -> Views:
    """Views of which both say the same, as far as their sizes let them.

    Args:
        rows: unit length, shape ``(windows, dim)``, or ``(dim,)`` for one window.
        acoustic_size: of the acoustic view; ``dim`` if ``None``.
    """
    joint = np.atleast_2d(rows).astype(np.float32)
    size = joint.shape[1] if acoustic_size is None else acoustic_size
    acoustic = np.tile(joint, -(-size // joint.shape[1]))[:, :size]
    return Views(joint, acoustic / np.linalg.norm(acoustic, axis=1, keepdims=True))
