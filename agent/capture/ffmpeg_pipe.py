"""One ffmpeg process whose output is read from a pipe."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from agent.core.errors import CaptureError
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

_MOST_SAID_BYTES = 1 << 16


class Ffmpeg:
    """Runs until its output ends or it is killed; never outlives :meth:`kill`.

    It has a session of its own, so that a Ctrl-C meant for the agent does not end it with half of
    the sound, and it ends by itself when nobody reads its output any more.
    """

    def __init__(self, arguments: Sequence[str | bytes]) -> None:
        """Start it.

        Args:
            arguments: all but the name of the program; the output goes to ``pipe:1``.

        Raises:
            CaptureError: ffmpeg is not installed.
        """
        self._errors, writing = os.pipe()
        # Years of complaints must not fill the pipe and stop ffmpeg: what does not fit is dropped.
        os.set_blocking(self._errors, False)
        os.set_blocking(writing, False)
        try:
            self._process = subprocess.Popen(
                ["ffmpeg", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=writing,
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._errors)
            raise CaptureError(Reason.of("ffmpeg_missing")) from error
        finally:
            os.close(writing)

    @property
    def output(self) -> BinaryIO:
        """What it writes."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        return self._process.stdout  # type: ignore[return-value] # a pipe is a binary file

    def wait(self) -> int:
        """Its exit status, once its output has ended."""
        return self._process.wait()

    def log_lines(self) -> list[str]:
        """The lines of its log that were not asked for before, without empty ones."""
        output = b""
        try:
            while len(output) < _MOST_SAID_BYTES and (more := os.read(self._errors, 4_096)):
                output += more
        except BlockingIOError:  # it runs, and said no more
            pass
        lines = (line.strip() for line in output.decode("utf-8", "replace").splitlines())
        return [line for line in lines if line]

    def kill(self) -> None:
        """End it and wait for its end; safe to call twice."""
        self._process.kill()
        self._process.communicate()
        if self._errors >= 0:
            os.close(self._errors)
            self._errors = -1
