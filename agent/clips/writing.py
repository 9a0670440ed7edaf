"""Writes one clip: cleared of speech, as sound and as picture, whole or not at all."""

from __future__ import annotations

import io
import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.capture.audiofile import write_flac
from agent.core import files, folders
from agent.core.records import ClipRecord, Speech

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from agent.clips.job import Job
    from agent.clips.scrambling import Guard
    from agent.core.records import FloatArray
    from agent.frontend.log_mel import LogMel

_FILE_MODE = 0o640

_log = logging.getLogger(__name__)


class ClipWriter:
    """The one way from sound to the folder of clips. Not to be used from several threads."""

    def __init__(self, folder: Path, guard: Guard, log_mel: LogMel) -> None:
        """Nothing is written yet.

        Args:
            folder: for the files; made if missing.
            guard: decides what may be kept of speech.
            log_mel: a frontend that no other thread uses.
        """
        self._folder = folder
        self._guard = guard
        self._log_mel = log_mel

    def write(self, job: Job) -> ClipRecord:
        """Clear a clip of speech and write its files.

        Returns:
            What is known of it, for the store.

        Raises:
            BundleError: speech cannot be looked for, so that nothing may be written.
            OSError: the files cannot be written; none is left.
            AudioFileError: likewise.
        """
        # Some megabytes, for boxes on which nothing ever happens.
        from agent.clips.picture import Marks, draw

        alert_id = job.alert.alert_id
        cleared = self._guard.clear(job.samples, job.sample_rate_hz)
        marks = Marks(job.begins_s, job.ends_s, job.peak_s, job.alert.detection.error_id)
        image = draw(self._log_mel, cleared.samples, marks)
        name = f"{alert_id}.flac" if cleared.audible else None
        try:
            size = self._save(f"{alert_id}.png", lambda file: file.write(image))
            if name is not None:
                size += self._save(
                    name, lambda file: write_flac(file, cleared.samples, job.sample_rate_hz)
                )
        except OSError:  # of which an AudioFileError is one
            with suppress(OSError):
                self.remove(alert_id)
            raise
        extra = {"alert_id": alert_id, "speech": cleared.speech.value, "bytes": size}
        _log.info("clip_written", extra=extra | {"speech_s": round(cleared.speech_s, 2)})
        return replace(
            withheld(job),
            file=name,
            picture=f"{alert_id}.png",
            size_bytes=size,
            speech=cleared.speech,
        )

    def treated(self, samples: FloatArray, sample_rate_hz: int, *, picture: bool) -> bytes | None:
        """A sound as FLAC or as picture, as a clip of it would be; nothing is written.

        Args:
            samples: full scale at 1.0, shape ``(samples,)``.
            sample_rate_hz: of them.
            picture: whether to see it instead.

        Returns:
            ``None`` where the policy lets nobody hear it.

        Raises:
            BundleError: speech cannot be looked for, so that nothing may be heard or seen.
            AudioFileError: it cannot be compressed.
        """
        from agent.clips.picture import Marks, draw

        cleared = self._guard.clear(samples, sample_rate_hz)
        if picture:
            whole = Marks(0.0, len(samples) / sample_rate_hz, 0.0, "")
            return draw(self._log_mel, cleared.samples, whole)
        if not cleared.audible:
            return None
        target = io.BytesIO()
        write_flac(target, cleared.samples, sample_rate_hz)
        return target.getvalue()

    def remove(self, alert_id: str) -> None:
        """Delete the files of a clip, if there are any.

        Raises:
            OSError: one cannot be deleted.
        """
        for ending in ("flac", "png"):
            (self._folder / f"{alert_id}.{ending}").unlink(missing_ok=True)

    def rest(self) -> None:
        """Free the memory that speech is looked for with."""
        self._guard.rest()

    def _save(self, name: str, write: Callable[[BinaryIO], object]) -> int:
        """Write a file whole or not at all; its size in bytes.

        Raises:
            OSError: it cannot be written.
            AudioFileError: likewise.
        """
        folders.make(self._folder)
        path = self._folder / name
        with files.replacing(path, _FILE_MODE) as file:
            write(file)
        return path.stat().st_size


def withheld(job: Job) -> ClipRecord:
    """What is known of a clip of which nothing was written."""
    return ClipRecord(
        alert_id=job.alert.alert_id,
        file=None,
        picture=None,
        starts_at=job.starts_at,
        duration_s=len(job.samples) / job.sample_rate_hz,
        size_bytes=0,
        speech=Speech.DROPPED,
        views=job.views,
        peak_s=job.peak_s,
    )
