"""How far long work is: a bar on a terminal, and none in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, track

T = TypeVar("T")
_WIDTH = 120
"""Of tables that go into a log."""


def shown(
    items: Iterable[T], what: str, total: int | None = None, *, visible: bool = True
) -> Iterable[T]:
    """The same items, with a bar."""
    console = Console(stderr=True)
    hidden = not (visible and console.is_terminal)
    return track(items, what, total, console=console, transient=True, disable=hidden)


@contextmanager
def steps(what: str, total: int, *, visible: bool = True) -> Iterator[Callable[..., None]]:
    """A bar that is told ``completed=`` steps, or ``advance=`` so many more."""
    console = Console(stderr=True)
    hidden = not (visible and console.is_terminal)
    with Progress(console=console, transient=True, disable=hidden) as progress:
        yield partial(progress.update, progress.add_task(what, total=total))


def wide_console() -> Console:
    """For tables: as wide as the terminal, or as a log may be."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH)
