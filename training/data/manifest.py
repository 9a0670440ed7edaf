"""The manifest: a folder of JSON Lines files that says what the training learns from.

The format is documented in docs/manifest.md. Everything that is wrong with a manifest is
reported at once; a manifest that was loaded can be relied on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Generic, TypeVar

from agent.config import jsonl
from agent.core import files
from agent.core.errors import Problem
from training.data.records import (
    HIGHEST_RATING,
    LOWEST_RATING,
    Caption,
    Manifest,
    Pair,
    Rating,
    RatingKind,
    Recording,
    Split,
)

RECORDINGS = "recordings.jsonl"
CAPTIONS = "captions.jsonl"
PAIRS = "pairs.jsonl"
RATINGS = "ratings.jsonl"
_REQUIRED = (RECORDINGS, CAPTIONS)
_OPTIONAL = (PAIRS, RATINGS)

_SHOWN_PROBLEMS = 50
_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)

T = TypeVar("T")


class ManifestError(ValueError):
    """A manifest is missing or wrong; holds every problem, its message the first of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:_SHOWN_PROBLEMS]]
        if len(self.problems) > _SHOWN_PROBLEMS:
            lines.append(f"… and {len(self.problems) - _SHOWN_PROBLEMS} more problems")
        super().__init__("\n".join(lines))


