"""The options by which a command listens to something else than its settings say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.capture.soundfiles.kinds import READ
from agent.config import FileSettings, MicrophoneSettings, StdinSettings
from agent.config.reader import converter
from agent.config.sources import Encoding
from agent.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    import argparse

    from agent.config import Settings


def add_source(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument(
        "--source",
        metavar="FILE|-",
        help=f"listen to a sound file instead ({READ}), or to standard input: WAV, or raw samples "
        "as the next three options tell",
    )
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        help=f"of raw samples on standard input: {', '.join(Encoding)} ({Encoding.F32} by default)",
    )
    parser.add_argument(
        "--rate", metavar="HZ", help="of raw samples on standard input; by default the model's"
    )
    parser.add_argument(
        "--channels", metavar="N", help="of raw samples on standard input (1 by default)"
    )
    parser.add_argument("--device", metavar="NAME", help="listen to this microphone instead")


def with_source(settings: Settings, arguments: argparse.Namespace) -> Settings:
    """The settings with the source that the command line names, if it does.

    Raises:
        ConfigError: the format of raw samples is wrong, or is given without ``--source -``.
    """
    if arguments.source == "-":
        return replace(settings, sources=(_stdin(arguments),))
    given = [
        name for name in ("format", "rate", "channels") if getattr(arguments, name) is not None
    ]
    if given:
        found = "is given without raw samples on standard input"
        raise ConfigError(
            [
                Problem(f"--{name}", found, "write --source - with it, or leave it out")
                for name in given
            ]
        )
    if arguments.source is not None:
        source = FileSettings(name="file", path=Path(arguments.source))
        return replace(settings, sources=(source,))
    if arguments.device is not None:
        microphone = MicrophoneSettings(name="mic1", device=arguments.device)
        return replace(settings, sources=(microphone,))
    return settings


def _stdin(arguments: argparse.Namespace) -> StdinSettings:
    stdin = StdinSettings("stdin")
    problems: list[Problem] = []
    for option, name in (("format", "format"), ("rate", "rate_hz"), ("channels", "channel_count")):
        if (given := getattr(arguments, option)) is None:
            continue
        try:
            stdin = replace(stdin, **{name: converter(StdinSettings, name)(given)})
        except ValueError as error:
            problems.append(Problem(f"--{option}", f"is {given!r}", str(error)))
    if problems:
        raise ConfigError(problems)
    return stdin
