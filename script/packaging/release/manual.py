"""Manual pages of ``kikimimi`` and of each of its commands, made of the parsers.

A page has the sections that man-pages(7) names. Tools that write pages of argparse put examples
and remarks, which stand in one text there, under one heading; here they come from the commands.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.core.commandline import actions_of, subparsers_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.core.commandline import Command

_EXIT_STATUS = (
    ("0", "fine"),
    ("1", "problems were found"),
    ("2", "wrong usage or configuration; the message says what to write instead"),
)
# What roff would take for its own, and what it would print as another sign than was typed.
_ESCAPED = {
    "\\": r"\e",
    "-": r"\-",
    "'": r"\(aq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
    '"': r"\(dq",
}
_ONE_LINE = 10_000
"""Columns of a usage that roff breaks, not argparse."""


@dataclass(frozen=True, slots=True)
class Edition:
    """What the foot of each page tells."""

    version: str
    date: str
    """``2026-11-30``."""


class _Shown(argparse.HelpFormatter):
    """What argparse shows of one option."""

    def invocation(self, action: argparse.Action) -> str:
        """In roff: bold what is typed as it is, in italics what is put in its place."""
        if not action.option_strings:
            return _italic(self._metavar_formatter(action, action.dest)(1)[0])
        value = ""
        if action.nargs != 0:
            value = " " + _italic(self._format_args(action, action.dest.upper()))
        return ", ".join(_bold(name) + value for name in action.option_strings)

    def help(self, action: argparse.Action) -> str:
        """Its help with the defaults in it."""
        return self._expand_help(action) if action.help else ""


def pages(
    parser: argparse.ArgumentParser, commands: Sequence[Command], edition: Edition
) -> Mapping[str, str]:
    """All pages by their names, such as ``kikimimi-score.1``.

    Args:
        parser: of the program, with the options of every command.
        commands: in the order of the help.
        edition: what their feet tell.
    """
    program = parser.prog
    subparsers = subparsers_of(parser)
    names = [f"{program}-{command.name}" for command in commands]
    made = {f"{program}.1": "\n".join(_program(parser, commands, edition, names)) + "\n"}
    for name, command in zip(names, commands, strict=True):
        lines = _command(name, command, subparsers[command.name], edition)
        made[f"{name}.1"] = "\n".join([*lines, *_see_also([program])]) + "\n"
    return made


def _program(
    parser: argparse.ArgumentParser,
    commands: Sequence[Command],
    edition: Edition,
    names: Sequence[str],
) -> Iterator[str]:
    text = "listen to a factory floor and ask people about what is heard"
    yield from _head(parser.prog, text, edition)
    yield from _synopsis(parser)
    yield from (".SH DESCRIPTION", _escaped(str(parser.description)))
    yield ".SH COMMANDS"
    for command in commands:
        yield from (".TP", _bold(command.name), _escaped(command.told))
    yield from _options(parser, ".SH OPTIONS")
    yield from _exit_status()
    yield from _see_also(names)


def _command(
    name: str, command: Command, parser: argparse.ArgumentParser, edition: Edition
) -> Iterator[str]:
    yield from _head(name, command.text, edition)
    yield from _synopsis(parser)
    yield from (".SH DESCRIPTION", _escaped(command.told))
    if command.extra is not None:
        yield from (".PP", _escaped(f"Belongs to the extra '{command.extra}' of the package."))
    yield from _options(parser, ".SH OPTIONS")
    for subparser in subparsers_of(parser).values():
        yield from (f'.SH "{_escaped(subparser.prog.upper())}"', *_usage(subparser), ".PP")
        yield _escaped(str(subparser.description))
        yield from _options(subparser, ".PP")
    yield from (".SH EXAMPLES", ".nf", *map(_escaped, command.examples), ".fi")
    if command.remarks:
        yield from (".SH NOTES", _escaped(command.remarks))
    yield from _exit_status()


def _head(name: str, text: str, edition: Edition) -> Iterator[str]:
    source = _escaped(f"kikimimi {edition.version}")
    yield f'.TH "{_escaped(name.upper())}" 1 "{_escaped(edition.date)}" "{source}" "Kikimimi"'
    yield from (".nh", ".ad l", ".SH NAME", f"{_escaped(name)} \\- {_escaped(text)}")


def _synopsis(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield ".SH SYNOPSIS"
    yield from _usage(parser)


def _usage(parser: argparse.ArgumentParser) -> Iterator[str]:
    formatter = argparse.HelpFormatter(parser.prog, width=_ONE_LINE)
    formatter.add_usage(None, actions_of(parser), [], prefix="")
    arguments = formatter.format_help().strip().removeprefix(parser.prog).strip()
    yield from (_bold(parser.prog), _escaped(arguments))


def _options(parser: argparse.ArgumentParser, heading: str) -> Iterator[str]:
    shown = _Shown(parser.prog)
    yield heading
    for action in actions_of(parser):
        if action.help != argparse.SUPPRESS and not isinstance(action.choices, dict):
            yield from (".TP", shown.invocation(action), _escaped(shown.help(action)))


def _exit_status() -> Iterator[str]:
    yield '.SH "EXIT STATUS"'
    for status, text in _EXIT_STATUS:
        yield from (".TP", _bold(status), _escaped(text))


def _see_also(names: Sequence[str]) -> Iterator[str]:
    yield from ('.SH "SEE ALSO"', ",\n".join(f"{_bold(name)}(1)" for name in names))


def _bold(text: str) -> str:
    return rf"\fB{_escaped(text)}\fR"


def _italic(text: str) -> str:
    return rf"\fI{_escaped(text)}\fR"


def _escaped(text: str) -> str:
    """A text that roff prints as it is: neither signs nor beginnings of lines are commands."""
    lines = "".join(_ESCAPED.get(sign, sign) for sign in text).splitlines()
    return "\n".join(f"\\&{line}" if line.startswith(".") else line for line in lines)
