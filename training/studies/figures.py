"""Figures of the reports: sizes, colours that everybody tells apart, files that stay the same."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

# matplotlib keeps a list of the system's fonts and looks for settings below the user's home
# folder. The list is made in a second and stays in memory; somebody's settings would change the
# figures.
with tempfile.TemporaryDirectory(prefix="kikimimi-matplotlib-") as _folder:
    os.environ["MPLCONFIGDIR"] = _folder
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    del os.environ["MPLCONFIGDIR"]

__all__ = [
    "BLUE", "GREEN", "GREY", "ORANGE", "PINK", "SKY", "YELLOW",
    "Axes", "Figure", "figure", "points", "save",
]  # fmt: skip

# Okabe and Ito, "Color universal design", 2008: told apart by everybody, and in grey.
BLUE, SKY, GREEN, YELLOW, ORANGE, PINK, GREY = (
    *("#0072B2", "#56B4E9", "#009E73", "#E69F00"),
    *("#D55E00", "#CC79A7", "#7F7F7F"),
)


def figure(width_in: float, height_in: float) -> Figure:
    """An empty figure whose parts make room for each other."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def save(drawn: Figure, path: Path, dpi: int = 130) -> None:
    """Write a PNG file without date and version: the same numbers make the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(drawn)
    drawn.savefig(path, dpi=dpi, metadata={"Software": None})


def points(
    axes: Axes,
    at: Sequence[float],
    values: Sequence[float],
    spreads: Sequence[Any],
    **style: object,
) -> None:
    """Values with the intervals that they may lie in, each with its ends ``low`` and ``high``."""
    y = np.array(values)
    below = y - np.array([spread.low for spread in spreads])
    above = np.array([spread.high for spread in spreads]) - y
    axes.errorbar(at, y, (below, above), **style)  # type: ignore[arg-type]
