"""Reads and validates ``descriptions.yaml``."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.config import channels, fields, reader
from agent.config import yaml_tree as yamlfile
from agent.config.table import Item, Table
from agent.core.errors import DescriptionsError, Problem
from agent.descriptions.records import (
    Defaults,
    DescriptionSet,
    ErrorDescription,
    Example,
)

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1
MAX_DESCRIPTIONS = 1_000
MAX_TEXTS = 10_000
MAX_TEXT_CHARACTERS = 300

_ID = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)


def load(path: Path) -> DescriptionSet:
    """Read and validate a file.

    Raises:
        DescriptionsError: with every problem that was found.
    """
    problems: list[Problem] = []
    data = yamlfile.read(path, problems)
    if data is None:
        raise DescriptionsError(problems)
    return parse(data, path)


def parse(data: bytes, path: Path) -> DescriptionSet:
    """Validate the bytes of a file.

    Args:
        data: the whole file.
        path: what problems call the file, and where its relative paths start.

    Raises:
        DescriptionsError: with every problem that was found.
    """
    problems: list[Problem] = []
    root = yamlfile.parse(data, str(path), problems)
    if root is None:
        raise DescriptionsError(problems)
    notes: list[Problem] = []
    table = Table(root, "", problems, notes)
    descriptions = _Reader(path.parent, problems).read(table, digest(data))
    if problems:
        raise DescriptionsError(problems)
    return replace(descriptions, notes=tuple(notes))


def digest(data: bytes) -> str:
    """Identity of a file's content."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class _Reader:
    """Turns the tables of a file into records, and compares the texts with each other."""

    def __init__(self, base: Path, problems: list[Problem]) -> None:
        self._base = base
        self._problems = problems
        self._where: dict[str, str] = {}
        self._describing: dict[str, tuple[str, str]] = {}
        """By normalised text: which description it describes, and where it stands."""
        self._texts = 0

    def read(self, root: Table, digest: str) -> DescriptionSet:
        """The whole file."""
        root.required("version", fields.integer(VERSION, VERSION))
        defaults = reader.read(root.table("defaults"), Defaults())
        if not root.has("errors"):
            root.report("errors", "is missing", "write at least one description under 'errors:'")
        tables = root.tables("errors")
        if len(tables) > MAX_DESCRIPTIONS:
            found = f"has {len(tables)} descriptions"
            root.report("errors", found, f"write at most {MAX_DESCRIPTIONS}")
            tables = []
        errors = tuple(self._error(table, defaults) for table in tables)
        self._check_ids(tables, errors)
        background = self._listed(root, "background")
        for item in background:
            self._refuse_describing(item, "background", None)
        root.finish()
        if self._texts > MAX_TEXTS:
            found = f"hold {self._texts} texts altogether"
            root.report("errors", found, f"write at most {MAX_TEXTS}")
        return DescriptionSet(
            errors=errors,
            background=tuple(item.text for item in background),
            defaults=defaults,
            digest=digest,
            where=self._where,
        )

    def _error(self, table: Table, defaults: Defaults) -> ErrorDescription:
        error_id = table.required("id", _error_id) or ""
        text = table.required("text", _TEXT) or ""
        describing = [Item(table.where_of("text"), text)] if text else []
        paraphrases = self._listed(table, "paraphrases")
        unlike = self._listed(table, "unlike")
        self._texts += len(describing)
        for item in (*describing, *paraphrases):
            self._describe(item, error_id)
        for item in unlike:
            self._refuse_describing(item, "unlike", error_id)
        examples = table.plain_or_tables("examples", self._plain_example, self._example)
        own = reader.read_part(table, defaults)
        error = ErrorDescription(
            error_id=error_id,
            text=text,
            paraphrases=tuple(item.text for item in paraphrases),
            unlike=tuple(item.text for item in unlike),
            examples=examples,
            severity=own.severity,
            policy=own.policy,
            enabled=table.value("enabled", fields.switch, default=True),
            where=table.where,
        )
        table.finish()
        return error

    def _plain_example(self, raw: str) -> Example:
        return Example(fields.path(self._base)(raw))

    def _example(self, table: Table) -> Example:
        """A recording of which channels are chosen: ``{file: x.wav, channels: [2]}``."""
        path = table.required("file", fields.path(self._base)) or self._base
        example = Example(path, channels.read(table))
        table.finish()
        return example

    def _listed(self, table: Table, name: str) -> list[Item]:
        items = table.texts(name, _TEXT)
        self._texts += len(items)
        for item in items:
            self._where.setdefault(item.text, item.where)
        return items

    def _describe(self, item: Item, error_id: str) -> None:
        """Note that a text describes an error; it may do so once in the file."""
        self._where.setdefault(item.text, item.where)
        key = _normalised(item.text)
        if key in self._describing:
            other_id, other_where = self._describing[key]
            found = f"{item.text!r} already describes {other_id or 'an error'} ({other_where})"
            self._problems.append(Problem(item.where, found, "keep it in one place"))
        else:
            self._describing[key] = (error_id, item.where)

    def _refuse_describing(self, item: Item, name: str, error_id: str | None) -> None:
        """A text cannot both describe an error and tell what is normal beside it."""
        other = self._describing.get(_normalised(item.text))
        if other is not None and error_id in (None, other[0]):
            found = f"{item.text!r} also describes {other[0] or 'an error'} ({other[1]})"
            self._problems.append(Problem(item.where, found, f"keep it there or in {name}"))

    def _check_ids(self, tables: list[Table], errors: tuple[ErrorDescription, ...]) -> None:
        first: dict[str, str] = {}
        for table, error in zip(tables, errors, strict=True):
            if error.error_id in first:
                where = first[error.error_id]
                table.report("id", f"is {error.error_id!r} again ({where})", "choose another id")
            elif error.error_id:
                first[error.error_id] = table.where_of("id")


def _error_id(raw: str) -> str:
    if not _ID.fullmatch(raw):
        raise ValueError(
            "write lower-case letters a-z, digits and '_', a letter first, at most 63 "
            "characters, such as metal_part_dropped"
        )
    return raw


_TEXT = fields.text(MAX_TEXT_CHARACTERS)


def _normalised(text: str) -> str:
    """What two texts share that a reader would call the same."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
