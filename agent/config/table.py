"""A table of a YAML file, read field by field; what is wrong is collected, never raised.

A field that is left out or left empty takes its default. A converter turns the text of a value
into what the field holds, see :mod:`agent.config.fields`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from agent.config import findings, lookalikes
from agent.config.lookalikes import Finding
from agent.config.values import nearest
from agent.config.yaml_tree import Mapping, Node, Scalar, Sequence
from agent.core.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Item:
    """One text of a list, and where it stands."""

    where: str
    text: str


class Table:
    """One table, read field by field."""

    def __init__(
        self,
        node: Mapping,
        path: str,
        problems: list[Problem],
        notes: list[Problem] | None = None,
    ) -> None:
        """Read a table.

        Args:
            node: as it stands in the file.
            path: of the table in the file; empty for the whole file.
            problems: collects what is wrong.
            notes: collects what is valid and hardly meant, such as half a text; nowhere if
                ``None``.
        """
        self._node = node
        self._path = path
        self._problems = problems
        self._notes = [] if notes is None else notes
        self._known: list[str] = []

    @property
    def where(self) -> str:
        """File, line and path of the table."""
        return f"{self._node.where} {self._path}".rstrip()

    def where_of(self, name: str) -> str:
        """File, line and path of one of its fields, given or not."""
        node = self._node.get(name)
        return f"{(node or self._node).where} {self._path_of(name)}"

    def has(self, name: str) -> bool:
        """Whether the field is given and not left empty."""
        node = self._node.get(name)
        return node is not None and not (isinstance(node, Scalar) and node.is_null)

    def report(self, name: str, found: str, remedy: str) -> None:
        """Collect a problem with one of the fields."""
        self._problems.append(Problem(self.where_of(name), found, remedy))

    def needs(self, name: str, other: str) -> None:
        """Collect a problem where a field is given without another that belongs to it."""
        if self.has(name) and not self.has(other):
            remedy = f"write {self._path_of(other)} too"
            self.report(name, f"is given without {other}", remedy)

    def value(self, name: str, convert: Callable[[str], T], default: D) -> T | D:
        """A single value; the default where it is missing or wrong."""
        node = self._take(name)
        if node is None:
            return default
        converted = self._convert(node, self._path_of(name), convert)
        return converted[0] if converted else default

    def required(self, name: str, convert: Callable[[str], T]) -> T | None:
        """A single value that has no default; ``None`` where it is missing or wrong."""
        node = self._take(name)
        if node is None:
            given = self._node.get(name)
            lost = findings.lost(given) or Finding(
                "is missing" if given is None else "is empty", f"write '{name}: …'"
            )
            self.report(name, lost.found, lost.remedy)
            return None
        converted = self._convert(node, self._path_of(name), convert)
        return converted[0] if converted else None

    def texts(self, name: str, convert: Callable[[str], str]) -> list[Item]:
        """A list of texts, without those that are wrong."""
        items: list[Item] = []
        for node, path in self._items(name, "[first, second]"):
            if (joined := findings.joined(node, self._node.get(name))) is not None:
                self._notes.append(Problem(f"{node.where} {path}", joined.found, joined.remedy))
            converted = self._convert(node, path, convert)
            items.extend(Item(f"{node.where} {path}", one) for one in converted)
        return items

    def values(self, name: str, convert: Callable[[str], T], default: D) -> tuple[T, ...] | D:
        """A list of values, or a single one in place of a list of one."""
        node = self._take(name)
        if node is None:
            return default
        path = self._path_of(name)
        if not isinstance(node, Sequence):
            return self._convert(node, path, convert) or default
        converted = (self._convert(item, where, convert) for item, where in self._each(node, path))
        return tuple(one for single in converted for one in single)

    def plain_or_tables(
        self, name: str, convert: Callable[[str], T], read: Callable[[Table], T]
    ) -> tuple[T, ...]:
        """A list of values or tables, mixed, or a single one in place of a list of one."""
        node = self._take(name)
        if node is None:
            return ()
        found: list[T] = []
        for item, where in self._each(node, self._path_of(name)):
            if isinstance(item, Mapping):
                found.append(read(Table(item, where, self._problems)))
            else:
                found.extend(self._convert(item, where, convert))
        return tuple(found)

    def table(self, name: str) -> Table:
        """A table in the table; an empty one where it is missing or something else."""
        node = self._take(name)
        if node is not None and not isinstance(node, Mapping):
            wrong = findings.mistaken(node, "write its fields below it, indented")
            self.report(name, wrong.found, wrong.remedy)
            node = None
        path = self._path_of(name)
        return Table(node or Mapping(self._node.where), path, self._problems, self._notes)

    def tables(self, name: str) -> list[Table]:
        """A list of tables, without items that are something else; a given one is not empty."""
        found: list[Table] = []
        given = self._node.get(name)
        if isinstance(given, Sequence) and not given.items:
            self.report(name, "is an empty list", "write one or delete the line")
        for node, path in self._items(name, "'- field: value'"):
            if isinstance(node, Mapping):
                found.append(Table(node, path, self._problems, self._notes))
            else:
                wrong = findings.mistaken(node, "write its fields as 'field: value'")
                self._problems.append(Problem(f"{node.where} {path}", wrong.found, wrong.remedy))
        return found

    def finish(self) -> None:
        """Collect the fields that nobody asked for, each with the nearest one that exists."""
        for entry in self._node.entries:
            if entry.key not in self._known:
                where = f"{entry.where} {self._path_of(entry.key[: findings.SHOWN_CHARACTERS])}"
                near = nearest(lookalikes.plain(entry.key), self._known)
                listed = f"the fields here are {', '.join(self._known)}"
                remedy = f"did you mean '{near}'?" if near else listed
                wrong = findings.misnamed(entry.key, near) or Finding("is not a field", remedy)
                self._problems.append(Problem(where, wrong.found, wrong.remedy))

    def _take(self, name: str) -> Node | None:
        """The value of a field that from now on is known; ``None`` where it is left empty."""
        self._known.append(name)
        return self._node.get(name) if self.has(name) else None

    def _path_of(self, name: str) -> str:
        # A name with a line break in it would break the one-line rule of messages.
        printable = name if name.isprintable() else repr(name)
        return f"{self._path}.{printable}" if self._path else printable

    def _items(self, name: str, example: str) -> list[tuple[Node, str]]:
        node = self._take(name)
        if node is None:
            if (lost := findings.lost(self._node.get(name))) is not None:
                self._notes.append(Problem(self.where_of(name), lost.found, lost.remedy))
            return []
        if not isinstance(node, Sequence):
            wrong = findings.mistaken(node, f"write a list: {example}")
            self.report(name, wrong.found, wrong.remedy)
            return []
        return self._each(node, self._path_of(name))

    def _each(self, node: Node, path: str) -> list[tuple[Node, str]]:
        """The items of a list, or what stands in place of a list of one."""
        if not isinstance(node, Sequence):
            return [(node, path)]
        return [(item, f"{path}[{i}]") for i, item in enumerate(node.items)]

    def _convert(self, node: Node, path: str, convert: Callable[[str], T]) -> tuple[T, ...]:
        """The value by itself; nothing where it is wrong."""
        where = f"{node.where} {path}"
        shown = findings.shown(node)
        if not isinstance(node, Scalar):
            wrong = Finding(shown, "write a single value")
        elif node.is_null:
            wrong = findings.lost(node) or Finding(shown, "write a value or delete the line")
        else:
            try:
                value = convert(node.text)
            except ValueError as error:
                wrong = findings.mistyped(node, convert) or Finding(shown, str(error))
            else:
                if node.doubt is not None and findings.is_text(value):
                    self._notes.append(Problem(where, node.doubt.found, node.doubt.remedy))
                return (value,)
        self._problems.append(Problem(where, wrong.found, wrong.remedy))
        return ()