def load_manifest(folder: Path) -> Manifest:
    """Read and check a manifest; sound files are not opened.

    Raises:
        ManifestError: one line for each problem: file and line, field, what was found, what to
            write instead.
    """
    problems = [
        Problem(str(folder / name), "is missing", "write it, or name the manifest's folder")
        for name in _REQUIRED
        if not (folder / name).is_file()
    ]
    if problems:
        raise ManifestError(problems)
    contents = {
        name: (folder / name).read_bytes()
        for name in (*_REQUIRED, *_OPTIONAL)
        if (folder / name).is_file()
    }
    return _parse(contents, folder)


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Check a manifest and write its four files; the folder is made if missing.

    Raises:
        ManifestError: as :func:`load_manifest`, with the lines as they would have been written.
            Nothing is written then.
    """
    contents = {
        RECORDINGS: _lines(manifest.recordings),
        CAPTIONS: _lines(manifest.captions),
        PAIRS: _lines(manifest.pairs),
        RATINGS: _lines(manifest.ratings),
    }
    _parse(contents, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        files.write_bytes(folder / name, content)


def _lines(records: Iterable[Recording | Caption | Pair | Rating]) -> bytes:
    written = []
    for record in records:
        # Flat records: copied deep as asdict() does it, a hundred thousand of them take seconds.
        held = {one.name: getattr(record, one.name) for one in fields(record)}
        # What is left out reads back as it was: empty texts and no recording.
        values = {name: value for name, value in held.items() if value not in (None, "")}
        if isinstance(record, Pair):
            values["label"] = int(record.label)
        written.append(json.dumps(values, ensure_ascii=False) + "\n")
    # A file name that is no UTF-8 is then refused with its line, like all else.
    return "".join(written).encode("utf-8", "surrogatepass")


class _Table(Generic[T]):
    """What was read of one file, and where each thing stands."""

    def __init__(self) -> None:
        self.records: list[T] = []
        self._seen: dict[object, str] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._seen

    def first(self, key: object, row: jsonl.Row) -> str | None:
        """Where the key stood before; ``None``, and remembered, where this is the first."""
        where = self._seen.setdefault(key, row.where)
        return None if where == row.where else where


def _parse(contents: Mapping[str, bytes], folder: Path) -> Manifest:
    problems: list[Problem] = []

    def read(name: str, take: Callable[[jsonl.Row], None]) -> None:
        for row in jsonl.rows(contents.get(name, b""), str(folder / name), problems):
            take(row)

    reader = _Reader()
    read(RECORDINGS, reader.recording)
    read(CAPTIONS, reader.caption)
    read(PAIRS, reader.pair)
    read(RATINGS, reader.rating)
    if problems:
        raise ManifestError(problems)
    return Manifest(
        tuple(reader.recordings.records),
        tuple(reader.captions.records),
        tuple(reader.pairs.records),
        tuple(reader.ratings.records),
    )


class _Reader:
    """Takes rows of the four files, recordings first, and checks each against those before."""

    def __init__(self) -> None:
        self.recordings = _Table[Recording]()
        self.captions = _Table[Caption]()
        self.pairs = _Table[Pair]()
        self.ratings = _Table[Rating]()
        self._paths = _Table[str]()
        self._sources: dict[str, tuple[Split, str]] = {}
        self._labels: dict[tuple[str, str], tuple[bool, str]] = {}
        self._kinds: dict[str, tuple[RatingKind, str]] = {}

    def recording(self, row: jsonl.Row) -> None:
        """A row of recordings.jsonl."""
        read = Recording(
            id=self._own_id(row, self.recordings),
            path=row.text("path"),
            source=row.text("source"),
            split=row.choice("split", Split),
            licence=row.optional_text("licence") or "",
            attribution=row.optional_text("attribution") or "",
        )
        row.finish()
        if read.path and (before := self._paths.first(read.path, row)):
            row.report("path", f"{read.path!r} stands at {before} too", "list each file once")
        if row.fine:
            split, before = self._sources.setdefault(read.source, (read.split, row.where))
            if split is not read.split:
                row.report(
                    "source",
                    f"{read.source!r} is in {read.split} here and in {split} at {before}",
                    "keep a source in one split",
                )
            self.recordings.records.append(read)

    def caption(self, row: jsonl.Row) -> None:
        """A row of captions.jsonl."""
        identity = self._own_id(row, self.captions)
        text = row.text("text")
        language = row.formed("language", _LANGUAGE, "write two or three letters: ja, en")
        recording = row.optional_text("recording")
        row.finish()
        if recording:
            self._refer(row, "recording", recording, self.recordings)
        if row.fine:
            self.captions.records.append(Caption(identity, text, language, recording))

    def pair(self, row: jsonl.Row) -> None:
        """A row of pairs.jsonl."""
        read = Pair(*self._both(row), label=row.label("label"), provenance=row.text("provenance"))
        row.finish()
        if not row.fine:
            return
        key = (read.caption, read.recording)
        if before := self.pairs.first((*key, read.provenance), row):
            row.report("caption", f"the same pair stands at {before}", "delete one of the two")
        label, before = self._labels.setdefault(key, (read.label, row.where))
        if label != read.label:
            found = f"is {int(read.label)} here and {int(label)} at {before}"
            row.report("label", found, "decide for one, or rate the pair 0-100 instead")
        self.pairs.records.append(read)

    def rating(self, row: jsonl.Row) -> None:
        """A row of ratings.jsonl."""
        read = Rating(
            *self._both(row),
            rating=row.number("rating", LOWEST_RATING, HIGHEST_RATING),
            rater=row.text("rater"),
            kind=row.choice("kind", RatingKind),
        )
        row.finish()
        if not row.fine:
            return
        if before := self.ratings.first((read.caption, read.recording, read.rater), row):
            found = f"{read.rater!r} rated this pair at {before} already"
            row.report("rater", found, "keep one of the two ratings")
        kind, before = self._kinds.setdefault(read.rater, (read.kind, row.where))
        if kind is not read.kind:
            found = f"{read.rater!r} is {read.kind} here and {kind} at {before}"
            row.report("kind", found, "give each kind raters of its own")
        self.ratings.records.append(read)

    def _own_id(self, row: jsonl.Row, table: _Table[T]) -> str:
        identity = row.text("id")
        if identity and (before := table.first(identity, row)):
            row.report("id", f"{identity!r} stands at {before} too", "write an id of its own")
        return identity

    def _both(self, row: jsonl.Row) -> tuple[str, str]:
        """The caption and the recording that a row is about."""
        caption, recording = row.text("caption"), row.text("recording")
        self._refer(row, "caption", caption, self.captions)
        self._refer(row, "recording", recording, self.recordings)
        return caption, recording

    @staticmethod
    def _refer(row: jsonl.Row, field: str, identity: str, table: _Table[T]) -> None:
        if identity and identity not in table:
            remedy = f"write an id of {field}s.jsonl, or add it there"
            row.report(field, f"{identity!r} is unknown", remedy)
