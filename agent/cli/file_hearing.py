"""What commands hear sound files by: the options that say so, and what is loaded by them."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent import descriptions
from agent.bundle import loading as bundles
from agent.cli.check.examples import example_findings
from agent.config import channels, load_settings
from agent.core.errors import ConfigError, Problem
from agent.encoder.choice import with_fastest_tower
from agent.hearing.files import FileHearing
from agent.watchlist.site import listened_for_alone, listened_for_beside

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from agent.watchlist.watchlist import Watchlist


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--descriptions``, ``--config``, ``--bundle`` and ``--channels``."""
    parser.add_argument(
        "--descriptions", type=Path, metavar="FILE", help="what to listen for, instead of the box's"
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="agent.yaml: hear as its box does now, by its descriptions, calibration, thresholds "
        "and answers; nothing of it is changed, and it may run meanwhile",
    )
    parser.add_argument(
        "--bundle", type=Path, metavar="FOLDER", help="instead of the box's or the shipped one"
    )
    channels.add_option(parser)


def load(
    arguments: argparse.Namespace,
    command: str,
    remark: Callable[[str], None],
    hop_s: float | None = None,
) -> tuple[FileHearing, Watchlist]:
    """The box that is meant, or the descriptions alone; tells which recordings do not count.

    Args:
        arguments: with the options of :func:`add_options`.
        command: whose they are.
        remark: told, in a line, what is odd.
        hop_s: from window to window; the box's, or the bundle's own, if ``None``.

    Raises:
        ConfigError: no descriptions are named, or an option is wrong.
        KikimimiError: something that they name cannot be read.
    """
    if arguments.config is not None:
        settings = load_settings(arguments.config, os.environ)
        bundle = with_fastest_tower(
            bundles.load(arguments.bundle or settings.bundle),
            settings.state_dir,
            threads=settings.encoder.threads,
            keep=False,
        )
        described = descriptions.load(arguments.descriptions or settings.descriptions)
        hop_s = settings.windows.hop_s if hop_s is None else hop_s
        hearing = FileHearing.of(bundle, hop_s, threads=settings.encoder.threads)
        watch = listened_for_beside(settings, bundle, described, now=time.time())
    elif arguments.descriptions is not None:
        bundle = bundles.load(arguments.bundle)
        described = descriptions.load(arguments.descriptions)
        hearing = FileHearing.of(bundle, hop_s)
        watch = listened_for_alone(bundle, described)
    else:
        remedy = "name them with --descriptions FILE, or --config agent.yaml"
        raise ConfigError([Problem(f"kikimimi {command}", "no descriptions", remedy)])
    warnings, notes = example_findings(watch.examples, described)
    for note in (*filter(None, [watch.calibration.trouble]), *warnings, *notes):
        remark(str(note))
    chosen = channels.of_option(arguments.channels)
    return replace(hearing, remark=remark, channels=chosen), watch
