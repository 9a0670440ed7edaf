"""Writes clips and keeps their folder within its quota, on a thread of its own.

Nothing here is fatal: what cannot be written is counted, told in health, and listening goes on.
Where speech cannot be looked for, no sound and no picture is written.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import shutil
import tempfile
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from agent.clips.job import Job
from agent.clips.retention import Limits, quota_now, to_delete
from agent.clips.tally import ClipTally
from agent.clips.writing import withheld
from agent.core import folders, memory
from agent.core.errors import AudioFileError, BundleError, reason
from agent.core.reasons import Reason
from agent.core.records import Speech

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.clips.writing import ClipWriter
    from agent.core.clock import Clock
    from agent.store.box import BoxStore

QUEUE = 8
"""Clips that may wait; each is a few megabytes."""

_HOUSEKEEPING_S = 600.0
# Of the quota, made free at once where it is reached: all clips, of which there may be tens of
# thousands, are looked at for that.
_SPARE = 64
_RETRY_S = 10.0
"""Between looks whether a disk that refused a clip takes one again."""
_OURS = re.compile(r"([0-9A-HJKMNP-TV-Z]{26})\.(flac|png)(\.new|\.partial)?")

_log = logging.getLogger(__name__)

Errand: TypeAlias = "Callable[[ClipWriter], None]"


class ClipWorker:
    """The only one that writes to the folder of clips."""

    def __init__(
        self,
        folder: Path,
        *,
        writer: ClipWriter,
        limits: Limits,
        store: BoxStore,
        clock: Clock,
    ) -> None:
        """Prepare; nothing is written or deleted before :meth:`start`.

        Args:
            folder: for the files; made if missing.
            writer: writes there; used by this thread alone from now on.
            limits: of the folder.
            store: keeps what is known of each clip.
            clock: tells what is old.
        """
        self._folder = folder
        self._writer = writer
        self._limits = limits
        self._store = store
        self._clock = clock
        self._jobs: queue.Queue[Job | Errand | None] = queue.Queue(QUEUE)
        self._lock = threading.Lock()
        self._tally = ClipTally()
        self._stopping = False
        self._held_bytes = 0
        """Of all files, as far as this thread knows: others delete too."""
        self._look_due_s = 0.0
        """On the monotonic clock: when to look at all clips again, whatever they hold."""
        self._unwritten_bytes = 0
        """Of a clip that the disk refused; 0 since it took one."""
        self._thread = threading.Thread(target=self._run, name="clips", daemon=True)

    @property
    def tally(self) -> ClipTally:
        """What became of the clips so far."""
        with self._lock:
            return self._tally

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether as many clips wait as may."""
        return self._jobs.full()

    def put(self, job: Job) -> None:
        """Have a clip written; counted as missed where too many wait."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            _log.warning("clip_missed", extra={"alert_id": job.alert.alert_id, "waiting": QUEUE})
            self.missed()

    def attend(self, errand: Errand) -> bool:
        """Have something done with what clears sound of speech; whether it can be.

        Args:
            errand: done between two clips; must not fail.
        """
        try:
            self._jobs.put_nowait(errand)
        except queue.Full:
            return False
        return True

    def missed(self) -> None:
        """Count an alert whose sound is gone."""
        with self._lock:
            self._tally = replace(self._tally, missed=self._tally.missed + 1)

    def stop(self, timeout_s: float) -> None:
        """Write what waits, for at most so long."""
        self._stopping = True
        with suppress(queue.Full):  # then it ends with the last of the jobs
            self._jobs.put_nowait(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        while True:  # what was not reached in time is told
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if isinstance(job, Job):
                self.missed()

    def _run(self) -> None:
        self._tidy(self._sweep)
        while True:
            try:
                job = self._jobs.get(timeout=_RETRY_S if self._unwritten_bytes else _HOUSEKEEPING_S)
            except queue.Empty:
                if not self._unwritten_bytes:  # else it comes here every few seconds
                    self._look_due_s = 0.0
                self._tidy(self._make_room)
                self._try_again()
                continue
            if job is None:
                return
            try:
                if isinstance(job, Job):
                    self._write(job)
                else:
                    job(self._writer)
            except Exception as error:  # a clip must never take listening down
                _log.exception("clip_failed")
                self._failed(Reason.of("clips_failed", detail=repr(error)))
            self._tidy(self._make_room)
            if self._jobs.empty():
                self._writer.rest()
                memory.give_back_what_is_free()
            if self._stopping and self._jobs.empty():
                return

    def _write(self, job: Job) -> None:
        """Clear a clip of speech, write its files, then what is known of it."""
        alert_id = job.alert.alert_id
        try:
            record = self._writer.write(job)
        except BundleError as error:
            _log.error("clip_withheld", extra={"alert_id": alert_id, "reason": str(error)})
            self._store.keep_clip(withheld(job))
            self._count(withheld=1, trouble=Reason.of("speech_unsearched", detail=str(error)))
            return
        except (OSError, AudioFileError) as error:
            _log.error("clip_failed", extra={"alert_id": alert_id, "reason": reason(error)})
            self._unwritten_bytes = job.samples.nbytes // 2
            self._failed(self._not_written(error))
            return
        self._store.keep_clip(record)
        self._held_bytes += record.size_bytes
        self._unwritten_bytes = 0
        self._count(
            written=1,
            scrambled=int(record.speech is Speech.SCRAMBLED),
            withheld=int(record.file is None),
            trouble="",
        )

    def _try_again(self) -> None:
        """Tell that the disk takes clips again, without waiting for the next alert."""
        if not self._unwritten_bytes:
            return
        try:
            folders.make(self._folder)
            with tempfile.TemporaryFile(dir=self._folder) as file:
                file.write(bytes(self._unwritten_bytes))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self._count(trouble=self._not_written(error))
            return
        self._unwritten_bytes = 0
        self._count(trouble="")

    def _not_written(self, error: Exception) -> Reason:
        return Reason.of("clip_not_written", folder=str(self._folder), detail=reason(error))

    def _tidy(self, what: Callable[[], None]) -> None:
        try:
            what()
        except OSError as error:
            folder, found = str(self._folder), reason(error)
            _log.warning("clips_not_deleted", extra={"reason": f"{folder}: {found}"})
            self._count(trouble=Reason.of("clips_not_deleted", folder=folder, detail=found))

    def _sweep(self) -> None:
        """Delete what a crash has left: sound that nobody knows of would be kept for ever."""
        if self._store.trouble or not self._folder.is_dir():
            return
        known = {clip.alert_id for clip in self._store.clips()}
        for path in self._folder.iterdir():
            ours = _OURS.fullmatch(path.name)
            if ours and (ours[3] or ours[1] not in known):
                path.unlink(missing_ok=True)
                _log.info("clip_left_over", extra={"file": path.name})
        self._make_room()

    def _make_room(self) -> None:
        """Delete what is too old or too much, looking at all clips only where there may be some."""
        now_s = self._clock.monotonic()
        if now_s < self._look_due_s and self._held_bytes <= self._quota_bytes(self._held_bytes):
            return
        self._look_due_s = now_s + _HOUSEKEEPING_S
        clips = self._store.clips()
        self._held_bytes = sum(clip.size_bytes for clip in clips)
        quota = self._quota_bytes(self._held_bytes)
        if self._held_bytes > quota:
            quota -= quota // _SPARE
        for clip in to_delete(clips, self._clock.now(), replace(self._limits, quota_bytes=quota)):
            self._writer.remove(clip.alert_id)
            self._store.forget_clip(clip.alert_id, "clip_expired")
            self._held_bytes -= clip.size_bytes
            self._count(deleted=1)

    def _quota_bytes(self, held_bytes: int) -> int:
        """The quota as the disk allows it now."""
        if not self._folder.is_dir():
            return self._limits.quota_bytes
        free = shutil.disk_usage(self._folder).free
        return quota_now(self._limits.quota_bytes, held_bytes, free)

    def _failed(self, trouble: str) -> None:
        self._count(failed=1, trouble=trouble)

    def _count(
        self,
        *,
        written: int = 0,
        scrambled: int = 0,
        withheld: int = 0,
        failed: int = 0,
        deleted: int = 0,
        trouble: str | None = None,
    ) -> None:
        with self._lock:
            now = self._tally
            self._tally = replace(
                now,
                written=now.written + written,
                scrambled=now.scrambled + scrambled,
                withheld=now.withheld + withheld,
                failed=now.failed + failed,
                deleted=now.deleted + deleted,
                trouble=now.trouble if trouble is None else trouble,
            )
