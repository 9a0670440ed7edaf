"""Which clips to delete so that they stay within their quota of room and time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.config.fields import DAY_S

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.core.answers import KeptClip

RESERVE_BYTES = 256 << 20
"""So much of the disk is left free for everything else before clips go."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept, and for how long."""

    quota_bytes: int
    """Of all files together."""
    keep_days: float
    """An older clip is deleted, unless somebody's answer holds."""
    keep_per_description: int
    """The newest of each description stay whatever the other limits say."""


def to_delete(clips: Collection[KeptClip], now: float, limits: Limits) -> list[KeptClip]:
    """The clips to delete, in the order in which to delete them.

    What somebody reported and took back goes at once: it was kept for their word alone. Of the
    rest, without an answer the oldest go first; those with one go last, and never for their age.
    The newest of each description never go, with an answer or without.

    Args:
        clips: all that there are.
        now: UTC, seconds since the epoch.
        limits: of the site.
    """
    chosen = [clip for clip in clips if clip.taken_back]
    left = (clip for clip in clips if not clip.taken_back)
    oldest_first = sorted(left, key=lambda clip: (clip.starts_at, clip.alert_id))
    by_description: dict[str, list[KeptClip]] = defaultdict(list)
    for clip in oldest_first:
        by_description[clip.error_id].append(clip)
    least = limits.keep_per_description
    newest = [some[max(0, len(some) - least) :] for some in by_description.values()]
    safe = {clip.alert_id for some in newest for clip in some}
    queue = sorted(
        (clip for clip in oldest_first if clip.alert_id not in safe), key=lambda clip: clip.labelled
    )
    held = sum(clip.size_bytes for clip in oldest_first)
    too_old = now - limits.keep_days * DAY_S
    for clip in queue:
        expired = not clip.labelled and clip.starts_at < too_old
        if expired or held > limits.quota_bytes:
            chosen.append(clip)
            held -= clip.size_bytes
    return chosen


def quota_now(quota_bytes: int, held_bytes: int, free_bytes: int) -> int:
    """The quota as the disk allows it: where the disk fills up, clips make room first."""
    return max(0, min(quota_bytes, held_bytes + free_bytes - RESERVE_BYTES))
