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

    Without an answer the oldest go first; those with one go last, and never for their age. The
    newest of each description never go, with an answer or without.

    Args:
        clips: all that there are.
        now: UTC, seconds since the epoch.
        limits: of the site.
    """
    oldest_first = sorted(clips, key=lambda one: (one.starts_at, one.alert_id))
    by_description: dict[str, list[KeptClip]] = defaultdict(list)
    for one in oldest_first:
        by_description[one.error_id].append(one)
    least = limits.keep_per_description
    newest = [some[max(0, len(some) - least) :] for some in by_description.values()]
    safe = {one.alert_id for some in newest for one in some}
    queue = sorted(
        (one for one in oldest_first if one.alert_id not in safe), key=lambda one: one.labelled
    )
    held = sum(one.size_bytes for one in clips)
    too_old = now - limits.keep_days * DAY_S
    chosen = []
    for one in queue:
        expired = not one.labelled and one.starts_at < too_old
        if expired or held > limits.quota_bytes:
            chosen.append(one)
            held -= one.size_bytes
    return chosen


def quota_now(quota_bytes: int, held_bytes: int, free_bytes: int) -> int:
    """The quota as the disk allows it: where the disk fills up, clips make room first."""
    return max(0, min(quota_bytes, held_bytes + free_bytes - RESERVE_BYTES))
