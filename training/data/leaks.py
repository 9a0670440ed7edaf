"""Recordings that would let a model be tested on what it was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.data.records import Manifest, Split

if TYPE_CHECKING:
    from training.data.records import Recording

# What is measured on is kept whole.
_PRECEDENCE = (Split.TRAIN, Split.VALIDATION, Split.TEST)


def leaking(manifest: Manifest) -> tuple[Recording, ...]:
    """Recordings whose source a later split (validation after train, test last) holds too."""
    last: dict[str, int] = {}
    for recording in manifest.recordings:
        rank = _PRECEDENCE.index(recording.split)
        last[recording.source] = max(rank, last.get(recording.source, rank))
    return tuple(
        recording
        for recording in manifest.recordings
        if _PRECEDENCE.index(recording.split) < last[recording.source]
    )


def without_leaks(manifest: Manifest) -> Manifest:
    """The manifest without leaking recordings, their captions, pairs and ratings.

    A caption that was written for a leaking recording goes with everything about it.
    """
    gone = {recording.id for recording in leaking(manifest)}
    captions = tuple(c for c in manifest.captions if c.recording not in gone)
    kept = {caption.id for caption in captions}
    return Manifest(
        recordings=tuple(r for r in manifest.recordings if r.id not in gone),
        captions=captions,
        pairs=tuple(p for p in manifest.pairs if p.recording not in gone and p.caption in kept),
        ratings=tuple(r for r in manifest.ratings if r.recording not in gone and r.caption in kept),
    )
