"""Deletes what may not be kept longer, and writes down that it did."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from agent.alerts.alerts import timestamp
from agent.cli.labels.box import LabelsError, clip_file, who
from agent.core.answers import Entry
from agent.core.errors import failing_as

if TYPE_CHECKING:
    from agent.config import Settings
    from agent.core.answers import KeptClip
    from agent.store import Store


@dataclass(frozen=True, slots=True)
class Purged:
    """What was deleted."""

    before: str
    """UTC; what began earlier."""
    clips: tuple[str, ...]
    """Ids of their alerts."""
    size_bytes: int
    verdicts: int
    """Answers and thresholds whose operator's name, or that were replaced, are gone."""
    journal_cleared: bool
    """Whether no trace is left in the database's journal either."""

    def lines(self) -> list[str]:
        """For people."""
        lines = [f"{alert_id}: clip and embedding deleted" for alert_id in self.clips]
        lines.append(
            f"before {self.before}: {len(self.clips)} clips ({self.size_bytes} bytes) and the "
            f"names of {self.verdicts} verdicts and thresholds deleted; the alerts themselves stay"
        )
        if not self.journal_cleared:
            lines.append("the agent is just writing: its journal is overwritten as it goes on")
        return lines

    def to_json(self) -> str:
        """What was deleted, as JSON for programs."""
        return json.dumps(asdict(self), ensure_ascii=False)


def due(store: Store, before: float) -> list[KeptClip]:
    """The clips that began before then (UTC), oldest first."""
    return [clip for clip in store.clips() if clip.starts_at < before]


def purge(
    settings: Settings, store: Store, before: float, now: float, *, keep_verdicts: bool
) -> Purged:
    """Delete clips, embeddings and operators' names of before.

    A clip's files go first: where this is cut short, the next purge finds the rest.

    Args:
        settings: of the box.
        store: of the box; its agent may run meanwhile.
        before: UTC, seconds since the epoch: what began earlier.
        now: UTC, for the trail.
        keep_verdicts: leave verdicts with their names as they are.

    Raises:
        LabelsError: a file cannot be deleted.
        StoreError: the database refused.
    """
    user = who()
    clips = due(store, before)
    deleted = []
    for clip in clips:
        for name in (clip.file, clip.picture):
            if name is not None:
                _delete(settings, name)
        detail = {"alert_id": clip.alert_id, "file": clip.file, "size_bytes": clip.size_bytes}
        if store.forget_clip(clip.alert_id, Entry(now, "clip_purged", user, detail)):
            deleted.append(clip)
    entry = Entry(now, "purge", user, {"before": timestamp(before), "clips": len(deleted)})
    verdicts = 0
    if keep_verdicts:
        store.note(entry)
    else:
        verdicts = store.forget_operators(before, entry)
    return Purged(
        before=timestamp(before),
        clips=tuple(clip.alert_id for clip in deleted),
        size_bytes=sum(clip.size_bytes for clip in deleted),
        verdicts=verdicts,
        journal_cleared=store.clear_journal(),
    )


def _delete(settings: Settings, name: str) -> None:
    path = clip_file(settings, name)
    with failing_as(LabelsError, path, "run this as the agent's user, or as root"):
        path.unlink(missing_ok=True)
