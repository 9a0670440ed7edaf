"""JSON Lines read strictly: a problem is collected with file, line and field, never raised."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import TypeVar

from agent.config.fields import nearest
from agent.core.errors import Problem

E = TypeVar("E", bound=StrEnum)

_SHOWN_CHARACTERS = 60
_REFUSED_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}


class Row:
    """One line's fields, read one by one; a wrong one makes the row not ``fine``."""

    def __init__(self, where: str, values: dict[str, object], problems: list[Problem]) -> None:
        self.where = where
        self.fine = True
        self._values = values
        self._problems = problems
        self._known: list[str] = []

    def report(self, field: str, found: str, remedy: str) -> None:
        """Collect a problem with a field."""
        self.fine = False
        self._problems.append(Problem(f"{self.where} {field}", found, remedy))

    def text(self, field: str) -> str:
        """A text that says something and has no control characters."""
        value = self._take(field)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.report(field, f"is {_shown(value)}", "write a text in double quotes")
        elif not value.strip():
            self.report(field, "is empty", "write a text")
        elif controls := [c for c in value if unicodedata.category(c) in _REFUSED_CATEGORIES]:
            remedy = f"delete the control character U+{ord(controls[0]):04X}"
            self.report(field, f"is {_shown(value)}", remedy)
        else:
            return value
        return ""

    def optional_text(self, field: str) -> str | None:
        """A text, or ``None`` where the field is left out or ``null``."""
        if self._values.get(field) is None:
            self._known.append(field)
            return None
        return self.text(field)

    def number(self, field: str, low: float, high: float) -> float:
        """A number within bounds."""
        value = self._take(field)
        if value is None:
            return low
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.report(field, f"is {_shown(value)}", f"write a number from {low:g} to {high:g}")
            return low
        if math.isnan(value) or not low <= value <= high:
            self.report(field, f"is {_shown(value)}", f"write a number from {low:g} to {high:g}")
            return low
        return float(value)

    def label(self, field: str) -> bool:
        """0 or 1."""
        value = self._take(field)
        if value is not None and (type(value) is not int or value not in {0, 1}):
            self.report(field, f"is {_shown(value)}", "write 0 or 1")
        return value == 1

    def choice(self, field: str, options: type[E]) -> E:
        """One of the values of an enumeration."""
        names = [option.value for option in options]
        value = self._take(field)
        if value is not None and value not in names:
            near = nearest(value, names) if isinstance(value, str) else None
            proposal = f" (did you mean '{near}'?)" if near else ""
            self.report(field, f"is {_shown(value)}", f"write one of {', '.join(names)}{proposal}")
        return options(value) if value in names else next(iter(options))

    def finish(self) -> None:
        """Collect the fields that nobody asked for."""
        for name in self._values:
            if name not in self._known:
                near = nearest(name, self._known)
                listed = f"the fields here are {', '.join(self._known)}"
                remedy = f"did you mean '{near}'?" if near else listed
                shown = name if name.isprintable() else repr(name)
                self.report(shown[:_SHOWN_CHARACTERS], "is not a field", remedy)

    def _take(self, field: str) -> object:
        """The value of a field that has to be there; ``None``, reported, where it is not."""
        self._known.append(field)
        value = self._values.get(field)
        if value is None:
            found = "is null" if field in self._values else "is missing"
            self.report(field, found, f'write "{field}": …')
        return value


def rows(content: bytes, name: str, problems: list[Problem]) -> Iterator[Row]:
    """The rows of a file, without lines that are empty or no JSON object.

    Args:
        content: UTF-8, one JSON object a line.
        name: of the file, for messages.
        problems: where problems are collected.
    """
    # Not splitlines(): it also breaks at characters that JSON allows inside a text.
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{name}:{number}"
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
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
