"""Questions on a terminal."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rich.text import Text

    from agent.cli.words import Words

T = TypeVar("T")
_CLEAR = "\r\x1b[K"
"""To the start of the line, and nothing more on it."""


class Terminal:
    """Asks a person, in their language, until an answer makes sense."""

    def __init__(self, words: Words) -> None:
        self.words = words
        """Of the questions."""
        self._console = Console(highlight=False)

    def tell(self, text: str | Text) -> None:
        """Say something, as it stands: neither wrapped nor read for markup."""
        self._console.print(text, soft_wrap=True, markup=False)

    def draw(self, text: Text) -> None:
        """Say something in place of what was drawn on this line before, on a terminal."""
        if self._console.is_terminal:
            print(_CLEAR, end="")
            self._console.print(text, end="", soft_wrap=True)
            sys.stdout.flush()

    def ask(self, key: str, default: str, read: Callable[[str], T], **values: object) -> T:
        """An answer, as ``read`` understands it; asked again while that raises ``ValueError``.

        Args:
            key: of the question; ``KEY_wrong`` says what an answer has to be.
            default: taken where the line is empty; empty for none.
            read: from the answer.
            values: that the question speaks of.

        Raises:
            EOFError: the terminal was closed.
        """
        while True:
            answer = self.line(self.words(key, **values), default)
            try:
                return read(answer)
            except ValueError:
                self.tell(self.words(f"{key}_wrong", answer=answer))

    def choose(self, key: str, options: Collection[str], default: str, **values: object) -> str:
        """One of some letters."""

        def read(answer: str) -> str:
            letter = answer.strip().lower()
            if letter not in options:
                raise ValueError
            return letter

        return self.ask(key, default, read, **values)

    def agreed(self, key: str, *, default: bool, **values: object) -> bool:
        """Yes or no."""
        yes, no = self.words("yes").split(), self.words("no").split()

        def read(answer: str) -> bool:
            if answer.strip().lower() not in (*yes, *no):
                raise ValueError
            return answer.strip().lower() in yes

        return self.ask(key, (yes if default else no)[0], read, **values)

    def secret(self, key: str, **values: object) -> str:
        """A line that is not shown."""
        return getpass.getpass(f"{self.words(key, **values)}: ")

    def line(self, question: str, default: str) -> str:
        """What is typed; the default where that is nothing."""
        shown = f" [{default}]" if default else ""
        if question:
            print(f"{question}{shown}: ", end="", flush=True)
        # Not by input(): with readline it would send the bar of the meter away.
        typed = sys.stdin.readline()
        if not typed:
            raise EOFError
        return typed.strip() or default
