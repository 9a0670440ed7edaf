"""The pipeline in this process, as fast as its sources give sound."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent import descriptions
from agent.bundle import loading as bundles
from agent.core.clock import SystemClock
from agent.run.pipeline import Pipeline, Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.config import Settings

PATIENCE_S = 300.0


@contextmanager
def listening(settings: Settings) -> Iterator[Pipeline]:
    """The pipeline in a thread of its own."""
    requests = Requests()
    described = descriptions.load(settings.descriptions)
    pipeline = Pipeline(settings, bundles.load(), described, SystemClock(), requests=requests)
    thread = threading.Thread(target=pipeline.run)
    thread.start()
    try:
        yield pipeline
    finally:
        requests.stop = True
        thread.join(PATIENCE_S)


def wait(until: Callable[[], bool]) -> None:
    """Block until it is so."""
    ends_at = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < ends_at
        time.sleep(0.05)
