"""How many of the errors that are known of raised an alert: confirmed ones beside reported misses.

Nobody knows of what neither box nor person heard, or nobody reported: this is recall as far as it
is known, and the true one is probably lower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.cli.report import intervals
from agent.cli.report.cases import Outcome
from agent.cli.report.confusion import NEAR_S, incidents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.cli.report.cases import Case
    from agent.cli.report.intervals import Share


@dataclass(frozen=True, slots=True)
class Recall:
    """Errors of one description, or of all, that are known of."""

    error_id: str
    """Empty for all together."""
    caught: int
    """That raised an alert which people confirmed."""
    missed: int
    """That raised none, as people reported."""

    @property
    def known(self) -> Share | None:
        """Caught ones among those that are known of; ``None`` where none is."""
        return intervals.share(self.caught, self.caught + self.missed)


def recalls(cases: Iterable[Case], missed: Iterable[Case]) -> tuple[Recall, ...]:
    """Recall of each description of which an error is known, the most misses first.

    Several alerts or reports within the same seconds at one source are one error. A report of what
    did raise a confirmed alert then is no miss.

    Args:
        cases: alerts of the box.
        missed: what people reported of the same period.
    """
    caught = _confirmed(cases)
    reported = _confirmed(missed)
    found = [
        Recall(
            error_id,
            caught=incidents(caught.get(error_id, ())),
            missed=incidents(
                one
                for one in reported.get(error_id, ())
                if not any(_together(one, other) for other in caught.get(error_id, ()))
            ),
        )
        for error_id in {**caught, **reported}
    ]
    return tuple(sorted(found, key=lambda one: (-one.missed, -one.caught, one.error_id)))


def together(found: Sequence[Recall]) -> Recall:
    """Of all descriptions."""
    return Recall("", sum(one.caught for one in found), sum(one.missed for one in found))


def _confirmed(cases: Iterable[Case]) -> Mapping[str, list[Case]]:
    by_id: dict[str, list[Case]] = {}
    for case in cases:
        if case.outcome is Outcome.CONFIRMED:
            by_id.setdefault(case.error_id, []).append(case)
    return by_id


def _together(one: Case, other: Case) -> bool:
    return (
        one.source == other.source
        and one.starts_at < other.ends_at + NEAR_S
        and other.starts_at < one.ends_at + NEAR_S
    )
