"""What the commands' options have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from training.data.audioset import data_folder


def add_folders(parser: argparse.ArgumentParser, **defaults: str) -> None:
    """Add ``--data``, and options that are files or folders, by their defaults."""
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=Path, default=Path(default))
    parser.add_argument("--data", type=Path, default=data_folder(), help="the data folder")


def whole(low: int, high: int = 1_000_000) -> Callable[[str], int]:
    """A whole number within bounds, for ``add_argument``."""

    def convert(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"is {text!r}; write a whole number, {low} to {high}")
        return int(text)

    return convert
