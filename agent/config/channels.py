"""Which channels of a source a person chose: from YAML and from a command's options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.config import fields
from agent.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    import argparse

    from agent.config.table import Table

MOST = 128
_REMEDY = "write 1 or [1, 2]"
OPTION = "--channels"


def read(table: Table) -> tuple[int, ...] | None:
    """The field ``channels``: numbers from 1, each once; ``None`` where it is left out or wrong."""
    numbers = table.values("channels", fields.integer(1, MOST), None)
    if numbers is not None and (not numbers or len(set(numbers)) != len(numbers)):
        table.report("channels", "does not name each channel once", _REMEDY)
    return numbers or None


def add_option(parser: argparse.ArgumentParser) -> None:
    """The option ``--channels`` of commands that read sound files."""
    parser.add_argument(
        OPTION,
        metavar="N[,N]",
        help="channels of the files to hear, counted from 1, such as 2 or 1,2; all by default",
    )


def of_option(text: str | None) -> tuple[int, ...] | None:
    """What was given with ``--channels``; ``None`` where it was not.

    Raises:
        ConfigError: it does not name channels.
    """
    if text is None:
        return None
    number = fields.integer(1, MOST)
    try:
        numbers = tuple(number(one.strip()) for one in text.split(","))
    except ValueError as error:
        found = f"is {text!r}"
        raise ConfigError([Problem(OPTION, found, f"{error}, or several: 1,2")]) from error
    if len(set(numbers)) != len(numbers):
        raise ConfigError([Problem(OPTION, f"is {text!r}", "name each channel once, as in 1,2")])
    return numbers
