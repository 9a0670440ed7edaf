"""``kikimimi``: its commands, and what their errors come to."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from agent.cli.commands import COMMANDS
from agent.core import commandline, folders, memory
from agent.core.errors import ConfigError, DescriptionsError, KikimimiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.core.commandline import Command

FINE, FOUND_PROBLEMS, BAD_USAGE = 0, 1, 2

PROGRAM = "kikimimi"
DESCRIPTION = "Listens to a factory floor and asks people about the work errors it hears."


def main(argv: Sequence[str] | None = None, commands: Sequence[Command] = COMMANDS) -> int:
    """Run one command.

    Args:
        argv: what was typed behind the program; that of this process if ``None``.
        commands: that there are.

    Returns:
        0 fine, 1 found problems, 2 bad usage or configuration.
    """
    given = sys.argv[1:] if argv is None else argv
    try:
        command, arguments = commandline.parse(PROGRAM, DESCRIPTION, commands, given)
        # Names that a terminal cannot show must not end what is said of all others.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # of a text file
        folders.close_new_files()
        memory.give_back_large_blocks()
        return command.run(arguments)
    except (ConfigError, DescriptionsError) as error:
        for problem in error.problems:
            print(f"kikimimi: {problem}", file=sys.stderr)
        return BAD_USAGE
    except KikimimiError as error:
        print(f"kikimimi: {error}", file=sys.stderr)
        return BAD_USAGE
    except BrokenPipeError:
        # Whoever read the output has enough of it; nothing more may be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
