"""Completion of ``kikimimi`` for shells, made of its parsers by shtab."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import shtab

from agent.core.commandline import actions_of, subparsers_of

if TYPE_CHECKING:
    import argparse


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script that has a shell complete the program.

    Args:
        parser: of the program, with the options of every command; is told which are files.
        shell: ``bash``, ``zsh`` or ``fish``.
    """
    _mark_paths(parser)
    script: str = shtab.complete(parser, shell)
    return script


def _mark_paths(parser: argparse.ArgumentParser) -> None:
    """Tell shtab what completes to names of files and folders."""
    for action in actions_of(parser):
        metavar = str(action.metavar)
        if action.type is Path or "FILE" in metavar.split("|"):
            kind = shtab.DIRECTORY if metavar == "FOLDER" else shtab.FILE
            action.complete = kind  # type: ignore[attr-defined] # where shtab looks for it
    for subparser in subparsers_of(parser).values():
        _mark_paths(subparser)
