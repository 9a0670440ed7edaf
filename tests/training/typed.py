"""Commands of ``python -m training`` as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.core import commandline
from training.commands import COMMANDS

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


def arguments_of(*words: str | Path) -> argparse.Namespace:
    """What a command is given."""
    return commandline.parse("training", "", COMMANDS, list(map(str, words)))[1]


def run_typed(*words: str | Path) -> int:
    """Run a command; its errors are raised."""
    command, arguments = commandline.parse("training", "", COMMANDS, list(map(str, words)))
    return command.run(arguments)
