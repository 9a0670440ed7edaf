"""Settings out of a YAML tree by the annotations of a frozen dataclass: each is written once.

A field says its type, its bounds, its unit and its default::

    window_s: Annotated[float, Between(0.5, 60.0, unit="s")] = 2.0

Read are whole numbers and numbers (:class:`Between`), durations (:class:`Lasting`), texts
(:class:`Characters`), switches, paths, enumerations of texts, what may be left out (``| None``),
tuples of all these, dataclasses in dataclasses and tuples of such; what is none of these says how
it is read itself, from a text (:class:`By`) or from its table (:class:`From`). A dataclass whose
fields depend on each other has a method ``checked``, see :class:`Checked`. What is wrong is
collected, see :mod:`agent.config.table`.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)

from agent.config import fields as converters
from agent.config import yaml_tree as yamlfile
from agent.config.table import Table
from agent.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.core.errors import Problem

T = TypeVar("T")

hints_of: Callable[[type], dict[str, Any]] = cache(partial(get_type_hints, include_extras=True))
"""The annotations of a dataclass, by field."""


@dataclass(frozen=True, slots=True)
class Place:
    """What settings are read beside."""

    base: Path = Path()
    """Where relative paths start."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """The environment variables."""


@runtime_checkable
class Checked(Protocol):
    """A dataclass whose fields depend on each other."""

    def checked(self, table: Table) -> Any:
        """Itself as it holds; what does not fit together is reported to the table."""


class Note(Protocol):
    """What is noted at a field and says how the text of its value is read."""

    def converter(self, kind: type, place: Place) -> Callable[[str], Any]:
        """Turns the text of a value into what the field holds; see :mod:`agent.config.fields`."""


@dataclass(frozen=True, slots=True)
class Between:
    """Bounds of a number, both included."""

    low: float
    high: float
    unit: str = ""
    """That the number is told in, for who reads the code; messages tell it by the field's name."""

    def converter(self, kind: type, _place: Place) -> Callable[[str], Any]:
        """Whole numbers where the field is ``int``."""
        if kind is int:
            return converters.integer(int(self.low), int(self.high))
        return converters.number(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Lasting:
    """Bounds of a duration, in seconds; written as ``30s``, ``2m``, ``1h`` ..."""

    low_s: float
    high_s: float

    def converter(self, _kind: type, _place: Place) -> Callable[[str], Any]:
        """Seconds."""
        return converters.duration(self.low_s, self.high_s)


@dataclass(frozen=True, slots=True)
class Characters:
    """How long a text may be."""

    most: int

    def converter(self, _kind: type, _place: Place) -> Callable[[str], Any]:
        """A text on one line."""
        return converters.text(self.most)


@dataclass(frozen=True, slots=True)
class By:
    """A way of reading of the field's own."""

    convert: Callable[[str], Any]
    name: str = ""
    """Of the setting in the file, where it is not the field's."""

    def converter(self, _kind: type, _place: Place) -> Callable[[str], Any]:
        """As it was given."""
        return self.convert


@dataclass(frozen=True, slots=True)
class ReadableFile:
    """A file that can be read now; may start at systemd's folder of credentials."""

    def converter(self, _kind: type, place: Place) -> Callable[[str], Any]:
        """A path."""
        return converters.readable_file(place.base, place.environ)


@dataclass(frozen=True, slots=True)
class From:
    """What no single text holds: read from the table; ``None`` stands for the default."""

    read: Callable[[Table, Place], Any]


@dataclass(frozen=True, slots=True)
class Inline:
    """A dataclass whose fields stand in the table itself, beside the others."""


def load(path: Path, default: T, prepare: Callable[[Table], None] = lambda _: None) -> T:
    """The settings of a file, and what ``default`` holds in place of those that it leaves out.

    Relative paths in it start at the working directory.

    Args:
        path: the file.
        default: settings without the file.
        prepare: is given the whole of the file first, to report what must not be in it.

    Raises:
        ConfigError: with every problem that was found.
    """
    problems: list[Problem] = []
    root = yamlfile.load(path, problems)
    prepare(Table(root, "", problems))
    settings = read(Table(root, "", problems), default)
    if problems:
        raise ConfigError(problems)
    return settings


def read(table: Table, default: T, place: Place = Place()) -> T:
    """The settings of a table; problems are collected, and a wrong value takes its default.

    Args:
        table: whose fields are those of the dataclass.
        default: an instance of the dataclass: what holds where the table says nothing.
        place: what they are read beside.
    """
    found = read_part(table, default, place)
    table.finish()
    return found


def read_part(table: Table, default: T, place: Place = Place()) -> T:
    """As :func:`read`, where the table has other fields too, which are asked for besides."""
    values = {name: getattr(default, name) for name in hints_of(type(default))}
    return _read(table, type(default), values, place) or default


def read_new(table: Table, kind: type[T], place: Place = Place(), **given: Any) -> T | None:
    """The settings of a table for a dataclass some of whose fields have no default.

    Args:
        table: whose fields are those of the dataclass.
        kind: the dataclass.
        place: what they are read beside.
        given: fields that were read already.

    Returns:
        ``None``, with the problem collected, where one of these is missing or wrong.
    """
    values = {
        one.name: one.default if one.default_factory is MISSING else one.default_factory()
        for one in fields(kind)  # type: ignore[arg-type]
        if one.name not in given
    }
    made = _read(table, kind, values, place, **given)
    table.finish()
    return made


def converter(kind: type, name: str) -> Callable[[str], Any]:
    """How one field of a dataclass is read, for an option of the command line that sets it too."""
    return converter_of(hints_of(kind)[name])


def converter_of(hint: Any) -> Callable[[str], Any]:
    """How the text of a value with this annotation is read, relative paths from here.

    Raises:
        TypeError: no single text holds such a value.
    """
    return _converter(*bare(hint), Place())


def _read(
    table: Table, kind: type[T], defaults: dict[str, Any], place: Place, **given: Any
) -> T | None:
    hints = hints_of(kind)
    found = {name: _value(table, name, hints[name], defaults[name], place) for name in defaults}
    made = None if MISSING in found.values() else kind(**given, **found)
    if isinstance(made, Checked):
        made = made.checked(table)
    return made


def _value(table: Table, name: str, hint: Any, default: Any, place: Place) -> Any:
    """One field; ``MISSING`` where it has no default and is not there or wrong."""
    kind, note = bare(hint)
    if isinstance(note, From):
        found = note.read(table, place)
        return default if found is None else found
    if isinstance(note, Inline):
        return read_part(table, default, place)
    if get_origin(kind) is tuple:
        return _values(table, name, get_args(kind)[0], default, place)
    if is_dataclass(kind) and note is None:
        return _part(table, name, kind, default, place)
    convert = _converter(kind, note, place)
    name = (isinstance(note, By) and note.name) or name
    if default is MISSING:
        value = table.required(name, convert)
        return MISSING if value is None else value
    return table.value(name, convert, default)


def _part(table: Table, name: str, kind: type, default: Any, place: Place) -> Any:
    """A dataclass in the dataclass; by default ``None`` where that is its default."""
    if default is not None and default is not MISSING:
        return read(table.table(name), default, place)
    if default is None and not table.has(name):
        return None
    return read_new(table.table(name), kind, place) or default


def _values(table: Table, name: str, hint: Any, default: Any, place: Place) -> Any:
    """A list of values or of tables."""
    kind, note = bare(hint)
    if note is not None or not is_dataclass(kind):
        return table.values(name, _converter(kind, note, place), default)
    made = [read_new(one, kind, place) for one in table.tables(name)]
    return tuple(one for one in made if one is not None) if made else default


def bare(hint: Any) -> tuple[type, Any]:
    """A type without ``None`` and without what is noted at it, and that."""
    note = None
    while get_origin(hint) in {Annotated, Union, UnionType}:
        if get_origin(hint) is Annotated:
            hint, note = get_args(hint)
        else:
            (hint,) = (one for one in get_args(hint) if one is not NoneType)
    return hint, note


def _converter(kind: type, note: Note | None, place: Place) -> Callable[[str], Any]:
    plain = {bool: converters.switch, str: converters.text(), Path: converters.path(place.base)}
    if note is not None:
        return note.converter(kind, place)
    if kind in plain:
        return plain[kind]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return converters.choice(kind)
    raise TypeError(f"{kind} cannot be read from a file; note its bounds: Annotated[…, Between(…)]")
