"""Recordings that would let a model be tested on what it was trained on."""

from __future__ import annotations

from training.data.records import Manifest, Recording, Split

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
    return manifest.without({recording.id for recording in leaking(manifest)})
