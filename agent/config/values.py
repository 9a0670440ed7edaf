"""Plain values, as JSON has them: what one may be, or ``ValueError`` with the remedy.

A check takes a value and returns it as a field holds it. :mod:`agent.config.fields` makes such
values of texts first, :mod:`agent.config.record` finds the checks by the annotations of a
dataclass, and :class:`Values` reads an object field by field.
"""

from __future__ import annotations

import difflib
import sys
import unicodedata
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from agent.config.findings import SHOWN_CHARACTERS

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

T = TypeVar("T")
Check: TypeAlias = "Callable[[object], T]"

_LARGEST = sys.float_info.max
_NEAR = 0.6
"""Similarity (difflib's ratio) from which a name is proposed instead of an unknown one."""


class UnfitError(ValueError):
    """A value that is not to be shown as it stands: what is told of it, and the remedy."""

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(remedy)
        self.found = found


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that an unknown one was probably meant to be."""
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower()[:SHOWN_CHARACTERS], by_lower, 1, _NEAR)
    return by_lower[near[0]] if near else None


def refuse_controls(raw: str) -> None:
    """A text on one line that UTF-8 can say.

    Raises:
        ValueError: it holds a control character.
    """
    if raw.isprintable():
        return
    for character in raw:
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            raise ValueError(f"delete the control character U+{ord(character):04X}")


def number(low: float = -_LARGEST, high: float = _LARGEST) -> Check[float]:
    """A finite number within bounds, both included."""
    bounds = f" from {low:g} to {high:g}" if low > -_LARGEST else ""

    def check(value: object) -> float:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if not plain or not low <= value <= high:  # type: ignore[operator] # it is a number
            raise ValueError(f"write a number{bounds}")
        return float(value)  # type: ignore[arg-type] # as above

    return check


def whole(low: float = -_LARGEST, high: float = _LARGEST) -> Check[int]:
    """A whole number within bounds, both included."""
    bounds = f" from {low} to {high}" if low > -_LARGEST else ""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"write a whole number{bounds}")
        return value

    return check


def exactly(wanted: int) -> Check[int]:
    """The one number that it may be."""

    def check(value: object) -> int:
        if value != wanted or isinstance(value, bool):
            raise ValueError(f"write {wanted}")
        return wanted

    return check


def switch(value: object) -> bool:
    """``true`` or ``false``."""
    if value is True or value is False:
        return value
    raise ValueError("write true or false")


def matching(form: re.Pattern[str], remedy: str) -> Check[str]:
    """A text that is of a form from its first character to its last."""

    def check(value: object) -> str:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise ValueError(remedy)
        return value

    return check


def plain_text(value: object) -> str:
    """A text that says something and has no control characters."""
    if isinstance(value, str):
        if not value.strip():
            raise UnfitError("is empty", "write a text")
        refuse_controls(value)
        return value
    raise ValueError("write a text in double quotes")


def choice(options: Collection[str]) -> Check[str]:
    """One of some words."""

    def check(value: object) -> str:
        if isinstance(value, str) and value in options:
            return str(value)
        near = nearest(value, options) if isinstance(value, str) else None
        proposal = f" (did you mean '{near}'?)" if near else ""
        raise ValueError(f"write one of {', '.join(options)}{proposal}")

    return check


class Values:
    """The fields of one object, read one by one; what is wrong goes to :meth:`report`."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values
        self._known: dict[str, None] = {}

    def report(self, name: str, found: str, remedy: str) -> None:
        """Collect a problem with a field."""
        raise NotImplementedError

    def found(self, value: object) -> str:
        """What is told of a value that is wrong; ``None`` where it is missing."""
        raise NotImplementedError

    def checked(self, name: str, check: Check[T]) -> T | None:
        """A field as it is held; ``None``, reported, where it is wrong or missing."""
        value = self.take(name)
        try:
            return check(value)
        except UnfitError as error:
            self.report(name, error.found, str(error))
        except ValueError as error:
            self.report(name, self.found(value), str(error))
        return None

    def take(self, name: str) -> object:
        """The value of a field that from now on is known; ``None`` where it is left out."""
        self._known[name] = None
        return self.values.get(name)

    @property
    def known(self) -> list[str]:
        """The fields that were asked for."""
        return list(self._known)

    def unknown(self) -> Iterator[tuple[str, str | None]]:
        """The fields that nobody asked for, each with the nearest one that exists."""
        for name in self.values:
            if name not in self._known:
                yield name, nearest(name, self._known)
