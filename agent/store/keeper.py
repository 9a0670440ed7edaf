"""What the pipeline, the commands and the clips keep, and look up, whatever the disk does.

:mod:`agent.store.keeping` says what happens while the disk refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.core.answers import Entry
from agent.store.keeping import RETRY_S, Keeping

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.core.answers import Answer, KeptClip, OpenAlerts
    from agent.core.records import Alert, ClipRecord

__all__ = ["BOX", "RETRY_S", "Keeper"]

BOX = "kikimimi"
"""Who did it, in the trail, where the box did it by itself."""


class Keeper(Keeping):
    """The store of one box, which never fails. Safe to use from several threads."""

    def record(self, alert: Alert, messages: Collection[tuple[str, str]]) -> None:
        """Keep an alert as it now stands, and the (topic, payload) that tell of it."""
        self._write(lambda store: store.record(alert, messages))

    def alert(self, alert_id: str) -> Alert | None:
        """One alert; its step is that of its sound, whatever people answered."""
        return self._read(lambda kept: kept.alert(alert_id))

    def open_alerts(self, limit: int) -> OpenAlerts:
        """The newest alerts that await an answer, and the count of all that do."""
        return self._read(lambda kept: kept.open_alerts(limit))

    def answer(self, answer: Answer, messages: Collection[tuple[str, str]], entry: Entry) -> bool:
        """Keep an answer, or that it was taken back, with its messages and line of the trail.

        Args:
            answer: a new one, or a known one with ``undone_at``.
            messages: (topic, payload) that tell of it.
            entry: what the trail is to say.

        Returns:
            whether it was new; nothing is kept where it was not.
        """
        with self._lock:
            # Memory does not know what the disk holds.
            if self.trouble and self.answer_to(answer.undone_request_id or answer.request_id):
                return False
            return self._write(lambda store: store.answer(answer, messages, entry))

    def answers(self, alert_id: str) -> list[Answer]:
        """All answers to an alert, also replaced ones and those taken back, as they came in."""
        return self._read(lambda kept: kept.answers(alert_id))

    def answers_since(self, at: float) -> list[Answer]:
        """All answers that came in since then (UTC), also those that no longer hold."""
        return self._read(lambda kept: kept.answers_since(at))

    def answer_to(self, request_id: str) -> Answer | None:
        """The answer that a request gave or took back."""
        return self._read(lambda kept: kept.answer_to(request_id))

    def keep_clip(self, clip: ClipRecord) -> None:
        """Keep what is known of a clip whose files are written already."""
        self._write(lambda store: store.keep_clip(clip))

    def clip(self, alert_id: str) -> ClipRecord | None:
        """The clip of an alert."""
        return self._read(lambda kept: kept.clip(alert_id))

    def clips(self) -> list[KeptClip]:
        """All clips, oldest first, without their embeddings."""
        return self._read(lambda kept: kept.clips())

    def forget_clip(self, alert_id: str, what: str, who: str = BOX) -> bool:
        """Forget a clip whose files are deleted already, with a line of the trail.

        Args:
            alert_id: whose clip.
            what: happened to it, for the trail, such as ``clip_deleted``.
            who: did it.

        Returns:
            whether there was one.
        """
        with self._lock:
            clip = self.clip(alert_id)
            if clip is None:
                return False
            detail = {"alert_id": alert_id, "file": clip.file, "size_bytes": clip.size_bytes}
            entry = Entry(self._clock.now(), what, who, detail)
            done = self._write(lambda store: store.forget_clip(alert_id, entry))
            if not self.trouble:
                return done
            if not done:  # it is on the disk, which refuses
                self._memory.note(entry)
            self._forgotten.add(alert_id)
            return True

    def trail(self) -> list[Entry]:
        """What was done with answers and clips, in order."""
        return self._read(lambda kept: kept.trail())
