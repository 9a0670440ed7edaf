"""Arms of an experiment compared: what each reached over seeds, and what is certain of the gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.data.arrays import Values
from training.evaluation.significance import Interval, bootstrap_interval, holm, paired_permutation

Reaching = Mapping[tuple[str, str], Sequence[Values]]
"""By arm and measure, for each seed one value a query: the same queries in the same order."""

DIFFERENCE_HEADS = ("arm", "against", "measure", "difference", "interval", "p", "Holm", "seeds")


@dataclass(frozen=True, slots=True)
class Reached:
    """What an arm reached by one measure."""

    arm: str
    measure: str
    interval: Interval
    """Over queries, the mean over seeds."""
    by_seed: tuple[float, ...]

    def cell(self) -> str:
        """Mean, interval and spread over seeds, for a table."""
        spread = f" ±{np.std(self.by_seed, ddof=1):.3f}" if len(self.by_seed) > 1 else ""
        found = self.interval
        return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]{spread}"


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better an arm is than another by one measure."""

    arm: str
    against: str
    measure: str
    interval: Interval
    p: float
    p_holm: float
    better_seeds: int
    """Of the seeds, in how many it is better."""

    def verdict(self) -> str:
        """In words."""
        if self.interval.low > 0.0:
            return "better"
        return "worse" if self.interval.high < 0.0 else "not surely better or worse"

    def row(self, seeds: int) -> tuple[str, ...]:
        """Of a table with :data:`DIFFERENCE_HEADS`; bold where the interval excludes 0."""
        found = self.interval
        sure = "**" if found.low > 0.0 or found.high < 0.0 else ""
        return (
            *(self.arm, self.against, self.measure, f"{sure}{found.mean:+.4f}{sure}"),
            *(f"[{found.low:+.4f}, {found.high:+.4f}]", f"{self.p:.4f}", f"{self.p_holm:.4f}"),
            f"{self.better_seeds} of {seeds}",
        )


def reached(values: Reaching) -> tuple[Reached, ...]:
    """What each arm reached by each measure."""
    return tuple(
        Reached(
            arm,
            measure,
            bootstrap_interval(np.mean(rows, axis=0), seed=0),
            tuple(float(row.mean()) for row in rows),
        )
        for (arm, measure), rows in values.items()
    )


def differences(values: Reaching, pairs: Sequence[tuple[str, str]]) -> tuple[Difference, ...]:
    """Paired over queries, the mean over seeds; Holm over all of them.

    Args:
        values: of all arms.
        pairs: arms to compare, the better one hoped for first. An arm with one seed is compared
            with each seed of another.
    """
    measures = dict.fromkeys(measure for _, measure in values)
    compared = [
        (arm, against, measure, np.array(values[arm, measure]), np.array(values[against, measure]))
        for arm, against in pairs
        for measure in measures
    ]
    raw = [
        paired_permutation(own.mean(axis=0), other.mean(axis=0), seed=0)
        for *_, own, other in compared
    ]
    return tuple(
        Difference(
            arm,
            against,
            measure,
            bootstrap_interval(own.mean(axis=0) - other.mean(axis=0), seed=0),
            p,
            float(p_holm),
            int((own.mean(axis=1) > other.mean(axis=1)).sum()),
        )
        for (arm, against, measure, own, other), p, p_holm in zip(
            compared, raw, holm(raw), strict=True
        )
    )
