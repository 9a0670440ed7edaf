"""Finds what people know of sounds: answers and clips in the store, files that are named.

An embedding is of one bundle. A clip that another bundle heard is embedded anew from its sound
where that was kept; where not, it does not count, and that is told.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from agent.capture.audiofile import log_remark, read_audio
from agent.capture.mixdown import Mixdown
from agent.core.answers import agreed, agreed_instead
from agent.core.errors import AudioFileError, failing_as
from agent.core.folders import inside
from agent.core.names import shown
from agent.core.reasons import Reason
from agent.core.records import Speech, Verdict, Views
from agent.encoder.audio import Encoder
from agent.hearing.files import read_short
from agent.hearing.recogniser import embedded
from agent.hearing.windows import holding_sound, own_hop_s, windows_at
from agent.watchlist.examples.records import Kind, Moment, Recording, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.core.answers import Answer, KeptClip
    from agent.core.clock import Clock
    from agent.core.records import Alert, ClipRecord, FloatArray
    from agent.watchlist.calibration.site import Wanted

LONGEST_S = 60.0
"""A file that is named as an example holds the sound and little else."""
LOOK_S = 2.0
"""So much time passes at least before answers are looked at again."""

REJECTED_WINDOWS = 6
"""Windows that are kept of a rejected sound: its peak and others spread over the event."""
REJECTED_CLIPS = 50
"""Newest rejected clips of which more than the peak is kept: a box has to start quickly."""

_TOGETHER = 4

_Key: TypeAlias = tuple[str, str, Kind, bool]
_log = logging.getLogger(__name__)


class Kept(Protocol):
    """What is needed of a store."""

    def clips(self) -> list[KeptClip]: ...  # noqa: D102
    def clip(self, alert_id: str) -> ClipRecord | None: ...  # noqa: D102
    def alert(self, alert_id: str) -> Alert | None: ...  # noqa: D102
    def answers(self, alert_id: str) -> list[Answer]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Gathered:
    """What there is."""

    recordings: tuple[Recording, ...]
    set_aside: tuple[SetAside, ...]
    """What cannot be used."""


class Library:
    """The recordings of one site; remembers the embeddings that it had to make.

    :meth:`changed` is for the hot path; everything else for the thread that builds watchlists.
    """

    def __init__(
        self, bundle: Bundle, store: Kept, clips: Path, clock: Clock | None = None
    ) -> None:
        """Begin with nothing.

        Args:
            bundle: whose tower compares.
            store: where answers and clips are kept.
            clips: folder of their sound.
            clock: only its monotonic time is used; without one, nothing is watched.
        """
        self._bundle = bundle
        self._store = store
        self._clips = clips
        self._clock = clock
        self._made: dict[tuple[object, ...], Views] = {}
        self._encoder: Encoder | None = None
        self._lock = threading.Lock()
        self._taken: frozenset[_Key] = frozenset()
        self._seen: object = None
        self._looked_at_s = float("-inf")
        self._looking = False
        self._other = False
        self.remarks: list[str] = []
        """What is odd about files that count all the same."""

    def changed(self, version: object) -> bool:
        """Whether answers say otherwise than when they were last gathered; told once.

        Costs a comparison: where the store has another version, another thread looks at it.

        Args:
            version: of the store.
        """
        if self._clock is None:
            return False
        with self._lock:
            other, self._other = self._other, False
            now_s = self._clock.monotonic()
            if version != self._seen and not self._looking and now_s - self._looked_at_s >= LOOK_S:
                self._seen, self._looked_at_s, self._looking = version, now_s, True
                threading.Thread(target=self._look, name="examples", daemon=True).start()
            return other

    @property
    def known(self) -> frozenset[str]:
        """Ids of the alerts whose recordings were there when they were last gathered."""
        with self._lock:
            return frozenset(alert_id for alert_id, *_ in self._taken)

    def gather(self, wanted: Sequence[Wanted]) -> Gathered:
        """All recordings of some descriptions.

        Raises:
            BundleError: the bundle's tower cannot be run.
        """
        recordings: list[Recording] = []
        set_aside: list[SetAside] = []
        judged = list(self._agreed_alerts())
        with self._lock:
            self._taken = frozenset(key for key, _ in judged)
        known = {target.error.error_id for target in wanted}
        try:
            naming = [target for target in wanted if target.error.examples]
            if naming:
                ordinary = self._bundle.background().joint.mean(axis=0)
            for target in naming:
                self._named(target, ordinary, recordings, set_aside)
            rejected = [key[0] for key, _ in judged if key[2] is Kind.REJECTED]
            newest = set(rejected[-REJECTED_CLIPS:])
            for (alert_id, error_id, kind, sure), alert in judged:
                if error_id not in known:
                    continue
                found = self._kept(alert, error_id, kind, sure=sure)
                if isinstance(found, SetAside):
                    set_aside.append(found)
                    continue
                recordings.append(found)
                if kind is Kind.REJECTED and alert_id in newest:
                    recordings += self._around(alert, found)
        finally:
            self._encoder = None  # some megabytes that are seldom needed
        return Gathered(tuple(recordings), tuple(set_aside))

    def _look(self) -> None:
        try:
            found = frozenset(key for key, _ in self._agreed_alerts())
            with self._lock:
                self._other = found != self._taken
        except Exception:  # the box goes on with the examples that it has
            _log.exception("examples_not_looked_at")
        finally:
            with self._lock:
                self._looking = False

    def _agreed_alerts(self) -> Iterator[tuple[_Key, Alert]]:
        """Alerts of which people know what they were, or were instead, that have a clip."""
        for clip in self._store.clips():
            if not clip.labelled:
                continue
            answers = self._store.answers(clip.alert_id)
            verdict, people = agreed(answers)
            alert = self._store.alert(clip.alert_id)
            if verdict is not None and alert is not None:
                kind = Kind.EXAMPLE if verdict is Verdict.CONFIRM else Kind.REJECTED
                yield (clip.alert_id, clip.error_id, kind, people > 1), alert
                if (meant := agreed_instead(answers)) is not None:
                    key = (clip.alert_id, meant.error_id, Kind.EXAMPLE, meant.people > 1)
                    yield key, alert

    def _kept(self, alert: Alert, error_id: str, kind: Kind, *, sure: bool) -> Recording | SetAside:
        detection = alert.detection

        def aside(reason: Reason) -> SetAside:
            return SetAside(error_id, alert.alert_id, kind, reason)

        clip = self._store.clip(alert.alert_id)
        if clip is None:
            return aside(Reason.of("recording_clip_deleted"))
        views = clip.views
        if alert.provenance.bundle != self._bundle.digest or views is None:
            if clip.file is None:
                return aside(Reason.of("recording_other_bundle"))
            path = inside(self._clips, clip.file)
            if path is None:
                return aside(Reason.of("recording_outside", file=clip.file))
            try:
                # A silence that was rejected still counts: it must not alarm again.
                wanted = kind is Kind.EXAMPLE
                views = self._views(path, (clip.peak_s,), sounding=wanted)[:1]
            except AudioFileError as error:
                return aside(Reason.given(str(error), "recording_unreadable"))
        manifest, sizes = self._bundle.manifest, (views.joint.shape[1], views.acoustic.shape[1])
        if sizes != (manifest.embedding_size, manifest.acoustic_size):
            return aside(Reason.of("recording_changed", joint=sizes[0], acoustic=sizes[1]))
        moment = Moment(detection.source, detection.starts_at, detection.ends_at)
        return Recording(error_id, alert.alert_id, kind, views, sure, moment)

    def _around(self, alert: Alert, peak: Recording) -> Iterator[Recording]:
        """Other windows of a rejected event, where its sound was kept as it was heard."""
        clip, event = self._store.clip(alert.alert_id), alert.detection
        if clip is None or clip.file is None or clip.speech is Speech.SCRAMBLED:
            return
        path = inside(self._clips, clip.file)
        manifest = self._bundle.manifest
        hop_s = own_hop_s(self._bundle)
        size_s = manifest.tuning.window_frames / manifest.frontend.frame_rate_hz
        first_s, last_s = event.starts_at - clip.starts_at, event.ends_at - clip.starts_at - size_s
        starts_s = np.arange(first_s, min(last_s, clip.duration_s - size_s) + hop_s / 2, hop_s)
        others = starts_s[np.abs(starts_s - clip.peak_s) > hop_s / 2]
        spread = np.linspace(0, len(others) - 1, min(len(others), REJECTED_WINDOWS - 1))
        at_s = tuple(others[spread.round().astype(int)].tolist())
        if not at_s or path is None:
            return
        try:
            views = self._views(path, at_s)
        except AudioFileError:
            return  # the peak is known
        for row in range(len(views)):
            yield replace(peak, views=views[row : row + 1])

    def _named(
        self,
        wanted: Wanted,
        ordinary: FloatArray,
        recordings: list[Recording],
        set_aside: list[SetAside],
    ) -> None:
        """The files that a description names: of each its most telling window."""
        error_id = wanted.error.error_id
        for example in wanted.error.examples:
            try:
                views = self._views(example.path, channels=example.channels, sounding=True)
            except AudioFileError as error:
                why = Reason.given(str(error), "recording_unreadable")
                set_aside.append(SetAside(error_id, str(example), Kind.EXAMPLE, why))
                continue
            best = best_window(views.joint, wanted.described.texts, ordinary)
            one = views[best : best + 1]
            recordings.append(Recording(error_id, str(example), Kind.EXAMPLE, one, sure=True))

    def _views(
        self,
        path: Path,
        at_s: tuple[float, ...] = (),
        channels: tuple[int, ...] | None = None,
        *,
        sounding: bool = False,
    ) -> Views:
        """Views of a file's windows.

        Args:
            path: of the file.
            at_s: where windows begin; all windows if empty.
            channels: to hear, counted from 1; all of them if ``None``.
            sounding: whether windows of digital silence are left out.

        Raises:
            AudioFileError: the file cannot be read, is too long, or no window is left.
        """
        with failing_as(AudioFileError, path, "record it again"):
            status = path.stat()
        key = (path, status.st_mtime_ns, status.st_size, at_s, channels, sounding)
        if key not in self._made:
            self._made[key] = self._embed(path, at_s, Mixdown(channels), sounding=sounding)
        return self._made[key]

    def _remarked(self, text: str) -> None:
        log_remark(text)
        self.remarks.append(text)

    def _embed(
        self, path: Path, at_s: tuple[float, ...], mixdown: Mixdown, *, sounding: bool
    ) -> Views:
        self._encoder = self._encoder or Encoder(self._bundle)
        rate_hz, remark = self._bundle.manifest.frontend.sample_rate_hz, self._remarked
        if at_s:
            samples = read_audio(path, rate_hz, mixdown=mixdown, remark=remark)
        else:
            remedy = f"cut out the sound itself, at most {LONGEST_S:.0f} s"
            samples = read_short(path, rate_hz, LONGEST_S, remedy, mixdown=mixdown, remark=remark)
        if choice := mixdown.last_choice:
            remark(f"{shown(path)}: {choice}; write {{file: …, channels: [{choice.channel}]}}")
        windows = windows_at(self._bundle, shown(path.name), samples, at_s)
        if sounding:
            heard = holding_sound(windows, samples, rate_hz)
            windows = [window for window, sounds in zip(windows, heard, strict=True) if sounds]
        if not windows:
            raise AudioFileError(Reason.of("recording_silent"))
        return Views.concatenate(
            [views for _, views in embedded(self._encoder, windows, _TOGETHER)]
        )


def best_window(embeddings: FloatArray, texts: FloatArray, ordinary: FloatArray) -> int:
    """The window that texts fit best, of the half that is least like ordinary sound.

    Without that, vague words would choose a pause.

    Args:
        embeddings: of a recording's windows, ``(windows, dim)``.
        texts: of its description, ``(texts, dim)``.
        ordinary: mean of ordinary sound, ``(dim,)``.
    """
    usual = embeddings @ ordinary
    fits = (embeddings @ texts.T).max(axis=1)
    fits[usual > np.median(usual)] = -np.inf
    return int(fits.argmax())
