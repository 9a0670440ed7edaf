"""YAML files as trees whose every value knows its line.

Only parser events are used: no tag is resolved and no object is built, so a file cannot make
the agent do anything. What a value means (a number, a switch, a text) is for the field to say
that it is written in; that also avoids YAML 1.1's surprises (``no`` as a switch, ``1:30`` as
ninety).
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import yaml

from agent.config import source_text
from agent.config.lookalikes import Finding
from agent.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 1 << 20
MAX_NODES = 100_000
MAX_DEPTH = 16

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})

# libyaml where PyYAML was built with it (all wheels are): thirty times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value, as it was written."""

    where: str
    """File and line, or another origin such as an environment variable."""
    text: str
    quoted: bool = False
    doubt: Finding | None = field(default=None, compare=False)
    """Why it may not be all that its author wrote, or more; matters where it is a text."""

    @property
    def is_null(self) -> bool:
        """Whether the value was left empty or is the word ``null``."""
        return not self.quoted and self.text in _NULLS


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    where: str
    items: tuple[Node, ...]
    flow: bool = False
    """Whether it was written in brackets."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a table with its value."""

    where: str
    """Of the key."""
    key: str
    value: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """A table."""

    where: str
    entries: tuple[Entry, ...] = ()

    def get(self, key: str) -> Node | None:
        """The value of a key, ``None`` if the table does not have it."""
        return next((entry.value for entry in self.entries if entry.key == key), None)

    def put(self, keys: tuple[str, ...], value: Node) -> Mapping:
        """A copy in which the value under the nested ``keys`` is replaced or added.

        Where something other than a table is in the way, nothing changes.
        """
        key, *rest = keys
        if rest:
            inner = self.get(key)
            if inner is None or (isinstance(inner, Scalar) and inner.is_null):
                inner = Mapping(value.where)
            if not isinstance(inner, Mapping):
                return self
            value = inner.put(tuple(rest), value)
        others = tuple(entry for entry in self.entries if entry.key != key)
        return Mapping(self.where, (*others, Entry(value.where, key, value)))


Node: TypeAlias = Scalar | Sequence | Mapping


