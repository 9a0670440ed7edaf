"""A private sound server for tests: see :mod:`agent.cli.bench.null_sink`."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from agent.cli.bench.null_sink import SINK_RATE_HZ, NullSink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 300.0


class PulseServer(NullSink):
    """A sound server that tells who records from it."""

    def recorders(self) -> int:
        """How many streams record from it now."""
        listed = self.pactl("list", "short", "source-outputs")
        listed.check_returncode()
        return len(listed.stdout.splitlines())

    @contextmanager
    def recording(self, target: Path) -> Iterator[subprocess.Popen[bytes]]:
        """Write what the sink's monitor gives to a WAV, by another program than ours."""
        options = ["--device=factory.monitor", "--file-format=wav", "--channels=1"]
        recorder = subprocess.Popen(
            ["parec", *options, f"--rate={SINK_RATE_HZ}", str(target)],
            env=os.environ | self.environment,
        )
        try:
            yield recorder
        finally:
            recorder.terminate()  # it then writes the header's length
            recorder.wait(PATIENCE_S)


@contextmanager
def pulse_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PulseServer]:
    """A running server that PortAudio in this process uses, too."""
    for program in ("pulseaudio", "pactl", "paplay", "parec"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: script/bootstrap test installs it")
    server = PulseServer(folder)
    for name, value in server.environment.items():
        if name != "HOME":  # other libraries keep their caches there
            monkeypatch.setenv(name, value)
    server.start(PATIENCE_S)
    try:
        yield server
    finally:
        server.kill()
