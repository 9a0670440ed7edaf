"""A dataclass out of a JSON object by the annotations of its fields: each is written once.

A field is a text, a whole number, a number (:class:`agent.config.reader.Between` its bounds), a
switch, an enumeration of texts, what may be ``null``, a dataclass, or a list or an object of such.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import partial
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar, get_args, get_origin

from agent.config import values
from agent.config.reader import Between, bare, hints_of

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

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


def record(
    kind: type[T], raw: object, field: str = "", *, closed: bool = True, complete: bool = False
) -> T:
    """Read a record.

    Args:
        kind: the dataclass.
        raw: what ``json.loads`` made of a text.
        field: the path to it, for messages.
        closed: whether it may hold no fields but those of the dataclass.
        complete: whether fields that have defaults have to be there too.

    Raises:
        ValueError: a field is missing, unknown or not of its type; says which and what is there.
    """
    if not isinstance(raw, dict):
        raise _misfit(field, raw, "a table")
    hints = hints_of(kind)
    path = {name: f"{field}.{name}" if field else name for name in (*hints, *raw)}
    if closed and (unknown := sorted(raw.keys() - hints.keys())):
        near = values.nearest(unknown[0], hints)
        hint = f" (did you mean '{near}'?)" if near else ""
        raise ValueError(f"unknown field '{path[unknown[0]]}'{hint}")
    for one in fields(kind):  # type: ignore[arg-type]
        if one.name not in raw and (complete or one.default is MISSING):
            raise ValueError(f"no field '{path[one.name]}'")
    deeper = partial(record, closed=closed, complete=complete)
    given = [name for name in hints if name in raw]
    return kind(**{name: _value(hints[name], raw[name], path[name], deeper) for name in given})


def _value(hint: Any, raw: object, field: str, deeper: Callable[..., Any]) -> Any:
    """One value; ``deeper`` reads a record in the record."""
    if raw is None and NoneType in get_args(hint):
        return None
    kind, note = bare(hint)
    if is_dataclass(kind):
        return deeper(kind, raw, field)
    if get_origin(kind) is tuple:
        if not isinstance(raw, list) or (isinstance(note, AtMost) and len(raw) > note.most):
            most = f" of at most {note.most}" if isinstance(note, AtMost) else ""
            raise _misfit(field, raw, f"a list{most}")
        item = get_args(kind)[0]
        return tuple(_value(item, one, f"{field}[{i}]", deeper) for i, one in enumerate(raw))
    if get_origin(kind) is dict:
        if not isinstance(raw, dict):
            raise _misfit(field, raw, "a table")
        item = get_args(kind)[1]
        return {name: _value(item, one, f"{field}.{name}", deeper) for name, one in raw.items()}
    try:
        return _check(kind, note)(raw)
    except ValueError as error:
        raise _misfit(field, raw, str(error).removeprefix("write ")) from error


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
