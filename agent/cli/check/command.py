"""The command line of ``kikimimi check``."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from agent.capture.devices import find_device
from agent.capture.portaudio import list_devices
from agent.cli.check.checking import Probes, check
from agent.cli.install import environment_of
from agent.cli.options import add_site
from agent.cli.words import Language, add_language, language_of
from agent.encoder.text import embed_texts

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_site(parser)
    parser.add_argument("--online", action="store_true", help="also try to reach the broker")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_language(parser, "of what is told; that of the locale by default")


def run(arguments: argparse.Namespace) -> int:
    """Check and print; 1 if a problem was found."""
    report = check(
        arguments.config,
        arguments.descriptions,
        arguments.bundle,
        environment_of(arguments.config, os.environ),
        Probes(
            embed=lambda model, texts: embed_texts(model, texts, None),
            find_microphone=lambda wanted: find_device(list_devices(), wanted.device),
            online=arguments.online,
        ),
    )
    if arguments.json:
        print(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        for line in report.lines(Language(arguments.language or language_of(os.environ))):
            print(line)
    return 0 if report.ok else 1
