"""What quantization costs, and which variants cost too much to be shipped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from agent.bundle.manifest import Metric
from export.acoustic import AGREES

MOST_COST = 0.0125
"""What quantization may cost of any figure, or the variant is not shipped: seven of 569 files.

The worst of all figures is taken, and one file in 569 more or less is no cost."""
REFERENCE = "float32"


def costs(metrics: Iterable[Metric], files: Mapping[str, int]) -> dict[str, float]:
    """The most that any figure falls from float32 to each variant, as a share.

    Args:
        metrics: of all variants. Which of several takes is nearest may well change.
        files: of each data set that is pooled with others, how many.
    """
    found: dict[str, dict[tuple[str, str], list[tuple[float, int]]]] = defaultdict(dict)
    for metric in metrics:
        if metric.name != AGREES:
            key = (metric.language, metric.name)
            value = (metric.value, files.get(metric.dataset, 1))
            found[metric.variant].setdefault(key, []).append(value)
    pooled = {
        variant: {key: _pooled(values) for key, values in figures.items()}
        for variant, figures in found.items()
    }
    reference = pooled.pop(REFERENCE)
    return {
        variant: worst_fall([reference[key] for key in figures], figures.values())
        for variant, figures in pooled.items()
    }


def worst_fall(reference: Iterable[float], figures: Iterable[float]) -> float:
    """The most that any figure fell, as a share.

    Args:
        reference: each figure before.
        figures: the same, in the same order, after.
    """
    return max(before - after for before, after in zip(reference, figures, strict=True))


def _pooled(found: list[tuple[float, int]]) -> float:
    return sum(value * files for value, files in found) / sum(files for _, files in found)
