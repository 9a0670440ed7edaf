"""A dataclass out of a JSON object by the annotations of its fields: each is written once.

A field is a text, a whole number, a number (:class:`agent.config.reader.Between` its bounds), a
switch, an enumeration of texts, what may be ``null``, a dataclass, or a list or an object of such.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache, partial
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar, get_args, get_origin

from agent.config import values
from agent.config.reader import Between, bare, hints_of

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_Reader: TypeAlias = "Callable[[object, str], Any]"
"""Takes a value and the path to it."""

_SHOWN_CHARACTERS = 60
_ANYTHING = re.compile(r"(?s).*")


@dataclass(frozen=True, slots=True)
class AtMost:
    """How many items a list may have."""

    most: int


@dataclass(frozen=True, slots=True)
class Form:
    """What a text has to be like."""

    pattern: re.Pattern[str]
    expected: str
    """In words: ``a text``."""


FilledText: TypeAlias = Annotated[str, Form(re.compile(r"(?s).+"), "a text")]
"""A text that is not empty."""


def record(kind: type[T], raw: object, *, closed: bool = True, complete: bool = False) -> T:
    """Read a record.

    Args:
        kind: the dataclass.
        raw: what ``json.loads`` made of a text.
        closed: whether it may hold no fields but those of the dataclass.
        complete: whether fields that have defaults have to be there too.

    Raises:
        ValueError: a field is missing, unknown or not of its type; says which and what is there.
    """
    hint: Any = kind
    found: T = _reader(hint, closed, complete)(raw, "")
    return found


@cache
def _reader(hint: Any, closed: bool, complete: bool) -> _Reader:
    """Reads the values of one type; made once, since a file may hold tens of thousands."""
    kind, note = bare(hint)
    deeper = partial(_reader, closed=closed, complete=complete)
    if is_dataclass(kind):
        read = _fields_reader(kind, deeper, closed=closed, complete=complete)
    elif get_origin(kind) is tuple:
        read = _list_reader(deeper(get_args(kind)[0]), note)
    elif get_origin(kind) is dict:
        read = _table_reader(deeper(get_args(kind)[1]))
    else:
        read = _value_reader(_check(kind, note))
    optional = NoneType in get_args(hint)
    return lambda raw, field: None if optional and raw is None else read(raw, field)


def _fields_reader(
    kind: type, deeper: Callable[[Any], _Reader], *, closed: bool, complete: bool
) -> _Reader:
    readers = {name: deeper(hint) for name, hint in hints_of(kind).items()}
    needed = [one.name for one in fields(kind) if complete or one.default is MISSING]

    def read(raw: object, field: str) -> Any:
        raw, below = _table(raw, field), f"{field}." if field else ""
        if closed and (unknown := sorted(raw.keys() - readers.keys())):
            near = values.nearest(unknown[0], readers)
            hint = f" (did you mean '{near}'?)" if near else ""
            shown = f"{below}{unknown[0]}"[:_SHOWN_CHARACTERS]
            raise ValueError(f"unknown field {shown!r}{hint}")
        if missing := [name for name in needed if name not in raw]:
            raise ValueError(f"no field '{below}{missing[0]}'")
        given = ((name, one) for name, one in readers.items() if name in raw)
        return kind(**{name: one(raw[name], below + name) for name, one in given})

    return read


def _list_reader(item: _Reader, note: Any) -> _Reader:
    most = note.most if isinstance(note, AtMost) else None

    def read(raw: object, field: str) -> tuple[Any, ...]:
        if isinstance(raw, list) and (most is None or len(raw) <= most):
            return tuple(item(one, f"{field}[{at}]") for at, one in enumerate(raw))
        raise _misfit(field, raw, "a list" if most is None else f"a list of at most {most}")

    return read


def _table_reader(item: _Reader) -> _Reader:
    return lambda raw, field: {
        name: item(one, f"{field}.{name}") for name, one in _table(raw, field).items()
    }


def _value_reader(check: values.Check[Any]) -> _Reader:
    def read(raw: object, field: str) -> Any:
        try:
            return check(raw)
        except ValueError as error:
            raise _misfit(field, raw, str(error).removeprefix("write ")) from error

    return read


def _table(raw: object, field: str) -> dict[str, Any]:
    if isinstance(raw, dict):
        return raw
    raise _misfit(field, raw, "a table")


def _check(kind: type, note: Any) -> values.Check[Any]:
    if isinstance(note, Form):
        return values.matching(note.pattern, note.expected)
    if issubclass(kind, StrEnum):
        return lambda value: kind(values.choice([*kind])(value))
    if isinstance(note, Between) and kind is int:
        return values.whole(int(note.low), int(note.high))
    if isinstance(note, Between):
        return values.number(note.low, note.high)
    return {
        bool: values.switch,
        int: values.whole(),
        float: values.number(),
        str: values.matching(_ANYTHING, "a text"),
    }[kind]


def _misfit(field: str, found: object, expected: str) -> ValueError:
    shown = repr(found)
    cut = "…" if len(shown) > _SHOWN_CHARACTERS else ""
    return ValueError(
        f"{field} holds {shown[:_SHOWN_CHARACTERS]}{cut} in the place of {expected}".lstrip()
    )
