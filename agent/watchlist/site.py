"""What a site listens for by all that it knows: its calibration, its answers, its recordings."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from agent.clips import folder_of
from agent.core.errors import Problem, StoreError
from agent.core.operator_thresholds import in_force
from agent.store import Store
from agent.watchlist import watchlist
from agent.watchlist.calibration.applied import Site, calibrated_at
from agent.watchlist.examples import Library
from agent.watchlist.operator_notes import operator_notes
from agent.watchlist.verdict_scores import AnswerStore, verdict_scores

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.bundle.loading import Bundle
    from agent.config import Settings
    from agent.core.operator_thresholds import OperatorThreshold
    from agent.descriptions import DescriptionSet
    from agent.watchlist.watchlist import Watchlist


class SiteStore(AnswerStore, Protocol):
    """What is needed of a store."""

    def thresholds(self) -> list[OperatorThreshold]: ...  # noqa: D102


def listened_for(
    settings: Settings,
    bundle: Bundle,
    descriptions: DescriptionSet,
    store: SiteStore,
    library: Library,
    *,
    cache: Path | None,
    now: float,
) -> Watchlist:
    """The watchlist of a box, as :func:`agent.watchlist.watchlist.build` makes it.

    Args:
        settings: of the box.
        bundle: the model.
        descriptions: only the active ones count.
        store: what people answered, and which thresholds they set.
        library: what they confirmed, rejected or named.
        cache: where embeddings of texts are kept; nowhere if ``None``.
        now: UTC, seconds since the epoch.

    Raises:
        TextError: the bundle cannot read a text.
        BundleError: the bundle is damaged.
        StoreError: the store cannot be read.
    """
    since = calibrated_at(settings.state_dir)
    judge = partial(verdict_scores, store, descriptions, bundle.digest, since=since, now=now)
    site = Site(settings.state_dir, settings.windows.hop_s)
    operator = in_force(store.thresholds())
    return watchlist.build(
        bundle, descriptions, cache, site, judge, library=library, operator=operator
    )


def listened_for_beside(
    settings: Settings, bundle: Bundle, descriptions: DescriptionSet, *, now: float
) -> Watchlist:
    """The same for a command that runs beside the agent: nothing of the site is written.

    Raises:
        StoreError: the site's database cannot be read.
        TextError: the bundle cannot read a text.
        BundleError: the bundle is damaged.
    """
    with closing(Store.reading(settings.state_dir)) as store:
        library = Library(bundle, store, folder_of(settings))
        return listened_for(settings, bundle, descriptions, store, library, cache=None, now=now)


def operator_thresholds(settings: Settings) -> Mapping[str, OperatorThreshold]:
    """What operators set on a box, for a command that runs beside the agent, by error id.

    Raises:
        StoreError: the site's database cannot be read.
    """
    with closing(Store.reading(settings.state_dir)) as store:
        return in_force(store.thresholds())


def operator_findings(settings: Settings, descriptions: DescriptionSet) -> list[Problem]:
    """What commands tell of them: a note for each, or why they cannot be looked up."""
    try:
        return operator_notes(operator_thresholds(settings), descriptions)
    except StoreError as error:
        return [Problem.from_message(str(settings.state_dir), str(error))]


def listened_for_alone(bundle: Bundle, descriptions: DescriptionSet) -> Watchlist:
    """The watchlist of descriptions, and of the recordings that they name, without a site.

    Raises:
        TextError: the bundle cannot read a text.
        BundleError: the bundle is damaged.
    """
    with closing(Store.in_memory()) as store:
        library = Library(bundle, store, Path())
        return watchlist.build(bundle, descriptions, None, library=library)
