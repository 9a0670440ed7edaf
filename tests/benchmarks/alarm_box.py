"""A calibrated box that listens to hall noise: what :mod:`tests.benchmarks.alarms` judges.

Windows are cut and embedded as on a box, their views are kept as ``kikimimi calibrate`` keeps them,
and the watchlist is built from descriptions, calibration and named recordings by the box's own
functions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from agent import descriptions
from agent.capture.scene import RATE_HZ
from agent.core import shipped
from agent.core.records import Severity, Views
from agent.descriptions import DetectionPolicy, ErrorDescription, Example
from agent.detector.competition import HELD_S
from agent.detector.rule import Policy
from agent.encoder.audio import Encoder
from agent.hearing.recogniser import embedded
from agent.hearing.windows import own_hop_s, windows_at, windows_of
from agent.watchlist import watchlist
from agent.watchlist.calibration import site
from agent.watchlist.calibration.applied import Site
from agent.watchlist.calibration.index import Index
from agent.watchlist.calibration.maxima import FLOOR, maxima
from agent.watchlist.calibration.parts import PartWriter
from agent.watchlist.calibration.poisson import DAY_H
from agent.watchlist.examples import Library
from tests.benchmarks.questions import asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.core.records import Detection, FloatArray, Window
    from agent.store import Store
    from agent.watchlist.watchlist import Watchlist
    from tests.benchmarks.alarm_scene import Span, Stretch

PER_DAY = 24.0
"""False alarms of a description that thresholds are found for: one an hour."""

_FAR_S = 0.05
"""Beyond a window's ends, where sound still touches its first and last frame."""
_NO_FRAMES = np.empty((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Heard:
    """A stretch as the tower hears it."""

    windows: tuple[Window, ...]
    """Without their frames."""
    views: Views

    @property
    def source(self) -> str:
        """Name of the stretch."""
        return self.windows[0].source


class Ears:
    """A bundle's tower, as the box uses it."""

    def __init__(self, bundle: Bundle) -> None:
        """Load the tower."""
        self.hop_s = own_hop_s(bundle)
        self._bundle = bundle
        self._encoder = Encoder(bundle)
        tuning = bundle.manifest.tuning
        self._window_s = tuning.window_frames / bundle.manifest.frontend.frame_rate_hz

    def hear(self, stretch: Stretch) -> Heard:
        """All windows of a stretch of noise."""
        samples = stretch.samples
        blocks = (samples[at : at + RATE_HZ] for at in range(0, len(samples), RATE_HZ))
        cut = windows_of(self._bundle, stretch.name, blocks, self.hop_s)
        windows: list[Window] = []
        views: list[Views] = []
        for some, made in embedded(self._encoder, cut):
            windows += [replace(window, log_mel=_NO_FRAMES) for window in some]
            views.append(made)
        return Heard(tuple(windows), Views.concatenate(views))

    def hear_again(self, heard: Heard, samples: FloatArray, spans: Sequence[Span]) -> Heard:
        """The same stretch with sounds in it: only windows that hold some of them are embedded.

        Args:
            heard: the stretch without them.
            samples: of the stretch with them.
            spans: when they sound.
        """
        joint, acoustic = heard.views.joint.copy(), heard.views.acoustic.copy()
        at_s = np.array([window.captured_at for window in heard.windows])
        for span in spans:
            near = at_s < span.ends_s + _FAR_S
            rows = np.flatnonzero(near & (at_s + self._window_s > span.starts_s - _FAR_S))
            # A hop more on either side, so that frames are those of the stream.
            from_s = max(0.0, float(at_s[rows[0]]) - self.hop_s)
            to_s = float(at_s[rows[-1]]) + self._window_s + self.hop_s
            part = samples[round(from_s * RATE_HZ) : round(to_s * RATE_HZ)]
            windows = windows_at(self._bundle, "", part, (at_s[rows] - from_s).tolist())
            views = Views.concatenate([made for _, made in embedded(self._encoder, windows)])
            joint[rows], acoustic[rows] = views.joint, views.acoustic
        return Heard(heard.windows, Views(joint, acoustic))


class Box:
    """A site that was calibrated on hall noise."""

    def __init__(self, bundle: Bundle, calm: Iterable[Heard], folder: Path, store: Store) -> None:
        """Calibrate it.

        Args:
            bundle: the model.
            calm: noise, ten minutes or more.
            folder: of its state, empty.
            store: of a site where nobody has answered anything.
        """
        manifest, hop_s = bundle.manifest, own_hop_s(bundle)
        sizes = manifest.embedding_size, manifest.acoustic_size
        index = Index(bundle.digest, *sizes, hop_s, sources=1, made_at=0.0)
        self._bundle = bundle
        self._where = Site(folder, hop_s)
        self._library = Library(bundle, store, folder)
        self._writer = PartWriter(folder, index, lambda: 0.0)
        for heard in calm:
            self._writer.take(heard.source, heard.windows, heard.views, RATE_HZ)
        self._writer.finish()

    def listen_for(
        self, words: Mapping[str, str], language: str, examples: Mapping[str, Path]
    ) -> Watchlist:
        """What it listens for, with thresholds for :data:`PER_DAY` from the noise.

        Args:
            words: of each description, by its id.
            language: that they are in; the shipped descriptions in it say what is ordinary.
            examples: a recording of each description, or of none.

        Raises:
            TextError: the bundle cannot read a text.
            ValueError: the noise does not calibrate it.
        """
        errors = tuple(
            ErrorDescription(
                error_id=error_id,
                text=text,
                paraphrases=(),
                unlike=(),
                examples=(Example(examples[error_id]),) if error_id in examples else (),
                severity=Severity.MINOR,
                policy=DetectionPolicy(false_alarms_per_day=PER_DAY),
                enabled=True,
                where="",
            )
            for error_id, text in words.items()
        )
        usual = descriptions.load(shipped.config(f"descriptions.{language}.yaml"))
        wanted = replace(usual, errors=errors)
        made = watchlist.build(self._bundle, wanted, None, self._where, library=self._library)
        if made.calibration.trouble:
            raise ValueError(made.calibration.trouble)
        # What examples are checked by later, as on a box that was calibrated before them.
        findings = tuple(made.calibration.findings.values())
        self._writer.save(replace(self._writer.index, findings=findings))
        return made

    def expecting(self, watch: Watchlist) -> Watchlist:
        """The same with thresholds at which one false alarm an hour is expected.

        The calibration promises no more than that, with 90 % confidence, and so expects far fewer.
        Over the highest of an hour's maxima lies one an hour on average, whatever their
        distribution; over the second highest of two hours' likewise.
        """
        heard = site.background(self._where.folder, self._writer.index)
        prototypes, statistics = watch.matcher.prototypes, watch.matcher.statistics
        number = max(1, round(PER_DAY / DAY_H * heard.hours))
        policies: dict[str, Policy] = {}
        for error_id, scores in zip(
            prototypes.error_ids, site.scores_of(heard, prototypes, statistics), strict=True
        ):
            rule = watch.policies[error_id].rule
            highest = maxima(scores, heard.layout, rule, number)
            threshold = float(highest[number - 1]) if len(highest) == number else FLOOR
            policies[error_id] = Policy(threshold, rule)
        return replace(watch, policies=policies)


def asked_in(watch: Watchlist, heard: Heard) -> tuple[list[Detection], list[Detection]]:
    """Events of all descriptions in a stretch as they begin, and what is told of questions."""
    matches = watch.matcher.match(heard.windows, heard.views)
    return asked(watch.policies, matches, HELD_S)
