"""What the pipeline, the commands and the clips keep, and look up, whatever the disk does.

:mod:`agent.store.fallback` says what happens while the disk refuses.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.core.answers import Entry, OpenAlert, OpenAlerts, holding
from agent.core.records import Origin
from agent.store.fallback import RETRY_S, MemoryFallback

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from agent.core.answers import Answer, KeptClip
    from agent.core.clock import Clock
    from agent.core.operator_thresholds import OperatorThreshold
    from agent.core.records import Alert, ClipRecord, OutboxMessage

__all__ = ["BOX", "RETRY_S", "BoxStore"]

BOX = "kikimimi"
"""Who did it, in the trail, where the box did it by itself."""


class BoxStore:
    """The store of one box, which never fails. Safe to use from several threads."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Open the database in a folder, or begin in memory.

        Args:
            folder: for the database; made if missing.
            clock: tells when to try the disk again.

        Raises:
            StateInUseError: another agent keeps what it hears in it.
        """
        self._clock = clock
        self._kept = MemoryFallback(folder, clock)
        self._thresholds: list[OperatorThreshold] = []
        """Of the disk, as they were last read."""

    @property
    def trouble(self) -> str:
        """Why the disk does not keep what comes, and what to do; empty if it does."""
        return self._kept.trouble

    @property
    def errors(self) -> int:
        """Times that the disk began to refuse."""
        return self._kept.errors

    @property
    def version(self) -> tuple[int, int]:
        """Another one after each change, also by another process; never goes back."""
        return self._kept.version

    @property
    def readable(self) -> bool:
        """Whether all that was ever kept can be looked up now."""
        return self._kept.readable

    def retry_disk(self) -> bool:
        """Try the disk again where it refuses and the time has come; whether it works again."""
        return self._kept.retry_disk()

    def close(self) -> None:
        """Close the database; what was committed is safe without it."""
        self._kept.close()

    def waiting(self, limit: int = 100, without: Collection[str] = ()) -> list[OutboxMessage]:
        """The oldest messages that wait, in order.

        Args:
            limit: at most so many.
            without: topics to leave out.
        """
        return self._kept.waiting(limit, without)

    def delivered(self, sequences: Iterable[int]) -> None:
        """Forget messages that the broker has acknowledged."""
        self._kept.delivered(sequences)

    def depth(self) -> int:
        """How many messages wait."""
        return self._kept.depth()

    def take_unfinished(self) -> list[Alert]:
        """Alerts of the run before that have not ended, oldest first; each is given once."""
        return self._kept.take_unfinished()

    def record(self, alert: Alert, messages: Collection[tuple[str, str]]) -> None:
        """Keep an alert as it now stands, and the (topic, payload) that tell of it."""
        self._kept.write(lambda store: store.record(alert, messages))

    def alert(self, alert_id: str) -> Alert | None:
        """One alert; its step is that of its sound, whatever people answered."""
        return self._kept.first(lambda store: store.alert(alert_id))

    def open_alerts(self, limit: int) -> OpenAlerts:
        """The newest alerts that await an answer, and the count of all that do."""
        with self._kept.lock:
            touched = self._kept.memory.touched()
            base = self._kept.on_disk(lambda disk: disk.open_alerts(limit, touched), OpenAlerts())
            mine = []
            for alert_id in touched:
                alert = self.alert(alert_id)
                if alert is None or alert.origin is not Origin.DETECTED:
                    continue  # what people reported themselves awaits no answer
                if not holding(self.answers(alert_id)):
                    clip = self.clip(alert_id)
                    mine.append(OpenAlert(alert, clip.file if clip else None))
        newest = sorted(
            (*base.newest, *mine), key=lambda open_alert: open_alert.alert.alert_id, reverse=True
        )
        return OpenAlerts(tuple(newest[:limit]), base.count + len(mine))

    def answer(self, answer: Answer, messages: Collection[tuple[str, str]], entry: Entry) -> bool:
        """Keep an answer, or that it was taken back, with its messages and line of the trail.

        Args:
            answer: a new one, or a known one with ``undone_at``.
            messages: (topic, payload) that tell of it.
            entry: what the trail is to say.

        Returns:
            whether it was new; nothing is kept where it was not.
        """
        with self._kept.lock:
            # Memory does not know what the disk holds.
            if self.trouble and self.request(answer.last_request_id):
                return False
            return self._kept.write(lambda store: store.answer(answer, messages, entry))

    def report(
        self, alert: Alert, answer: Answer, messages: Collection[tuple[str, str]], entry: Entry
    ) -> bool:
        """Keep what a person reported: an alert of theirs, already answered, as :meth:`answer`.

        Returns:
            whether it was new; nothing is kept where its request was carried out before.
        """
        with self._kept.lock:
            if self.trouble and self.request(answer.request_id):
                return False
            return self._kept.write(lambda store: store.report(alert, answer, messages, entry))

    def answers(self, alert_id: str) -> list[Answer]:
        """All answers to an alert, also replaced ones and those taken back, as they came in."""
        found = self._kept.both(lambda store: store.answers(alert_id))
        # One that was taken back meanwhile stands in both.
        return list({answer.label_id: answer for answer in found}.values())

    def answers_since(self, at: float) -> list[Answer]:
        """All answers that came in since then (UTC), also those that no longer hold."""
        found = self._kept.both(lambda store: store.answers_since(at))
        each = {answer.label_id: answer for answer in found}.values()
        return sorted(each, key=lambda answer: (answer.received_at, answer.label_id))

    def request(self, request_id: str) -> Answer | OperatorThreshold | None:
        """What a request gave or set, or took back, whatever its kind."""
        with self._kept.lock:
            if answer := self._kept.first(lambda store: store.answer_to(request_id)):
                return answer
            if threshold := self._kept.first(lambda store: store.threshold_of(request_id)):
                return threshold
            last_read = () if self.readable else self._thresholds
            return next((one for one in last_read if one.is_of(request_id)), None)

    def set_threshold(self, one: OperatorThreshold, entry: Entry) -> bool:
        """Keep a threshold that an operator set, or that it was taken back, as :meth:`answer`."""
        with self._kept.lock:
            if self.trouble and self.request(one.last_request_id):
                return False
            return self._kept.write(lambda store: store.set_threshold(one, entry))

    def thresholds(self) -> list[OperatorThreshold]:
        """What operators said of thresholds, also what is not in force, as it came in."""
        with self._kept.lock:
            # What somebody set does not end because the disk cannot be read for a while.
            older = self._kept.on_disk(lambda disk: disk.thresholds(), self._thresholds)
            self._thresholds, newer = older, self._kept.memory.thresholds()
        # One that was taken back meanwhile stands in both.
        return list({one.request_id: one for one in (*older, *newer)}.values())

    def keep_clip(self, clip: ClipRecord) -> None:
        """Keep what is known of a clip whose files are written already."""
        self._kept.write(lambda store: store.keep_clip(clip))

    def clip(self, alert_id: str) -> ClipRecord | None:
        """The clip of an alert."""
        with self._kept.lock:
            if alert_id in self._kept.forgotten:
                return self._kept.memory.clip(alert_id)
            return self._kept.first(lambda store: store.clip(alert_id))

    def clips(self) -> list[KeptClip]:
        """All clips, oldest first, without their embeddings."""
        with self._kept.lock:
            older = self._kept.on_disk(lambda disk: disk.clips(), ())
            clips = {clip.alert_id: clip for clip in older}
            for alert_id in self._kept.forgotten:
                clips.pop(alert_id, None)
            clips |= {clip.alert_id: clip for clip in self._kept.memory.clips()}
            for alert_id in self._kept.memory.touched() & clips.keys():
                alert = self.alert(alert_id)
                clips[alert_id] = replace(
                    clips[alert_id],
                    error_id=alert.detection.error_id if alert else "",
                    labelled=bool(holding(self.answers(alert_id))),
                    reported=alert is not None and alert.origin is not Origin.DETECTED,
                )
        return sorted(clips.values(), key=lambda clip: (clip.starts_at, clip.alert_id))

    def forget_clip(self, alert_id: str, what: str, who: str = BOX) -> bool:
        """Forget a clip whose files are deleted already, with a line of the trail.

        Args:
            alert_id: whose clip.
            what: happened to it, for the trail, such as ``clip_deleted``.
            who: did it.

        Returns:
            whether there was one.
        """
        with self._kept.lock:
            clip = self.clip(alert_id)
            if clip is None:
                return False
            detail = {"alert_id": alert_id, "file": clip.file, "size_bytes": clip.size_bytes}
            entry = Entry(self._clock.now(), what, who, detail)
            done = self._kept.write(lambda store: store.forget_clip(alert_id, entry))
            if not self.trouble:
                return done
            if not done:  # it is on the disk, which refuses
                self._kept.memory.note(entry)
            self._kept.forgotten.add(alert_id)
            return True

    def trail(self) -> list[Entry]:
        """What was done with answers and clips, in order; what is in memory has no sequence yet."""
        with self._kept.lock:
            older = self._kept.on_disk(lambda disk: disk.trail(), ())
            newer = self._kept.memory.trail()
        return [*older, *(replace(entry, sequence=0) for entry in newer)]
