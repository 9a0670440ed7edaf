"""Options of every command that knows a site, and the settings that they come to."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import load_settings

if TYPE_CHECKING:
    import argparse

    from agent.config import Settings
    from agent.core.errors import Problem


def add_site(parser: argparse.ArgumentParser) -> None:
    """Declare ``--config``, ``--descriptions`` and ``--bundle``."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="agent.yaml")
    parser.add_argument(
        "--descriptions", type=Path, metavar="FILE", help="what to listen for, instead of its own"
    )
    parser.add_argument(
        "--bundle", type=Path, metavar="FOLDER", help="model, instead of its own or the shipped one"
    )


def site_settings(arguments: argparse.Namespace, notes: list[Problem] | None = None) -> Settings:
    """The site's settings with what the command line says instead.

    Args:
        arguments: as parsed.
        notes: takes what is not wrong but may be meant otherwise.

    Raises:
        ConfigError: with every problem that was found.
    """
    settings = load_settings(arguments.config, os.environ, notes)
    if arguments.descriptions is not None:
        settings = replace(settings, descriptions=arguments.descriptions)
    if arguments.bundle is not None:
        settings = replace(settings, bundle=arguments.bundle)
    return settings
