"""Parts of a manifest: without what leaks between its splits, without some of its classes."""

from __future__ import annotations

from collections.abc import Sequence

from training.data.contents import Contents
from training.data.readers.classes import class_caption
from training.data.readers.splits import same_sounds
from training.data.records import Manifest, Recording, Split

PRECEDENCE = (Split.TRAIN, Split.VALIDATION, Split.TEST)
"""The later of two is kept whole: what is measured on before what is learned from."""


def leaking(manifest: Manifest) -> tuple[Recording, ...]:
    """Recordings whose source or sound a later split (validation after train, test last) holds."""
    last: dict[str, int] = {}
    for recording in manifest.recordings:
        rank = PRECEDENCE.index(recording.split)
        last[recording.source] = max(rank, last.get(recording.source, rank))
    ranks = {recording.id: PRECEDENCE.index(recording.split) for recording in manifest.recordings}
    for one, other in same_sounds():
        if one in ranks and other in ranks:
            highest = max(ranks[one], ranks[other])
            for end in (one, other):
                last[end] = max(highest, last.get(end, highest))
    return tuple(
        recording
        for recording in manifest.recordings
        if ranks[recording.id] < max(last[recording.source], last.get(recording.id, 0))
    )


def without_leaks(manifest: Manifest) -> Manifest:
    """The manifest without leaking recordings, their captions, pairs and ratings.

    A caption that was written for a leaking recording goes with everything about it.
    """
    return manifest.without({recording.id for recording in leaking(manifest)})


def without_classes(
    manifest: Manifest, names: Sequence[str], contents: Sequence[Contents]
) -> Manifest:
    """The manifest without recordings in which a class is heard, and without its captions.

    Args:
        manifest: what there is.
        names: classes as ``set/class``: ``esc50-40/frog``.
        contents: what is heard in mixtures; a recording that holds the class faintly goes too.

    Raises:
        ValueError: a name is no class of the manifest.
    """
    captions = {class_caption(*_parts(name)) for name in names}
    unknown = captions - {caption.id for caption in manifest.captions}
    if unknown:
        listed = ", ".join(sorted(unknown))
        raise ValueError(f"leave_out: {listed}: no such class; write set/class: esc50-40/frog")
    gone = {pair.recording for pair in manifest.pairs if pair.label and pair.caption in captions}
    gone |= {
        content.recording
        for content in contents
        if any(part.caption in captions for part in content.parts)
    }
    left = manifest.without(gone)
    # A caption of nothing that is left would still be drawn as a rated one's neighbour.
    return left.without(captions=_asked(manifest) - _asked(left))


def _parts(name: str) -> tuple[str, str]:
    data_set, _, class_name = name.partition("/")
    return data_set, class_name.replace("_", " ")


def _asked(manifest: Manifest) -> set[str]:
    """Captions that are paired or rated."""
    return {pair.caption for pair in manifest.pairs} | {
        rating.caption for rating in manifest.ratings
    }
