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
from agent.config.findings import SHOWN_CHARACTERS
from agent.config.reader import Between, bare, hints_of

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_Reader: TypeAlias = "Callable[[object, str], Any]"
"""Takes a value and the path to it."""

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
    read: _Reader
    if is_dataclass(kind):
        needed = [one.name for one in fields(kind) if complete or one.default is MISSING]
        inner = {name: deeper(one) for name, one in hints_of(kind).items()}
        read = partial(_fields, kind, inner, needed, closed=closed)
    elif get_origin(kind) is tuple:
        read = partial(_items, deeper(get_args(kind)[0]), note)
    elif get_origin(kind) is dict:
        read = partial(_entries, deeper(get_args(kind)[1]))
    else:
        read = partial(_checked, _check(kind, note))
    optional = NoneType in get_args(hint)
    return lambda raw, path: None if optional and raw is None else read(raw, path)


def _fields(
    kind: type,
    readers: dict[str, _Reader],
    needed: list[str],
    raw: object,
    path: str,
    *,
    closed: bool,
) -> Any:
    raw, below = _table(raw, path), f"{path}." if path else ""
    if closed and (unknown := sorted(raw.keys() - readers.keys())):
        near = values.nearest(unknown[0], readers)
        hint = f" (did you mean '{near}'?)" if near else ""
        raise ValueError(f"unknown field {(below + unknown[0])[:SHOWN_CHARACTERS]!r}{hint}")
    if missing := [name for name in needed if name not in raw]:
        raise ValueError(f"no field '{below}{missing[0]}'")
    given = ((name, one) for name, one in readers.items() if name in raw)
    return kind(**{name: one(raw[name], below + name) for name, one in given})


def _items(item: _Reader, note: AtMost | None, raw: object, path: str) -> tuple[Any, ...]:
    if isinstance(raw, list) and (note is None or len(raw) <= note.most):
        return tuple(item(one, f"{path}[{at}]") for at, one in enumerate(raw))
    raise _misfit(path, raw, f"a list of at most {note.most}" if note else "a list")


def _entries(item: _Reader, raw: object, path: str) -> dict[str, Any]:
    return {name: item(one, f"{path}.{name}") for name, one in _table(raw, path).items()}


def _checked(check: values.Check[Any], raw: object, path: str) -> Any:
    try:
        return check(raw)
    except ValueError as error:
        raise _misfit(path, raw, str(error).removeprefix("write ")) from error


def _table(raw: object, path: str) -> dict[str, Any]:
    if isinstance(raw, dict):
        return raw
    raise _misfit(path, raw, "a table")


def _check(kind: type, note: Any) -> values.Check[Any]:
    if isinstance(note, Form):
        return values.matching(note.pattern, note.expected)
    if issubclass(kind, StrEnum):
        word = values.choice([*kind])
        return lambda value: kind(word(value))
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


def _misfit(path: str, found: object, expected: str) -> ValueError:
    shown = repr(found)
    cut = "…" if len(shown) > SHOWN_CHARACTERS else ""
    told = f"{path} holds {shown[:SHOWN_CHARACTERS]}{cut} in the place of {expected}"
    return ValueError(told.lstrip())
