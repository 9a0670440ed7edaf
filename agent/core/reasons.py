"""Why something is wrong or refused: a code with parameters, and the English made from both.

A :class:`Reason` is that English text, so it goes wherever a text goes, and carries its codes
along for whoever words them in another language: health, ``cmd/result`` and the console hand them
on, and ``agent/console/static/words.js`` words each in Japanese. To add one, write its line there
and in :mod:`agent.core.reason_texts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from agent.core.names import shown
from agent.core.reason_texts import ENGLISH, OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Value: TypeAlias = str | int | float

MOST_CHARACTERS = 500
"""Of a text that stands as a parameter; the text itself is published beside it as a whole."""


@dataclass(frozen=True, slots=True)
class Coded:
    """One code with what it speaks of."""

    code: str
    parameters: Mapping[str, Value]

    def to_dict(self) -> dict[str, Any]:
        """For a payload."""
        return {"code": self.code, "parameters": dict(self.parameters)}


class Reason(str):
    """An English text for people that knows the codes it was made from."""

    __slots__ = ("parts",)
    parts: tuple[Coded, ...]

    def __new__(cls, text: str, parts: tuple[Coded, ...] = ()) -> Self:
        """Take a text as it is; a copy is made without parts and then given them."""
        reason = super().__new__(cls, text)
        reason.parts = parts
        return reason

    def __str__(self) -> str:
        """Itself, so that an error's ``str`` still knows the codes."""
        return self

    @classmethod
    def of(cls, code: str, **parameters: Value) -> Self:
        """The text of a code.

        Args:
            code: one of :data:`~agent.core.reason_texts.ENGLISH`.
            parameters: exactly those that its text names.
        """
        safe = {
            name: shown(value) if isinstance(value, str) else value
            for name, value in parameters.items()
        }
        short = {
            name: value[:MOST_CHARACTERS] if isinstance(value, str) else value
            for name, value in safe.items()
        }
        return cls(ENGLISH[code].format(**safe), (Coded(code, short),))

    @classmethod
    def given(cls, text: str, code: str = OTHER) -> Self:
        """A text of whatever origin: with its own codes, or with one that takes it as ``detail``.

        Args:
            text: as it is told, which stays as it is.
            code: for a text that knows none.
        """
        if isinstance(text, Reason):
            return cls(text, text.parts)
        return cls(text, (Coded(code, {"detail": text[:MOST_CHARACTERS]}),))

    @classmethod
    def joined(cls, texts: Iterable[str]) -> Self:
        """Several as one, with semicolons between; empty texts are left out."""
        reasons = [cls.given(text) for text in texts if text]
        if not reasons:
            return cls("")
        parts = tuple(part for reason in reasons for part in reason.parts)
        return cls("; ".join(reasons), parts)

    def to_list(self) -> list[dict[str, Any]]:
        """The codes, for a payload."""
        return [part.to_dict() for part in self.parts]
