"""The agent as ``kikimimi run``, which tells meanwhile what it costs.

``python -m agent.cli.bench.measured run --costs FILE --config agent.yaml``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent import cli
from agent.cli import run as agent
from agent.cli.bench.costs import attach_to
from agent.core.commandline import Command

if TYPE_CHECKING:
    import argparse

_MODULE = "agent.cli.bench.measured"
_COMMANDS = (Command("run", "listen, and tell what it costs", _MODULE, ()),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``kikimimi run``, and where to tell the costs."""
    agent.add_arguments(parser)
    parser.add_argument("--costs", type=Path, required=True, metavar="FILE", help="for readings")


def run(arguments: argparse.Namespace) -> int:
    """Listen as ``kikimimi run`` does."""
    return agent.run(arguments, {**agent.ATTACH, "costs": attach_to(arguments.costs)})


if __name__ == "__main__":
    sys.exit(cli.main(commands=_COMMANDS))
