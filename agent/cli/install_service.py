"""``kikimimi install-service``: the agent, and the console, as services of systemd."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli import install
from agent.core import extras
from agent.core.extras import Extra

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="agent.yaml, by default in /etc/kikimimi"
    )
    parser.add_argument("--console", action="store_true", help="the page where people answer, too")
    parser.add_argument("--print", action="store_true", help="show the unit and write nothing")
    parser.add_argument(
        "--prefix",
        type=Path,
        metavar="FOLDER",
        help="write below this folder as if it were / (to make a package)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Install; 1 if a unit is in place that is not of this version.

    Raises:
        KikimimiError: the service could not run like this, or a file cannot be written.
    """
    config = arguments.config or install.CONFIG
    service = install.Service.CONSOLE if arguments.console else install.Service.AGENT
    if arguments.print:
        print(install.unit(install.command(), config, service), end="")
        return 0
    if arguments.console:
        extras.require(Extra.CONSOLE, "the console's service")
    report = install.install(install.command(), config, arguments.prefix, console=arguments.console)
    for line in report.lines():
        print(line)
    return 0 if report.ok else 1
