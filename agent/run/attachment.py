"""What attaches to a box from outside of its data path, and is told what the box does."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeAlias

from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from agent.core.records import Match
    from agent.core.stopwatch import Stage, Stopwatch, Took
    from agent.run.health import Health
    from agent.run.parts import BoxParts
    from agent.watchlist.watchlist import Watchlist

_log = logging.getLogger(__name__)


class Attachment(Protocol):
    """Inherit from it and write what is needed; what is left out does nothing.

    Used by the pipeline's thread, which it must not keep waiting.
    """

    def listening_for(self, watch: Watchlist) -> None:  # noqa: ARG002 - for who wants it
        """Another watchlist is in force from now on."""
        return

    def scored(self, match: Match) -> None:  # noqa: ARG002
        """A window was scored."""
        return

    def reported(self, health: Health) -> None:  # noqa: ARG002
        """The box was looked at, as it is several times a second."""
        return

    def stopwatch(self) -> Stopwatch | None:
        """Takes how long stages take, in their threads; ``None``, and no clock is read for it."""
        return None

    def figures(self) -> Mapping[str, int]:
        """What it tells of itself now, by name in health."""
        return {}

    def trouble(self) -> Reason | None:
        """What is wrong with it now, for health."""
        return None

    def close(self) -> None:
        """The box has ended, or could not begin."""
        return


Attach: TypeAlias = "Callable[[BoxParts], Attachment | None]"
"""Attaches to a box before it connects to its broker; ``None`` where the site wants none of it."""


class Attachments:
    """All of a box, by part of health. One that fails is told there: the box goes on listening."""

    def __init__(self, attach: Mapping[str, Attach], parts: BoxParts) -> None:
        self._all: dict[str, Attachment] = {}
        self._failed: dict[str, Reason] = {}
        for name, one in attach.items():
            with self._guarded(name):
                if (made := one(parts)) is not None:
                    self._all[name] = made

    def tell(self, news: Callable[[Attachment], None]) -> None:
        """Tell each something."""
        for name, one in self._all.items():
            with self._guarded(name):
                news(one)

    def scored(self, match: Match) -> None:
        """Tell each of a window."""
        self.tell(lambda one: one.scored(match))

    def stopwatch(self) -> Stopwatch | None:
        """Hands what a stage took to each that wants to know; ``None`` where none does."""
        wanted: dict[str, Stopwatch] = {}
        for name, one in self._all.items():
            with self._guarded(name):
                if (take := one.stopwatch()) is not None:
                    wanted[name] = take

        def hand_on(stage: Stage, took: Took) -> None:
            for name, take in wanted.items():
                try:  # the context of the others would take as long again
                    take(stage, took)
                except Exception as error:
                    self._note(name, error)

        return hand_on if wanted else None

    def figures(self) -> dict[str, int]:
        """What they tell of themselves now, by name in health."""
        figures = dict[str, int]()
        self.tell(lambda one: figures.update(one.figures()))
        return figures

    def troubles(self) -> dict[str, Reason]:
        """What is wrong with them, by part; an error of their own until the agent starts anew."""
        found = dict[str, Reason]()
        for name, one in self._all.items():
            with self._guarded(name):
                if why := one.trouble():
                    found[name] = why
        return found | self._failed

    @contextmanager
    def _guarded(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._note(name, error)

    def _note(self, name: str, error: Exception) -> None:
        """Tell of an error of an attachment, which is being handled."""
        why = Reason.of("attachment_failed", detail=repr(error))
        if why != self._failed.get(name):
            _log.exception("attachment_failed", extra={"attachment": name})
        self._failed[name] = why
