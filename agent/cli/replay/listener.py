"""One bundle as the box would run it: a sound file becomes alerts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.capture.audiofile import log_remark
from agent.core.records import Step
from agent.hearing.files import FileHearing
from agent.hearing.recogniser import Recogniser
from agent.watchlist import watchlist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.core.operator_thresholds import OperatorThreshold
    from agent.core.records import Detection
    from agent.descriptions import DescriptionSet
    from agent.detector.rule import Policy
    from agent.watchlist.watchlist import Watchlist


@dataclass(frozen=True, slots=True)
class ReplayedAlert:
    """A description that would have alarmed; times are its alert's, seconds from the start."""

    error_id: str
    starts_s: float
    ends_s: float
    score: float
    """Highest of all its windows."""
    threshold: float
    asked: bool = True
    """Whether the alert is of this description, or has it as a candidate."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A bundle with descriptions, ready to hear files."""

    bundle: Bundle
    watch: Watchlist
    policies: Mapping[str, Policy]
    hearing: FileHearing

    @classmethod
    def load(
        cls,
        bundle: Bundle,
        descriptions: DescriptionSet,
        cache: Path | None,
        *,
        hop_s: float | None = None,
        threshold: float | None = None,
        operator: Mapping[str, OperatorThreshold] | None = None,
    ) -> Listener:
        """Load the towers and embed the descriptions.

        Args:
            bundle: the model.
            descriptions: what to listen for.
            cache: where embeddings of texts are kept; nowhere if ``None``.
            hop_s: from window to window; the bundle's if ``None``.
            threshold: of all descriptions; each one's own if ``None``.
            operator: thresholds that operators set, by error id.

        Raises:
            BundleError: the bundle does not fit.
            ConfigError: the hop is no whole number of the bundle's frames.
            TextError: the bundle cannot read one of the descriptions.
        """
        watch = watchlist.build(bundle, descriptions, cache, operator=operator)
        policies = watch.policies
        if threshold is not None:
            policies = {
                name: replace(policy, threshold_on=threshold) for name, policy in policies.items()
            }
        return cls(bundle, watch, policies, FileHearing.of(bundle, hop_s))

    def hear(
        self,
        path: Path,
        remark: Callable[[str], None] = log_remark,
        channels: tuple[int, ...] | None = None,
    ) -> tuple[ReplayedAlert, ...]:
        """The alerts of one file, and their candidates, by when they start.

        Args:
            path: of the file.
            remark: told, in a line, what is odd about it although it is heard.
            channels: that are mixed, counted from 1; all of them if ``None``.

        Raises:
            AudioFileError: it cannot be read.
        """
        recogniser = Recogniser(self.watch.matcher, self.policies, self.hearing.rate_hz)
        hearing = replace(self.hearing, remark=remark, channels=channels)
        ended = (
            detection
            for detection in hearing.detections(path, recogniser)
            if detection.step is Step.END  # every event ends, with the file at the latest
        )
        alerts = [alert for detection in ended for alert in _alarming(detection)]
        return tuple(sorted(alerts, key=lambda alert: (alert.starts_s, alert.error_id)))


def _alarming(detection: Detection) -> Iterator[ReplayedAlert]:
    """What alarmed on one sound: what would have been asked, and its candidates."""
    span = detection.starts_at, detection.ends_at
    yield ReplayedAlert(detection.error_id, *span, detection.score, detection.threshold)
    for one in detection.candidates:
        yield ReplayedAlert(one.error_id, *span, one.score, one.threshold, asked=False)
