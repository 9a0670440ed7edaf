"""What is heard in each recording: ``contents.jsonl`` beside the manifest's files.

A line is one sound that is heard in one recording; a recording with three sounds has three
lines::

    {"recording": "mixed/train/0007", "part": "esc50-40/1-100038-A-14",
     "caption": "esc50-40/class/chirping birds", "level_db": 4.1, "overlap": 0.3, "share": 0.6}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.config import jsonl
from agent.core.errors import Problem
from training.data.files import write_text
from training.data.manifest import ManifestError
from training.data.readers.classes import CLASS_LABEL, class_caption
from training.data.records import Manifest, Recording

CONTENTS = "contents.jsonl"
ALONE_DB = 60.0
"""Level of a part beside which nothing else is known to sound; no level is higher."""
_LOWEST_DB, _HIGHEST_DB = -ALONE_DB, ALONE_DB
_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One sound that is heard in a recording."""

    recording: str
    """Id of the recording that it was taken from."""
    caption: str
    """Id of the caption that names its class: see :func:`readers.classes.class_caption`."""
    level_db: float
    """Mean power of the part over that of everything else in the recording (other parts and
    background), both over the time in which the part sounds; ``ALONE_DB`` where nothing else is
    known."""
    overlap: float
    """Share of the time in which it sounds in which another part sounds too, 0 to 1."""
    share: float
    """Share of the recording's time in which it sounds, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is heard in one recording; at least one part."""

    recording: str
    parts: tuple[Part, ...]


def alone(recording: str, caption: str) -> Contents:
    """Contents of a recording of one class, as it was recorded: it is its own single part."""
    return Contents(recording, (Part(recording, caption, ALONE_DB, overlap=0.0, share=1.0),))


def classes(manifest: Manifest) -> dict[str, str]:
    """The caption that names its class, by recording, of all recordings that have a class.

    Raises:
        ValueError: a recording has two.
    """
    named = {
        caption.id
        for caption in manifest.captions
        if caption.id
        == class_caption(caption.id.removesuffix(f"/class/{caption.text}"), caption.text)
    }
    found: dict[str, str] = {}
    for pair in manifest.pairs:
        if not (pair.label and pair.provenance == CLASS_LABEL and pair.caption in named):
            continue
        if found.setdefault(pair.recording, pair.caption) != pair.caption:
            raise ValueError(
                f"{pair.recording!r} is of two classes, {found[pair.recording]!r} and "
                f"{pair.caption!r}; keep the pair of one of them in pairs.jsonl"
            )
    return found


def read_contents(folder: Path, manifest: Manifest | None = None) -> tuple[Contents, ...]:
    """Read and check ``contents.jsonl``, in the order in which recordings first stand there.

    Args:
        folder: of the manifest.
        manifest: where given, ids are looked up in it, and a part has to come from a recording
            of the same split.

    Raises:
        ManifestError: one line for each problem: file and line, field, what was found, what to
            write instead.
    """
    path = folder / CONTENTS
    if not path.is_file():
        remedy = "write it with 'python -m training mix', or name the manifest's folder"
        raise ManifestError([Problem(str(path), "is missing", remedy)])
    return _parse(path.read_bytes(), path, manifest)


def write_contents(
    contents: Iterable[Contents], folder: Path, manifest: Manifest | None = None
) -> None:
    """Check contents and write ``contents.jsonl``; the folder is made if missing.

    Raises:
        ManifestError: as :func:`read_contents`, with the lines as they would have been written.
            Nothing is written then.
    """
    path = folder / CONTENTS
    contents = tuple(contents)
    if empty := [content.recording for content in contents if not content.parts]:
        remedy = "name what is heard, or leave the recording out"
        raise ManifestError(Problem(str(path), f"{name!r} has no part", remedy) for name in empty)
    content = "".join(
        _line(content.recording, part) for content in contents for part in content.parts
    )
    _parse(content.encode(), path, manifest)
    write_text(path, content)


def _line(recording: str, part: Part) -> str:
    values = {
        "recording": recording,
        "part": part.recording,
        "caption": part.caption,
        "level_db": round(part.level_db, _DECIMALS),
        "overlap": round(part.overlap, _DECIMALS),
        "share": round(part.share, _DECIMALS),
    }
    return json.dumps(values, ensure_ascii=False) + "\n"


def _parse(content: bytes, path: Path, manifest: Manifest | None) -> tuple[Contents, ...]:
    problems: list[Problem] = []
    found: dict[str, list[Part]] = {}
    seen: dict[tuple[str, str], str] = {}
    recordings = None if manifest is None else {clip.id: clip for clip in manifest.recordings}
    captions = None if manifest is None else {caption.id: caption for caption in manifest.captions}
    for row in jsonl.rows(content, str(path), problems):
        recording = row.text("recording")
        part = Part(
            recording=row.text("part"),
            caption=row.text("caption"),
            level_db=row.number("level_db", _LOWEST_DB, _HIGHEST_DB),
            overlap=row.number("overlap", 0.0, 1.0),
            share=row.number("share", 0.0, 1.0),
        )
        row.finish()
        if not row.fine:
            continue
        before = seen.setdefault((recording, part.recording), row.where)
        if before != row.where:
            shown = f"{part.recording!r} is a part of {recording!r} at {before} already"
            row.report("part", shown, "delete one of the two")
        if captions is not None and part.caption not in captions:
            row.report("caption", f"{part.caption!r} is unknown", "write an id of captions.jsonl")
        if recordings is not None:
            _check_split(row, recording, part, recordings)
        found.setdefault(recording, []).append(part)
    if problems:
        raise ManifestError(problems)
    return tuple(Contents(recording, tuple(parts)) for recording, parts in found.items())


def _check_split(
    row: jsonl.Row, recording: str, part: Part, recordings: Mapping[str, Recording]
) -> None:
    for field, identity in (("recording", recording), ("part", part.recording)):
        if identity not in recordings:
            row.report(field, f"{identity!r} is unknown", "write an id of recordings.jsonl")
    if not row.fine:
        return
    own, whole = recordings[part.recording].split, recordings[recording].split
    if own is not whole:
        shown = f"{part.recording!r} is in {own} and {recording!r} in {whole}"
        row.report("part", shown, "take the parts of a recording from its own split")
