"""JSON Lines read strictly: a problem is collected with file, line and field, never raised."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from agent.config.findings import SHOWN_CHARACTERS
from agent.config.values import Check, Values, choice, number, plain_text
from agent.core.errors import Problem

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_NAME_CHARACTERS = 64


class Row(Values):
    """One line's fields, read one by one; a wrong one makes the row not ``fine``."""

    def __init__(self, where: str, values: dict[str, object], problems: list[Problem]) -> None:
        super().__init__(values)
        self.where = where
        self.fine = True
        self._problems = problems

    def report(self, name: str, found: str, remedy: str) -> None:
        """Collect a problem with a field."""
        self.fine = False
        self._problems.append(Problem(f"{self.where} {name}", found, remedy))

    def found(self, value: object) -> str:
        """What stands there, as JSON writes it."""
        return f"is {_shown(value)}"

    def checked(self, name: str, check: Check[T]) -> T | None:
        """A field as it is held; ``None``, reported, where it is wrong or missing."""
        if self.take(name) is not None:
            return super().checked(name, check)
        found = "is null" if name in self.values else "is missing"
        self.report(name, found, f'write "{name}": …')
        return None

    def optional(self, name: str, check: Check[T]) -> T | None:
        """A field that may be left out or ``null``; ``None`` then too."""

        def or_null(value: object) -> T:
            try:
                return check(value)
            except ValueError as error:
                raise ValueError(f"{error}, or null") from error

        return None if self.take(name) is None else self.checked(name, or_null)

    def nullable(self, name: str, check: Check[T]) -> T | None:
        """A field that has to be there and may be ``null``."""
        return self.optional(name, check) if name in self.values else self.checked(name, check)

    def text(self, name: str) -> str:
        """A text that says something and has no control characters."""
        return self.checked(name, plain_text) or ""

    def formed(self, name: str, form: re.Pattern[str], remedy: str) -> str:
        """A text of a form; as it stands where it is of another, which is reported."""
        value = self.text(name)
        if value and not form.fullmatch(value):
            self.report(name, f"is {value[:_NAME_CHARACTERS]!r}", remedy)
        return value

    def optional_text(self, name: str) -> str | None:
        """A text, or ``None`` where the field is left out or ``null``."""
        return None if self.take(name) is None else self.text(name)

    def number(self, name: str, low: float, high: float) -> float:
        """A number within bounds."""
        found = self.checked(name, number(low, high))
        return low if found is None else found

    def label(self, name: str) -> bool:
        """0 or 1."""
        return self.checked(name, _label) == 1

    def choice(self, name: str, options: type[E]) -> E:
        """One of the values of an enumeration."""
        found = self.checked(name, choice([option.value for option in options]))
        return next(iter(options)) if found is None else options(found)

    def finish(self) -> None:
        """Collect the fields that nobody asked for."""
        for name, near in self.unknown():
            listed = f"the fields here are {', '.join(self.known)}"
            remedy = f"did you mean '{near}'?" if near else listed
            shown = name if name.isprintable() else repr(name)
            self.report(shown[:SHOWN_CHARACTERS], "is not a field", remedy)


def _label(value: object) -> int:
    if type(value) is not int or value not in {0, 1}:
        raise ValueError("write 0 or 1")
    return value


def rows(content: bytes, name: str, problems: list[Problem]) -> Iterator[Row]:
    """The rows of a file, without lines that are empty or no JSON object.

    Args:
        content: UTF-8, one JSON object a line.
        name: of the file, for messages.
        problems: where problems are collected.
    """
    # Not splitlines(): it also breaks at characters that JSON allows inside a text.
    for line_number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{name}:{line_number}"
        try:
            values = json.loads(line.decode("utf-8"), object_pairs_hook=_object)
        except UnicodeDecodeError as error:
            found = f"byte {error.start + 1} of the line is not UTF-8"
            problems.append(Problem(where, found, "save the file as UTF-8"))
        except _TwiceError as error:
            problems.append(Problem(f"{where} {error}", "stands twice", "delete one of the two"))
        except (ValueError, RecursionError) as error:
            found = f"is no JSON ({str(error).splitlines()[0]})"
            problems.append(Problem(where, found, "write one JSON object a line"))
        else:
            if isinstance(values, dict):
                yield Row(where, values, problems)
            else:
                found = f"is {_shown(values)}"
                problems.append(Problem(where, found, 'write an object: {"field": value, …}'))


class _TwiceError(ValueError):
    """A field stands twice in one object."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return values


def _shown(value: object) -> str:
    """What stands there, as JSON writes it, short and on one line."""
    text = json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = json.dumps(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
