"""Finds what people know of sounds: answers and clips in the store, files that are named.

An embedding is of one bundle. A clip that another bundle heard is embedded anew from its sound
where that was kept; where not, it does not count, and that is told.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from agent.answers import holding
from agent.audiofile import read_audio
from agent.encoder import Encoder
from agent.errors import AudioFileError
from agent.examples.records import Kind, Moment, Recording, SetAside
from agent.features import LogMel
from agent.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from agent.answers import Answer, KeptClip
    from agent.bundle import Bundle
    from agent.calibration.site import Wanted
    from agent.clock import Clock
    from agent.records import Alert, ClipRecord, FloatArray

LONGEST_S = 60.0
"""A file that is named as an example holds the sound and little else."""
LOOK_S = 2.0
"""So much time passes at least before answers are looked at again."""

_BATCH = 4

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


def said(answers: Iterable[Answer]) -> tuple[Kind | None, int]:
    """What the answers to one alert that hold come to, and how many people say so.

    Returns:
        ``None`` where nobody knows or people differ; then how many know.
    """
    known = [one.verdict for one in holding(answers) if one.verdict is not Verdict.UNSURE]
    if not known or len(set(known)) > 1:
        return None, len(known)
    return Kind.EXAMPLE if known[0] is Verdict.CONFIRM else Kind.REJECTED, len(known)


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
        self._made: dict[tuple[object, ...], tuple[FloatArray, FloatArray]] = {}
        self._tower: tuple[Encoder, LogMel] | None = None
        self._lock = threading.Lock()
        self._taken: frozenset[_Key] = frozenset()
        self._seen: object = None
        self._looked_at_s = float("-inf")
        self._looking = False
        self._other = False

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

    def gather(self, wanted: Sequence[Wanted]) -> Gathered:
        """All recordings of some descriptions.

        Raises:
            BundleError: the bundle's tower cannot be run.
        """
        recordings: list[Recording] = []
        set_aside: list[SetAside] = []
        judged = list(self._judged())
        with self._lock:
            self._taken = frozenset(key for key, _ in judged)
        known = {one.error.error_id for one in wanted}
        try:
            for one in wanted:
                self._named(one, recordings, set_aside)
            for (_, error_id, kind, sure), alert in judged:
                if error_id in known:
                    found = self._kept(alert, kind, sure=sure)
                    (recordings if isinstance(found, Recording) else set_aside).append(found)  # type: ignore[arg-type]
        finally:
            self._tower = None  # some megabytes that are seldom needed
        return Gathered(tuple(recordings), tuple(set_aside))

    def _look(self) -> None:
        try:
            found = frozenset(key for key, _ in self._judged())
            with self._lock:
                self._other = found != self._taken
        except Exception:  # the box goes on with the examples that it has
            _log.exception("examples_not_looked_at")
        finally:
            with self._lock:
                self._looking = False

    def _judged(self) -> Iterator[tuple[_Key, Alert]]:
        """Alerts of which people know what they were, that have a clip."""
        for clip in self._store.clips():
            if not clip.labelled:
                continue
            kind, people = said(self._store.answers(clip.alert_id))
            alert = self._store.alert(clip.alert_id)
            if kind is not None and alert is not None:
                yield (clip.alert_id, clip.error_id, kind, people > 1), alert

    def _kept(self, alert: Alert, kind: Kind, *, sure: bool) -> Recording | SetAside:
        error_id, detection = alert.detection.error_id, alert.detection

        def aside(reason: str) -> SetAside:
            return SetAside(error_id, alert.alert_id, kind, reason)

        clip = self._store.clip(alert.alert_id)
        if clip is None:
            return aside("its clip was deleted")
        embedding = clip.embedding
        if alert.provenance.bundle != self._bundle.digest or embedding is None:
            if clip.file is None:
                return aside("another bundle heard it, and its sound was not kept")
            path = (self._clips / clip.file).resolve()
            if not path.is_relative_to(self._clips.resolve()):
                return aside(f"{clip.file} lies outside of the folder of clips")
            try:
                starts_s, embeddings = self._embedded(path)
            except AudioFileError as error:
                return aside(str(error))
            embedding = embeddings[int(np.argmin(np.abs(starts_s - clip.peak_s)))]
        if embedding.shape != (self._bundle.manifest.embedding_size,):
            return aside(f"its embedding has {len(embedding)} numbers; its row was changed")
        moment = Moment(detection.source, detection.starts_at, detection.ends_at)
        return Recording(error_id, alert.alert_id, kind, embedding, sure, moment)

    def _named(
        self, wanted: Wanted, recordings: list[Recording], set_aside: list[SetAside]
    ) -> None:
        """The files that a description names: of each its most telling window."""
        error_id = wanted.error.error_id
        for path in wanted.error.examples:
            try:
                _, embeddings = self._embedded(path)
            except AudioFileError as error:
                set_aside.append(SetAside(error_id, str(path), Kind.EXAMPLE, str(error)))
                continue
            best = embeddings[self._telling(embeddings, wanted.described.texts)]
            recordings.append(Recording(error_id, str(path), Kind.EXAMPLE, best, sure=True))

    def _telling(self, embeddings: FloatArray, texts: FloatArray) -> int:
        """The window that texts fit best, of the half that is least like ordinary sound.

        Without that, vague words would choose a pause.
        """
        ordinary = embeddings @ self._bundle.background().mean(axis=0)
        fits = (embeddings @ texts.T).max(axis=1)
        fits[ordinary > np.median(ordinary)] = -np.inf
        return int(fits.argmax())

    def _embedded(self, path: Path) -> tuple[FloatArray, FloatArray]:
        """Start of each window in seconds, and its embedding, ``(windows, dim)``.

        Raises:
            AudioFileError: the file cannot be read, or is too long.
        """
        try:
            status = path.stat()
        except OSError as error:
            raise AudioFileError(f"{path}: {error.strerror or error}; record it again") from error
        key = (path, status.st_mtime_ns, status.st_size)
        if key not in self._made:
            self._made[key] = self._embed(path)
        return self._made[key]

    def _embed(self, path: Path) -> tuple[FloatArray, FloatArray]:
        manifest = self._bundle.manifest
        constants, tuning = manifest.frontend, manifest.tuning
        if self._tower is None:
            self._tower = Encoder(self._bundle), LogMel.of(self._bundle)
        encoder, log_mel = self._tower
        samples = read_audio(path, constants.sample_rate_hz)
        seconds = len(samples) / constants.sample_rate_hz
        if seconds > LONGEST_S:
            found = f"{path}: lasts {seconds:.0f} s"
            raise AudioFileError(f"{found}; cut out the sound itself, at most {LONGEST_S:.0f} s")
        frames = log_mel.whole(samples)
        size, hop = tuning.window_frames, tuning.hop_frames
        starts = range(0, max(1, frames.shape[1] - size + 1), hop)
        windows = [frames[:, at : at + size] for at in starts]
        embeddings = [
            encoder.encode(np.stack(windows[at : at + _BATCH]))
            for at in range(0, len(windows), _BATCH)
        ]
        return (
            np.array(starts, np.float32) / np.float32(constants.frame_rate_hz),
            np.concatenate(embeddings),
        )
