"""Payloads of commands, read as what they are: text from anybody who may write to the topic.

A payload is one flat JSON object of a few strings and numbers. Its size is capped before it is
parsed; nothing in it becomes a path, a query or a command line. Everything wrong is told at once,
in words that hold no more than a few characters of what was sent.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from agent.config import moments, values
from agent.config.values import Values, matching, nearest
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MAX_BYTES = 8_192
MAX_TEXT_CHARACTERS = 64

_MAX_DIGITS = 18
_SHOWN_CHARACTERS = 40
_TOLD = 5
_REQUEST_ID = matching(
    re.compile(r"[A-Za-z0-9._:-]{1,64}"),
    "write 1 to 64 letters, digits, '.', '_', ':' or '-', new for each request",
)
_SHORT = f"write 1 to {MAX_TEXT_CHARACTERS} characters, none of them control characters"
_TEXT = matching(
    re.compile(
        r"(?=.*\S)[^\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]{1,64}"  # no controls
    ),
    f"{_SHORT}, or null",
)
_ULID = matching(
    re.compile(r"[0-9A-HJKMNP-TV-Z]{26}"), "write the alert's own: 26 digits and capital letters"
)

Value: TypeAlias = str | int | float | bool | None


class RefusedError(ValueError):
    """A command is not carried out; says why and what to send instead."""


def refuse_unknown(error_id: str, known: Collection[str]) -> None:
    """Let only descriptions pass that are listened for.

    Raises:
        RefusedError: it is none of them; names the one that may be meant.
    """
    if error_id in known:
        return
    if near := nearest(error_id, known):
        reason = Reason.of("description_misspelt", error_id=shown(error_id), near=near)
    else:
        reason = Reason.of("description_unknown", error_id=shown(error_id))
    raise RefusedError(reason)


def parse(payload: bytes) -> dict[str, Value]:
    """The fields of a payload.

    Raises:
        RefusedError: it is too long, not UTF-8, not JSON, or no flat object.
    """
    if len(payload) > MAX_BYTES:
        raise RefusedError(f"has {len(payload)} bytes; send at most {MAX_BYTES}")
    if not payload:
        raise RefusedError("is empty; send a JSON object")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError(
            f"is not UTF-8 (byte 0x{payload[error.start]:02x} at {error.start}); send UTF-8"
        ) from None
    try:
        parsed = json.loads(
            text,
            object_pairs_hook=_once_each,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except RefusedError:
        raise
    except RecursionError:
        raise RefusedError("is nested too deeply; send a flat JSON object") from None
    except ValueError as error:
        raise RefusedError(f"is not JSON ({error}); send a JSON object") from None
    if not isinstance(parsed, dict):
        raise RefusedError("is JSON, but no object; send {…}")
    for name, value in parsed.items():
        if isinstance(value, dict | list):
            raise RefusedError(f"{shown(name)} is not a single value; send a flat JSON object")
    return parsed


class Fields(Values):
    """The fields of one command, taken one by one; what is wrong is collected."""

    def __init__(self, fields: Mapping[str, Value]) -> None:
        super().__init__(fields)
        self._problems: list[str] = []

    def report(self, name: str, found: str, remedy: str) -> None:
        """Collect a problem with a field."""
        self._problems.append(f"{name} {found}; {remedy}")

    def found(self, value: object) -> str:
        """What is told of a value that is wrong."""
        if value is None:
            return "is missing or null"
        if isinstance(value, bool):
            return f"is {str(value).lower()}"
        return f"is {shown(value)}" if isinstance(value, str) else f"is {value:g}"

    def one(self, name: str, number: int) -> None:
        """A number that has to be there and has only one value, such as the schema's."""
        self.checked(name, values.exactly(number))

    def request_id(self, name: str = "request_id") -> str:
        """What the sender knows the answer by."""
        return self.checked(name, _REQUEST_ID) or ""

    def text(self, name: str, *, default: str | None = None) -> str | None:
        """A short text without control characters, or ``null``; the default where left out."""
        if self.take(name) is None and (name in self.values or default is not None):
            return default
        found = self.checked(name, _TEXT)
        return default if found is None else found

    def number(self, name: str, low: float, high: float) -> float:
        """A number within bounds."""
        found = self.checked(name, values.number(low, high))
        return low if found is None else found

    def number_or_none(self, name: str, low: float, high: float) -> float | None:
        """A number within bounds; ``None`` where it is ``null`` or left out."""
        return None if self.take(name) is None else self.number(name, low, high)

    def number_or_word(self, name: str, word: str) -> float | None:
        """A finite number; ``None`` where it is the word."""

        def check(value: object) -> float:
            try:
                return values.number()(value)
            except ValueError:
                raise ValueError(f"write a number or {json.dumps(word)}") from None

        return None if self.take(name) == word else self.checked(name, check)

    def needed(self, name: str) -> str:
        """A short text that has to be there."""
        if self.take(name) is not None:
            return self.text(name, default="") or ""
        self.report(name, self.found(None), _SHORT)
        return ""

    def choice(self, name: str, allowed: Collection[str], default: str | None = None) -> str:
        """One of some words; the default, if there is one, where it is left out.

        The first of them where it is another, which is told.
        """
        if default is not None and name not in self.values:
            return default

        def check(value: object) -> str:
            if isinstance(value, str) and value in allowed:
                return value
            near = values.nearest(value, allowed) if isinstance(value, str) else None
            raise ValueError(f"did you mean {near}?" if near else f"write {' or '.join(allowed)}")

        return self.checked(name, check) or next(iter(allowed))

    def ulid(self, name: str) -> str:
        """The id of an alert."""
        return self.checked(name, _ULID) or ""

    def moment(self, name: str) -> float:
        """A moment, as UTC, seconds since the epoch."""
        found = self.checked(name, lambda v: moments.exact(v if isinstance(v, str) else ""))
        return found or 0.0

    def span(self, begin: str, end: str) -> tuple[float, float]:
        """Two moments, the first before the second, as :meth:`moment`."""
        begin_at, end_at = self.moment(begin), self.moment(end)
        if begin_at and end_at and begin_at >= end_at:
            self.report(end, f"is not after {begin}", f"write the later moment into {end}")
        return begin_at, end_at

    def finish(self) -> None:
        """Refuse the command if anything is wrong with it.

        Raises:
            RefusedError: a field is missing, unknown or of another kind.
        """
        for name, near in self.unknown():
            remedy = f"did you mean {near}?" if near else f"known are {', '.join(self.known)}"
            self.report(shown(name), "is not a field", remedy)
        problems = list(dict.fromkeys(self._problems))  # what is read twice is told once
        if problems:
            more = f" | and {len(problems) - _TOLD} more" if len(problems) > _TOLD else ""
            raise RefusedError(" | ".join(problems[:_TOLD]) + more)


def shown(text: str) -> str:
    """What was sent, in quotes, short, and without characters that would disturb a terminal."""
    cut = "…" if len(text) > _SHOWN_CHARACTERS else ""
    return f"{text[:_SHOWN_CHARACTERS]!r}{cut}"


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise RefusedError("holds a field twice; write each once")
    return fields


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise RefusedError(f"holds a number of {len(digits)} digits; write a smaller one")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise RefusedError("holds a number that is too large; write a smaller one")
    return number


def _constant(name: str) -> NoReturn:
    raise RefusedError(f"holds {name}, which JSON does not know; write a number or null")
