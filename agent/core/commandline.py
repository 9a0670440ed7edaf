"""A program of several commands, each of which is imported when it is asked for.

The help of the whole program imports none of them, that of one command only its own module, and
what that module needs but an installation lacks is told by the name of its extra.
"""

from __future__ import annotations

import argparse
import textwrap
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from agent.core import extras

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from agent.core.extras import Extra

_WIDTH = 78


class Module(Protocol):
    """What the module of a command holds."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; the exit status."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as the help of its program tells it."""

    name: str
    text: str
    """What it does, in some words."""
    module: str
    """Dotted name of a :class:`Module`."""
    examples: tuple[str, ...]
    """Lines as one would type them."""
    more: str = ""
    """What its own help tells instead of ``text``."""
    remarks: str = ""
    """What its own help ends with."""
    extra: Extra | None = None
    """Without which it does nothing."""

    @property
    def told(self) -> str:
        """What it does, as a sentence or more."""
        return self.more or f"{self.text[0].upper()}{self.text[1:]}."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Import the command and have it declare its options.

        Raises:
            KikimimiError: its extra is not installed.
        """
        with extras.needed(self.extra, self.name):
            module = cast("Module", import_module(self.module))
        module.add_arguments(parser)
        parser.set_defaults(command=self, run=module.run)

    def run(self, arguments: argparse.Namespace) -> int:
        """Run it.

        Raises:
            KikimimiError: whatever went wrong, or its extra is not installed.
        """
        with extras.needed(self.extra, self.name):
            return int(arguments.run(arguments))


def parse(
    program: str, description: str, commands: Sequence[Command], argv: Sequence[str]
) -> tuple[Command, argparse.Namespace]:
    """The command that was asked for, and its options.

    Args:
        program: how it is called.
        description: of the whole.
        commands: in the order of the help.
        argv: without the program.

    Raises:
        KikimimiError: the command's extra is not installed.
        SystemExit: help was asked for, or something that there is not.
    """
    asked = next((word for word in argv if not word.startswith("-")), "")
    arguments = parser_of(program, description, commands, {asked}).parse_args(argv)
    return arguments.command, arguments


def parser_of(
    program: str, description: str, commands: Sequence[Command], declared: Container[str]
) -> argparse.ArgumentParser:
    """The parser of a program.

    Args:
        program: how it is called.
        description: of the whole.
        commands: in the order of the help.
        declared: names of the commands that declare their options, which imports them.

    Raises:
        KikimimiError: the extra of one of these is not installed.
    """
    parser = argparse.ArgumentParser(prog=program, description=description)
    parsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in commands:
        examples = "\n".join(("examples:", *(f"  {line}" for line in command.examples)))
        subparser = parsers.add_parser(
            command.name,
            help=command.text,
            description=textwrap.fill(command.told, _WIDTH),
            epilog=f"{examples}\n\n{textwrap.fill(command.remarks, _WIDTH)}".rstrip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if command.name in declared:
            command.add_arguments(subparser)
    return parser


def actions_of(parser: argparse.ArgumentParser) -> Sequence[argparse.Action]:
    """Options and arguments in the order in which they were declared, commands among them."""
    return parser._actions  # noqa: SLF001 - argparse has no public list


def subparsers_of(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """The parsers of its commands by their names; none where it has no commands."""
    for action in actions_of(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
            return dict(action.choices)
    return {}
