"""A manifest without some classes, to measure what a training keeps of what it never heard."""

from __future__ import annotations

from collections.abc import Sequence

from training.data.contents import Contents
from training.data.readers.classes import class_caption
from training.data.records import Manifest


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
    unknown = captions - {one.id for one in manifest.captions}
    if unknown:
        listed = ", ".join(sorted(unknown))
        raise ValueError(f"leave_out: {listed}: no such class; write set/class: esc50-40/frog")
    gone = {one.recording for one in manifest.pairs if one.label and one.caption in captions}
    gone |= {
        one.recording for one in contents if any(part.caption in captions for part in one.parts)
    }
    left = manifest.without(gone)
    # A caption of nothing that is left would still be drawn as a rated one's neighbour.
    return left.without(captions=_asked(manifest) - _asked(left))


def _parts(name: str) -> tuple[str, str]:
    data_set, _, class_name = name.partition("/")
    return data_set, class_name.replace("_", " ")


def _asked(manifest: Manifest) -> set[str]:
    """Captions that are paired or rated."""
    return {one.caption for one in manifest.pairs} | {one.caption for one in manifest.ratings}
