"""One ffmpeg process whose output is read from a pipe, and what it says meanwhile."""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from agent.core.errors import CaptureError
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

# What it reads, with length and tracks, it tells at the level of information.
_QUIET = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+info")
_ENDED_S = 2.0
# Years of complaints must not fill the memory: what a file or a stream is stands in the first
# lines, why it ended in the last.
_FIRST_LINES, _LATEST_LINES, _LINE_BYTES = 1_000, 20, 4_096


class Ffmpeg:
    """Runs until its output ends or it is killed; never outlives :meth:`kill`.

    It has a session of its own, so that a Ctrl-C meant for the agent does not end it with half of
    the sound, and it ends by itself when nobody reads its output any more.
    """

    def __init__(self, arguments: Sequence[str | bytes]) -> None:
        """Start it.

        Args:
            arguments: from the input on; the output goes to ``pipe:1``.

        Raises:
            CaptureError: ffmpeg is not installed.
        """
        try:
            self._process = subprocess.Popen(
                ["ffmpeg", *_QUIET, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise CaptureError(Reason.of("ffmpeg_missing")) from error
        self._first: list[str] = []
        self._latest: deque[str] = deque(maxlen=_LATEST_LINES)
        self._listener = threading.Thread(target=self._listen, name="ffmpeg-log", daemon=True)
        self._listener.start()

    @property
    def output(self) -> BinaryIO:
        """What it writes."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        return self._process.stdout  # type: ignore[return-value] # a pipe is a binary file

    def wait(self) -> int:
        """Its exit status, once its output has ended."""
        return self._process.wait()

    def log_lines(self, *, ended: bool = True) -> list[str]:
        """The lines of its log without empty ones; of very many the first and the latest.

        Args:
            ended: whether its output has ended, so that no more will come: all is waited for.
        """
        if ended:
            self._listener.join(_ENDED_S)
        return [*self._first, *self._latest]

    def kill(self) -> None:
        """End it and wait for its end; safe to call twice."""
        self._process.kill()
        self._process.wait()
        self.output.close()
        self._listener.join(_ENDED_S)

    def _listen(self) -> None:
        """Take down its log on a thread of its own, so that a full pipe never stops it."""
        assert self._process.stderr is not None  # noqa: S101 - it was asked for
        with self._process.stderr as log:
            for raw in iter(partial(log.readline, _LINE_BYTES), b""):
                if line := raw.decode("utf-8", "replace").strip():
                    first = len(self._first) < _FIRST_LINES
                    (self._first if first else self._latest).append(line)
