"""How sure the box is of a sound that a person taught it, and what it could be confused with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.core.records import Detection, Step
from agent.watchlist.examples.records import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.core.reasons import Reason
    from agent.core.records import FloatArray, Views, Window
    from agent.watchlist.watchlist import Watchlist

_MOST_OTHERS = 3
_NEAR = 1.5
"""How far below its threshold another description still counts as one to be confused with."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Windows of a while, compared with one description."""

    row: int
    """The most telling one."""
    scores: FloatArray
    """Of each, shape ``(windows,)``."""

    def event(
        self, source: str, error_id: str, threshold: float, times: tuple[float, float, float]
    ) -> Detection:
        """The while as an event that has ended.

        Args:
            source: where it was heard.
            error_id: the description.
            threshold: of it.
            times: UTC of its start, of its most telling window's, and of its end, seconds since
                the epoch.
        """
        starts_at, peaks_at, ends_at = times
        return Detection(
            source=source,
            error_id=error_id,
            step=Step.END,
            starts_at=starts_at,
            peaks_at=peaks_at,
            ends_at=ends_at,
            score=float(self.scores[self.row]),
            threshold=threshold,
            hits=int(np.count_nonzero(self.scores >= threshold)),
            windows=len(self.scores),
        )


@dataclass(frozen=True, slots=True)
class Confusable:
    """Another description that the sound fits as well, or nearly."""

    error_id: str
    description: str
    score: float
    """The highest of the sound's windows."""
    threshold: float


@dataclass(frozen=True, slots=True)
class Sureness:
    """What the box makes of a sound now that it is an example."""

    score: float | None
    """The highest of the other windows of the sound, those that do not overlap much with the
    example; ``None`` where there are none."""
    threshold: float
    windows: int
    """How many others there are."""
    hits: int
    """Of these, at or over the threshold."""
    set_aside: Reason | None
    """Why the sound does not count as an example; ``None`` where it does."""
    others: tuple[Confusable, ...]
    """The nearest first."""

    @property
    def sure(self) -> bool:
        """Whether the rest of the sound would be heard too."""
        return self.hits > 0 and self.set_aside is None


def most_telling(
    watch: Watchlist,
    error_id: str,
    windows: Sequence[Window],
    views: Views,
    ordinary: FloatArray,
) -> Telling:
    """The window that fits a description best, of those that stand out from ordinary sound.

    The sound was missed, or is new: its words hardly tell it, and would choose a pause as well. So
    a window has to be nearer to the least ordinary one than to the usual of the while.

    Args:
        watch: what is listened for.
        error_id: one of its descriptions.
        windows: at least one.
        views: of each.
        ordinary: mean of the joint views of ordinary sound, shape ``(dim,)``.
    """
    scores = _scores(watch, windows, views)[:, watch.matcher.error_ids.index(error_id)]
    usual = views.joint @ ordinary
    edge = (usual.min() + np.median(usual)) / 2
    fits = np.where(usual > edge, -np.inf, scores)
    return Telling(int(fits.argmax()), scores)


def sureness(
    watch: Watchlist,
    error_id: str,
    name: str,
    windows: Sequence[Window],
    views: Views,
    *,
    row: int,
) -> Sureness:
    """What the box makes of a sound.

    Args:
        watch: what is listened for, with the sound among its examples.
        error_id: the description that it was taught for.
        name: of the recording: its alert's id.
        windows: of the sound, at least one.
        views: of each.
        row: of the window that is the example.
    """
    scores = _scores(watch, windows, views)
    column = watch.matcher.error_ids.index(error_id)
    threshold = watch.policies[error_id].threshold_on
    example = windows[row]
    apart_s = np.array([abs(one.captured_at - example.captured_at) for one in windows])
    rest = scores[apart_s >= example.duration_s / 2 - 1e-3, column]
    aside = next(
        (
            one.reason
            for one in watch.examples.set_aside
            if (one.error_id, one.name, one.kind) == (error_id, name, Kind.EXAMPLE)
        ),
        None,
    )
    return Sureness(
        score=float(rest.max()) if len(rest) else None,
        threshold=threshold,
        windows=len(rest),
        hits=int(np.count_nonzero(rest >= threshold)),
        set_aside=aside,
        others=_others(watch, error_id, scores.max(axis=0)),
    )


def _others(watch: Watchlist, error_id: str, scores: FloatArray) -> tuple[Confusable, ...]:
    found = [
        Confusable(
            other,
            watch.wordings[other].description,
            float(score),
            watch.policies[other].threshold_on,
        )
        for other, score in zip(watch.matcher.error_ids, scores, strict=True)
        if other != error_id
    ]
    near = [one for one in found if one.score >= one.threshold - _NEAR]
    return tuple(sorted(near, key=lambda one: one.threshold - one.score)[:_MOST_OTHERS])


def _scores(watch: Watchlist, windows: Sequence[Window], views: Views) -> FloatArray:
    """Shape ``(windows, descriptions)``."""
    return np.stack([match.score for match in watch.matcher.match(windows, views)])
