"""A page for each command, from the parser that reads it."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.commands import COMMANDS
from agent.core.commandline import actions_of, subparsers_of
from export.__main__ import parser as export_parser
from site_reference.tables import Page, document, escaped, fence, table
from training.commands import COMMANDS as TRAINING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.core.commandline import Command

FOLDER = "reference/commands"

_PROGRAMS = (("kikimimi", COMMANDS), ("python -m training", TRAINING))
_WIDTH = 96


def pages() -> Iterator[Page]:
    """One for each command, and one that lists them."""
    lists: list[str] = []
    for program, commands in _PROGRAMS:
        rows = []
        for command in commands:
            name = f"{program} {command.name}"
            yield Page(f"{FOLDER}/{_file(name)}", _command(name, command))
            rows.append((f"[`{name}`]({_file(name)})", escaped(command.text)))
        lists += [f"## `{program}`", table(("command", "does"), rows)]
    export = export_parser()
    yield Page(
        f"{FOLDER}/{_file(export.prog)}", document(f"# `{export.prog}`", *_described(export))
    )
    lists += [
        f"## `{export.prog}`",
        f"One command: [`{export.prog}`]({_file(export.prog)}). {export.description}",
    ]
    told = (
        "Exit status of `kikimimi`: 0 fine, 1 problems found, 2 wrong usage or configuration. "
        "Every command has `--help`."
    )
    yield Page(f"{FOLDER}/index.md", document("# Commands", told, *lists))


def parser_of(program: str, command: Command) -> argparse.ArgumentParser:
    """What reads the options of a command.

    Raises:
        KikimimiError: its extra is not installed.
    """
    parser = argparse.ArgumentParser(prog=f"{program} {command.name}", add_help=False)
    command.add_arguments(parser)
    return parser


def _file(name: str) -> str:
    return f"{name.replace('python -m ', '').replace(' ', '-')}.md"


def _command(name: str, command: Command) -> str:
    parser = parser_of(name.removesuffix(f" {command.name}"), command)
    extra = f"Needs the extra `{command.extra}`." if command.extra else ""
    return document(
        f"# `{name}`",
        escaped(command.told),
        extra,
        *_described(parser),
        "## Examples",
        fence("\n".join(command.examples), "sh"),
        escaped(command.remarks),
    )


def _described(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Usage and options, and those of what the command is divided into."""
    parser.formatter_class = partial(argparse.HelpFormatter, width=_WIDTH)
    yield fence(parser.format_usage().removeprefix("usage: "))
    rows = [_row(parser, one) for one in actions_of(parser) if not isinstance(one, _PARTS)]
    if rows:
        yield table(("option", "value", "default", "meaning"), rows)
    for part in subparsers_of(parser).values():
        yield f"## `{part.prog}`"
        yield escaped(part.description or "")
        yield from _described(part)


_PARTS = (argparse._SubParsersAction, argparse._HelpAction)  # noqa: SLF001 - argparse has no public names


def _row(parser: argparse.ArgumentParser, action: argparse.Action) -> tuple[str, str, str, str]:
    shown = ", ".join(f"`{name}`" for name in action.option_strings)
    value = _value(action)
    help_text = parser._get_formatter()._expand_help(action) if action.help else ""  # noqa: SLF001 - as above
    if action.required and action.option_strings:
        help_text = f"{help_text} (required)".lstrip()
    return (
        shown or f"`{value}`",
        f"`{value}`" if value else "",
        _default(action),
        escaped(help_text),
    )


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.metavar is None and action.choices:
        return " ".join(map(str, action.choices))
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    return action.metavar or (action.dest.upper() if action.option_strings else action.dest)


def _default(action: argparse.Action) -> str:
    """As it would be typed; what depends on the machine is not told."""
    found = action.default
    if found in (None, argparse.SUPPRESS, (), []) or isinstance(found, bool):
        return ""
    if isinstance(found, Path) and found.is_absolute():
        return ""
    if not found and action.type not in {int, float}:
        return ""  # no limit, whatever the type makes of it
    if isinstance(found, list | tuple):
        found = " ".join(map(str, found))
    return f"`{found}`"
