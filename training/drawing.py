"""Figures of reports, drawn by matplotlib without a screen: PNG, the same bytes each time."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# It keeps a list of the system's fonts and looks for settings below the user's home folder. The
# list is made in a second and stays in memory; somebody's settings would change the figures.
with tempfile.TemporaryDirectory(prefix="kikimimi-matplotlib-") as _folder:
    os.environ["MPLCONFIGDIR"] = _folder
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    del os.environ["MPLCONFIGDIR"]

__all__ = ["Axes", "Figure", "save"]


def save(figure: Figure, path: Path, *, dpi: int = 130) -> None:
    """Draw a figure; the file holds neither a date nor the version of the library."""
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=dpi, metadata={"Software": None})
