"""Calls into a library that may hang, such as PortAudio when the sound server is stuck."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from agent.core.errors import CaptureError
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable


class TimedCall:
    """Runs one call at a time, each with a time limit.

    A call that hangs cannot be ended; it is left to itself, and nothing else is called until it
    has returned.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._call: threading.Thread | None = None

    def run(self, action: Callable[[], None], timeout_s: float) -> None:
        """Do it.

        Raises:
            CaptureError: what the action raised; or it, or the one before, does not return.
        """
        if self._call is not None:
            self._call.join(timeout_s)
            if self._call.is_alive():
                raise CaptureError(Reason.of("device_still_hung", device=self._what))
        failures: list[Exception] = []

        def call() -> None:
            try:
                action()
            except Exception as error:  # raised again below, in the caller's thread
                failures.append(error)

        self._call = threading.Thread(target=call, name="portaudio-call", daemon=True)
        self._call.start()
        self._call.join(timeout_s)
        if self._call.is_alive():
            raise CaptureError(Reason.of("device_hung", device=self._what, seconds=timeout_s))
        self._call = None
        if failures:
            raise failures[0]
