"""The parsers of ``kikimimi``, all of them built, and what argparse shows of them to no one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from agent import cli
from agent.cli.commands import COMMANDS
from agent.core import commandline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def whole_parser() -> argparse.ArgumentParser:
    """The parser of the program with the options of every command.

    Raises:
        KikimimiError: the module of a command needs an extra that is not installed.
    """
    names = {command.name for command in COMMANDS}
    return commandline.parser_of(cli.PROGRAM, cli.DESCRIPTION, COMMANDS, names)


def actions_of(parser: argparse.ArgumentParser) -> Sequence[argparse.Action]:
    """Options and arguments in the order in which they were declared, commands among them."""
    return parser._actions  # noqa: SLF001 - argparse has no public list


def subparsers_of(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """The parsers of its commands by their names; none where it has no commands."""
    for action in actions_of(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
            return dict(action.choices)
    return {}
