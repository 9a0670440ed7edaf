"""One view of a store on disk and the one in memory that holds what the disk did not take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.core.answers import OpenAlert, OpenAlerts, holding

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.core.answers import Answer, Entry, KeptClip
    from agent.core.records import Alert, ClipRecord
    from agent.store.store import Store


@dataclass(frozen=True, slots=True)
class Merged:
    """Reads from both; what is in memory is newer than what is on disk."""

    memory: Store
    disk: Store | None
    """``None`` where it cannot be read."""
    forgotten: Collection[str] = ()
    """Alerts whose clips were deleted while the disk could not be told."""

    def alert(self, alert_id: str) -> Alert | None:
        """One alert."""
        found = self.memory.alert(alert_id)
        return self.disk.alert(alert_id) if found is None and self.disk else found

    def answers(self, alert_id: str) -> list[Answer]:
        """All answers to an alert, in order."""
        older = self.disk.answers(alert_id) if self.disk else []
        # One that was taken back meanwhile stands in both.
        both = {one.label_id: one for one in (*older, *self.memory.answers(alert_id))}
        return list(both.values())

    def answers_since(self, at: float) -> list[Answer]:
        """All answers that came in since then, each as it now stands."""
        older = {one.label_id: one for one in (self.disk.answers_since(at) if self.disk else ())}
        newer = {one.label_id: one for one in self.memory.answers_since(at)}
        return sorted((older | newer).values(), key=lambda one: (one.received_at, one.label_id))

    def answer_to(self, request_id: str) -> Answer | None:
        """The answer that a request gave or took back."""
        found = self.memory.answer_to(request_id)
        return self.disk.answer_to(request_id) if found is None and self.disk else found

    def clip(self, alert_id: str) -> ClipRecord | None:
        """The clip of an alert."""
        found = self.memory.clip(alert_id)
        if found is None and self.disk and alert_id not in self.forgotten:
            return self.disk.clip(alert_id)
        return found

    def clips(self) -> list[KeptClip]:
        """All clips, oldest first."""
        older = {one.alert_id: one for one in (self.disk.clips() if self.disk else ())}
        for alert_id in self.forgotten:
            older.pop(alert_id, None)
        clips = older | {one.alert_id: one for one in self.memory.clips()}
        for alert_id in self.memory.touched() & clips.keys():
            alert = self.alert(alert_id)
            clips[alert_id] = replace(
                clips[alert_id],
                error_id=alert.detection.error_id if alert else "",
                labelled=bool(holding(self.answers(alert_id))),
            )
        return sorted(clips.values(), key=lambda one: (one.starts_at, one.alert_id))

    def open_alerts(self, limit: int) -> OpenAlerts:
        """The newest alerts that await an answer, and the count of all that do."""
        touched = self.memory.touched()
        base = self.disk.open_alerts(limit, touched) if self.disk else OpenAlerts()
        mine = []
        for alert_id in touched:
            alert = self.alert(alert_id)
            if alert is not None and not holding(self.answers(alert_id)):
                clip = self.clip(alert_id)
                mine.append(OpenAlert(alert, clip.file if clip else None))
        newest = sorted((*base.newest, *mine), key=lambda one: one.alert.alert_id, reverse=True)
        return OpenAlerts(tuple(newest[:limit]), base.count + len(mine))

    def trail(self) -> list[Entry]:
        """What was done, in order; what is in memory alone has no sequence yet."""
        older = self.disk.trail() if self.disk else []
        return older + [replace(one, sequence=0) for one in self.memory.trail()]