def read(path: Path, problems: list[Problem]) -> bytes | None:
    """The bytes of a file of sensible size; on failure a problem, and ``None``."""
    where = str(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            problems.append(Problem(where, f"is {kind}", "name a YAML file"))
            return None
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        problems.append(Problem(where, f"cannot be read ({reason})", "name a file that can"))
        return None
    if len(data) > MAX_BYTES:
        problems.append(
            Problem(where, f"is larger than {MAX_BYTES >> 20} MiB", "shorten it or split the site")
        )
        return None
    return data


def parse(data: bytes, name: str, problems: list[Problem]) -> Mapping | None:
    """The table that a YAML document holds; on failure problems, and ``None``.

    Args:
        data: the whole file.
        name: what problems call the file.
        problems: collects what is wrong; duplicate keys are, though the first one stands.
    """
    try:
        return _document(data, name, problems)
    except _RefusedError as error:
        problems.append(error.problem)
        return None


def load(path: Path, problems: list[Problem]) -> Mapping:
    """The tree of a file; problems that leave a tree behind are added.

    Raises:
        ConfigError: there is none, with every problem.
    """
    data = read(path, problems)
    root = None if data is None else parse(data, str(path), problems)
    if root is None:
        raise ConfigError(problems)
    return root


def _document(data: bytes, name: str, problems: list[Problem]) -> Mapping:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        found = f"is not UTF-8 (byte 0x{data[error.start]:02x})"
        raise _RefusedError(Problem(f"{name}:{line}", found, "save the file as UTF-8")) from error
    builder = _Builder(name, text, problems)
    try:
        root = builder.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise _RefusedError(_syntax_problem(error, name, text, builder.line)) from error
    except yaml.reader.ReaderError as error:
        where = f"{name}:{_line_of_unprintable(text)}"
        found = f"holds a character that YAML forbids ({error.reason})"
        raise _RefusedError(Problem(where, found, "delete the character")) from error
    if root is None or (isinstance(root, Scalar) and root.is_null):
        raise _RefusedError(Problem(name, "is empty", "write the fields that it needs"))
    if not isinstance(root, Mapping):
        if (slip := source_text.in_lines(text, 0, text.count("\n"))) is not None:
            raise _RefusedError(Problem(f"{name}:{slip[0] + 1}", slip[1].found, slip[1].remedy))
        remedy = "write lines such as 'field: value'"
        raise _RefusedError(Problem(root.where, "does not hold fields", remedy))
    return root


def _syntax_problem(error: yaml.MarkedYAMLError, name: str, text: str, read: int) -> Problem:
    """The problem of a syntax error: what was mistyped since line ``read``, else YAML's words."""
    mark = error.problem_mark or error.context_mark
    if mark is not None and (slip := source_text.in_lines(text, read, mark.line)) is not None:
        found = f"not valid YAML ({slip[1].found})"
        return Problem(f"{name}:{slip[0] + 1}", found, slip[1].remedy)
    where = f"{name}:{mark.line + 1}" if mark else name
    found = f"not valid YAML ({error.problem or error.context})"
    start = error.context_mark
    if start is not None and mark is not None and start.line != mark.line:
        # What was opened and never closed is the line to mend, not the end of the file.
        found = f"not valid YAML ({error.problem} {error.context} from line {start.line + 1} on)"
    return Problem(where, found, "mend the indentation, quotes or brackets here")


def _line_of_unprintable(text: str) -> int:
    """The line of the first character that YAML forbids (libyaml does not tell it)."""
    match = yaml.reader.Reader.NON_PRINTABLE.search(text)
    return text.count("\n", 0, match.start() if match else 0) + 1


class _RefusedError(Exception):
    """Carries the problem that ends the reading."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


class _Builder:
    """Builds the tree from events, within the caps."""

    def __init__(self, name: str, text: str, problems: list[Problem]) -> None:
        self._name = name
        self._text = text
        self._problems = problems
        self._nodes = 0
        self.line = 0
        """Where the latest event began, counted from 0: up to there all is well."""

    def document(self, stream: Iterator[yaml.Event]) -> Node | None:
        """The only document of the stream, ``None`` if there is none."""
        root: Node | None = None
        documents = 0
        events = self._followed(stream)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refused(event, "starts a second document", "keep one, without ---")
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, events, depth=0)
        return root

    def _followed(self, events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
        for event in events:
            self.line = event.start_mark.line if event.start_mark else self.line
            yield event

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._refused(event, f"holds more than {MAX_NODES} values", "shorten the file")
        if depth > MAX_DEPTH:
            raise self._refused(event, f"is nested over {MAX_DEPTH} deep", "remove the brackets")
        if isinstance(event, yaml.AliasEvent):
            raise self._refused(event, f"uses the alias *{event.anchor}", "write the value out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise self._refused(event, f"uses the tag {tag!r}", "leave the tag out")
        where = self._where(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(inner := next(events), yaml.SequenceEndEvent):
                items.append(self._node(inner, events, depth + 1))
            return Sequence(where, tuple(items), flow=bool(event.flow_style))
        if isinstance(event, yaml.MappingStartEvent):
            return Mapping(where, tuple(self._entries(events, depth + 1).values()))
        if not isinstance(event, yaml.ScalarEvent):
            message = f"unexpected YAML event {event!r}"
            raise TypeError(message)
        return Scalar(where, event.value, bool(event.style), self._doubt(event))

    def _entries(self, events: Iterator[yaml.Event], depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._node(event, events, depth)
            value = self._node(next(events), events, depth)
            if not isinstance(key, Scalar):
                raise self._refused(event, "has a list or table as a field name", "write a name")
            if key.text in entries:
                found = f"field {key.text[:60]!r} stands here again"
                remedy = f"keep it once (also at {entries[key.text].where})"
                self._problems.append(Problem(key.where, found, remedy))
            else:
                entries[key.text] = Entry(key.where, key.text, value)
        return entries

    def _doubt(self, event: yaml.ScalarEvent) -> Finding | None:
        """What may have been lost from a value without quotes, or have got into it."""
        start, end = event.start_mark, event.end_mark
        if event.style or start is None or end is None:
            return None
        lost = source_text.cut_off(self._text, end.index, empty=not event.value)
        if lost is not None or start.line == end.line:
            return lost
        slip = source_text.in_lines(self._text, start.line + 1, end.line)
        if slip is None:
            return None
        line, finding = slip
        return Finding(f"goes on in line {line + 1}, which {finding.found}", finding.remedy)

    def _where(self, event: yaml.Event) -> str:
        mark = event.start_mark
        return f"{self._name}:{mark.line + 1}" if mark else self._name

    def _refused(self, event: yaml.Event, found: str, remedy: str) -> _RefusedError:
        return _RefusedError(Problem(self._where(event), found, remedy))
