"""The parser of ``kikimimi`` with those of all its commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import cli
from agent.cli.commands import COMMANDS
from agent.core import commandline

if TYPE_CHECKING:
    import argparse


def whole_parser() -> argparse.ArgumentParser:
    """The parser of the program with the options of every command.

    Raises:
        KikimimiError: the module of a command needs an extra that is not installed.
    """
    names = {command.name for command in COMMANDS}
    return commandline.parser_of(cli.PROGRAM, cli.DESCRIPTION, COMMANDS, names)
