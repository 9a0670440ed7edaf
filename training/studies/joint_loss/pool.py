"""What the arms reached, pooled over seeds, with what is certain of their differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.data.arrays import Values
from training.data.records import Manifest
from training.evaluation.evaluate import Key, Results
from training.evaluation.report import read_results
from training.studies.comparison import Difference, Reached, differences, reached
from training.studies.joint_loss.run import EVALUATION, START, Plan

Group = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure over all data sets."""

    name: str
    task: str
    direction: str
    metric: str

    def fits(self, key: Key) -> bool:
        """Whether a measured figure is part of it."""
        return (key.task, key.direction, key.metric) == (self.task, self.direction, self.metric)


MAP = Measure("mAP@10", "retrieval", "text to audio", "mAP@10")
NDCG = Measure("nDCG@10", "simulated ratings", "text to audio", "nDCG@10")
MEASURES = (
    MAP,
    NDCG,
    Measure("Kendall's tau", "simulated ratings", "text to audio", "Kendall's tau"),
    Measure("audio to text mAP@10", "retrieval", "audio to text", "mAP@10"),
    Measure("class names top-1", "class names", "audio to text", "top-1"),
)


@dataclass(frozen=True, slots=True)
class Pooled:
    """Everything that the report says."""

    groups: Mapping[str, int]
    """Groups of queries, by measure."""
    queries: Mapping[str, int]
    reached: tuple[Reached, ...]
    differences: tuple[Difference, ...]


def pool(plan: Plan, manifest: Manifest, pairs: Sequence[tuple[str, str]]) -> Pooled:
    """Read every evaluation and compare.

    Captions that fit the same recordings are asked about the same thing: they are one group, and
    groups are what is resampled. Values are means over seeds first.

    Args:
        plan: what was trained.
        manifest: that it was trained and judged on.
        pairs: arms to compare, the better one hoped for first.

    Raises:
        FileNotFoundError: a training is missing.
    """
    group = _groups(manifest)
    values: dict[tuple[str, str], list[Values]] = {}
    queries: dict[str, int] = {}
    for arm in (START, *(arm.name for arm in plan.arms)):
        for seed in plan.seeds if arm != START else (0,):
            (results,) = read_results(plan.folder(arm, seed) / EVALUATION)
            for measure in MEASURES:
                own, asked = _by_group(results, measure, group)
                if len(own):
                    values.setdefault((arm, measure.name), []).append(own)
                    queries[measure.name] = asked
    return Pooled(
        {name: len(rows[0]) for (_, name), rows in values.items()},
        queries,
        reached(values),
        differences(values, pairs),
    )


def _groups(manifest: Manifest) -> Group:
    """Which group a query is of; a query that fits nothing else is its own."""
    named = {caption: " ".join(sorted(own)) for caption, own in manifest.fitting().items()}
    return lambda query: named.get(query, query)


def _by_group(results: Results, measure: Measure, group: Group) -> tuple[Values, int]:
    """Mean value of each group of queries, in the order of their names, and how many queries."""
    found: dict[str, list[float]] = {}
    for figure in results.measured:
        if measure.fits(figure.key) and figure.key.classes == "all":
            for query, value in zip(figure.queries, figure.values, strict=True):
                name = f"{figure.key.data_set} {group(query)}"
                found.setdefault(name, []).append(float(value))
    asked = sum(len(own) for own in found.values())
    return np.array([np.mean(found[name]) for name in sorted(found)]), asked
