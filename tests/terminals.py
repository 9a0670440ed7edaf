"""A real terminal in which a program runs, and whoever sits at it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PATIENCE_S = 300.0


@dataclass
class Person:
    """Reads what a program says, and types."""

    process: subprocess.Popen[bytes]
    screen: int
    """Descriptor of the terminal's other end."""
    said: str = ""
    _read_to: int = 0

    def sees(self, text: str) -> None:
        """Wait until something is said, after what was seen last; fail the test otherwise."""
        deadline_s = time.monotonic() + PATIENCE_S
        while (at := self.said.find(text, self._read_to)) < 0:
            if not self._more(deadline_s - time.monotonic()):
                pytest.fail(f"never said {text!r}, but:\n{self.said[self._read_to :]}")
        self._read_to = at + len(text)

    def types(self, line: str = "") -> None:
        """A line and Enter."""
        os.write(self.screen, f"{line}\n".encode())

    def status(self) -> int:
        """Read to the end; the program's exit status."""
        deadline_s = time.monotonic() + PATIENCE_S
        while self._more(deadline_s - time.monotonic()):
            pass
        return self.process.wait(PATIENCE_S)

    def _more(self, within_s: float) -> bool:
        """Read what is there; whether the terminal is still open."""
        if within_s <= 0.0 or not select.select([self.screen], [], [], within_s)[0]:
            return False
        try:
            found = os.read(self.screen, 65_536)
        except OSError:  # the program has ended
            return False
        self.said += found.decode("utf-8", "replace")
        return bool(found)


@contextmanager
def terminal(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Person]:
    """A program in a terminal of its own, which it can ask for a password, too."""
    screen, inside = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env=dict(environment),
    )
    os.close(inside)
    try:
        yield Person(process, screen)
    finally:
        process.kill()
        process.wait()
        os.close(screen)
