"""One bundle as the box would run it: a sound file becomes alerts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from agent import watchlist
from agent.audiofile import iter_audio
from agent.detector import Detector
from agent.encoder import Encoder
from agent.hearing import make_windower
from agent.records import Block, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from agent.bundle import Bundle
    from agent.descriptions import DescriptionSet
    from agent.detector import Policy
    from agent.mixdown import Mixdown
    from agent.records import Detection, Window
    from agent.watchlist import Watchlist

_SOURCE = "replay"
_BLOCK_S = 0.1
_BATCH = 16


@dataclass(frozen=True, slots=True)
class HeardAlert:
    """An alert as it would have been raised; times are seconds from the file's start."""

    error_id: str
    starts_s: float
    ends_s: float
    score: float
    """Highest of all its windows."""
    threshold: float


@dataclass(frozen=True, slots=True)
class Listener:
    """A bundle with descriptions, ready to hear files."""

    bundle: Bundle
    watch: Watchlist
    policies: Mapping[str, Policy]
    encoder: Encoder
    hop_s: float

    @classmethod
    def load(
        cls,
        bundle: Bundle,
        descriptions: DescriptionSet,
        cache: Path | None,
        *,
        hop_s: float | None = None,
        threshold: float | None = None,
    ) -> Listener:
        """Load the towers and embed the descriptions.

        Args:
            bundle: the model.
            descriptions: what to listen for.
            cache: where embeddings of texts are kept; nowhere if ``None``.
            hop_s: from window to window; the bundle's if ``None``.
            threshold: of all descriptions; each one's own if ``None``.

        Raises:
            BundleError: the bundle does not fit.
            ConfigError: the hop is no whole number of the bundle's frames.
            TextError: the bundle cannot read one of the descriptions.
        """
        watch = watchlist.build(bundle, descriptions, cache)
        policies = watch.policies
        if threshold is not None:
            policies = {name: _moved(one, threshold) for name, one in policies.items()}
        tuning, constants = bundle.manifest.tuning, bundle.manifest.frontend
        hop_s = tuning.hop_frames / constants.frame_rate_hz if hop_s is None else hop_s
        make_windower(bundle, _SOURCE, hop_s)
        return cls(bundle, watch, policies, Encoder(bundle), hop_s)

    def hear(self, path: Path, mixdown: Mixdown) -> tuple[HeardAlert, ...]:
        """The alerts of one file, by when they start.

        Args:
            path: of the file.
            mixdown: of its channels; a new one for each file.

        Raises:
            AudioFileError: it cannot be read.
        """
        rate_hz = self.bundle.manifest.frontend.sample_rate_hz
        windower = make_windower(self.bundle, _SOURCE, self.hop_s)
        detector = Detector(self.policies, rate_hz)
        alerts: dict[tuple[str, float], HeardAlert] = {}
        index = 0
        waiting: list[Window] = []
        for samples in iter_audio(path, rate_hz, round(_BLOCK_S * rate_hz), mixdown):
            waiting += windower.push(Block(_SOURCE, index, index / rate_hz, samples))
            index += len(samples)
            if len(waiting) >= _BATCH:
                _keep(alerts, self._detect(detector, waiting))
                waiting = []
        for windows in (waiting, windower.flush()):
            if windows:
                _keep(alerts, self._detect(detector, windows))
        _keep(alerts, detector.close())
        return tuple(sorted(alerts.values(), key=lambda one: (one.starts_s, one.error_id)))

    def _detect(self, detector: Detector, windows: list[Window]) -> list[Detection]:
        embeddings = self.encoder.encode(np.stack([one.log_mel for one in windows]))
        matches = self.watch.matcher.match(windows, embeddings)
        return [detection for match in matches for detection in detector.feed(match)]


def _moved(policy: Policy, threshold: float) -> Policy:
    """The policy with another threshold and the same hysteresis."""
    apart = policy.threshold_on - policy.threshold_off
    return replace(policy, threshold_on=threshold, threshold_off=threshold - apart)


def _keep(alerts: dict[tuple[str, float], HeardAlert], detections: Iterable[Detection]) -> None:
    """Follow alerts; what is told last of one holds."""
    for one in detections:
        if one.step in {Step.NEW, Step.UPDATE, Step.END}:
            alerts[one.error_id, one.starts_at] = HeardAlert(
                one.error_id, one.starts_at, one.ends_at, one.score, one.threshold
            )
