"""Windows to views, scores and questions: the order of the stages, live and on files."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from agent.detector.competition import Competition
from agent.detector.detector import Detector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agent.core.records import Detection, Match, Views, Window
    from agent.detector.competition import PassOn
    from agent.detector.rule import Policy
    from agent.encoder.audio import Encoder
    from agent.matcher.matcher import Matcher

_TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Recognised:
    """A window and what was made of it."""

    window: Window
    views: Views
    """Of this window alone."""
    match: Match
    detections: tuple[Detection, ...]
    """Questions that it begins, changes or ends, each with its candidates."""


def embedded(
    encoder: Encoder, windows: Iterable[Window], together: int = _TOGETHER
) -> Iterator[tuple[list[Window], Views]]:
    """Some windows at a time with the views of them; no more than ``together`` are held."""
    waiting = iter(windows)
    while some := list(islice(waiting, together)):
        yield some, encoder.embed(some)


class Recogniser:
    """Tells by the views of windows what happens, and remembers what is going on."""

    def __init__(
        self,
        matcher: Matcher,
        policies: Mapping[str, Policy],
        rate_hz: int,
        pass_on: PassOn = iter,
    ) -> None:
        """Begin with nothing going on.

        Args:
            matcher: of the descriptions.
            policies: of the same, by error id.
            rate_hz: samples a second of all sound.
            pass_on: keeps back what is muted; nothing is by default.
        """
        self._matcher = matcher
        self._detector = Detector(policies, rate_hz)
        self._competition = Competition(rate_hz, pass_on)

    @property
    def suppressed(self) -> int:
        """Events that a cooldown kept back."""
        return self._detector.suppressed

    @property
    def competed(self) -> int:
        """Events that became candidates of another one's question."""
        return self._competition.competed

    def recognise(self, windows: Sequence[Window], views: Views) -> Iterator[Recognised]:
        """Take windows into account, in the order of their time at each source.

        Args:
            windows: of any sources.
            views: of each window.
        """
        for row, match in enumerate(self._matcher.match(windows, views)):
            changes = list(self._detector.feed(match))
            going_on = self._detector.going_on(match.source)
            asked = tuple(self._competition.feed(match, changes, going_on))
            yield Recognised(windows[row], views[row : row + 1], match, asked)

    def detections(self, embedded: Iterable[tuple[Sequence[Window], Views]]) -> Iterator[Detection]:
        """What would be reported of sources that begin and end with these windows."""
        for windows, views in embedded:
            for heard in self.recognise(windows, views):
                yield from heard.detections
        yield from self.close()

    def close(self, source: str | None = None) -> list[Detection]:
        """End what is going on at one source, or at all."""
        return self._competition.close(self._detector.close(source), source)

    def listen_for(self, matcher: Matcher, policies: Mapping[str, Policy]) -> list[Detection]:
        """Go by other descriptions; events of those that are gone end."""
        self._matcher = matcher
        return self._competition.reconfigure(self._detector.reconfigure(policies), policies)
