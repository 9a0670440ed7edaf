"""``kikimimi run``: the agent, from its settings to its end."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from typing import TYPE_CHECKING

from agent import descriptions
from agent.bundle import loading as bundle
from agent.cli.options import add_site, site_settings
from agent.cli.source_options import add_source, with_source
from agent.core import folders, log, notes
from agent.core.clock import SystemClock
from agent.core.errors import KikimimiError
from agent.encoder.choice import with_fastest_tower
from agent.integrations.home_assistant import attachment as home_assistant
from agent.integrations.metrics import attachment as metrics
from agent.run import systemd
from agent.run.pipeline import Pipeline, Requests

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from agent.core.errors import Problem
    from agent.run.attachment import Attach


ATTACH: Mapping[str, Attach] = {"home_assistant": home_assistant.attach, "metrics": metrics.attach}
"""What attaches to a box from outside of its data path, by the part of health that tells of it."""
_NATIVE = frozenset({"clips", "reload"})
"""Threads that are waited for at the end, but not for ever."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_site(parser)
    add_source(parser)


def run(arguments: argparse.Namespace, attach: Mapping[str, Attach] = ATTACH) -> int:
    """Listen until a signal, or to the end of what does not last for ever.

    Args:
        arguments: the options.
        attach: what attaches to the box from outside of its data path, by part of health.

    Raises:
        KikimimiError: settings, descriptions or bundle are wrong.
    """
    noted: list[Problem] = []
    settings = with_source(site_settings(arguments, noted), arguments)
    # PortAudio sends standard error to nowhere while it looks for devices: log by a copy of it.
    errors = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    log.set_up(settings.log.level, settings.log.format, errors)
    # The watchdog ends a process that hangs by SIGABRT: the log then shows where it hung.
    faulthandler.enable(errors)
    notes.log("configuration_noted", noted)
    folders.close_to_others(settings.state_dir)
    model = with_fastest_tower(
        bundle.load(settings.bundle), settings.state_dir, threads=settings.encoder.threads
    )
    described = descriptions.load(settings.descriptions)
    requests = Requests()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(requests, "stop", True))
    signal.signal(signal.SIGHUP, lambda *_: setattr(requests, "reload", True))
    clock = SystemClock()
    notifier = systemd.Notifier.of(os.environ, os.getpid(), clock)
    try:
        pipeline = Pipeline(
            settings, model, described, clock, requests=requests, notifier=notifier, attach=attach
        )
        status = pipeline.run()
    except KikimimiError:
        if requests.stop:  # systemd stops the process that embeds texts as well
            return 0
        raise
    if any(thread.name in _NATIVE for thread in threading.enumerate()):
        # All is written and closed; whoever has not ended in time is within a library's code, and
        # would abort the process where the interpreter ends around it.
        errors.flush()
        os._exit(status)
    return status
