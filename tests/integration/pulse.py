"""A private sound server, so that a real PortAudio device exists on a machine without a card.

A null sink takes what is played; its monitor is the default input, which PortAudio reaches
through ALSA's pulse plugin as it would on a desktop. Needs the Debian packages ``pulseaudio``,
``pulseaudio-utils``, ``libasound2-plugins`` and ``libportaudio2``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 300.0
SINK_RATE_HZ = 48_000
# Without norewinds an idle sink renders two seconds ahead, and a recorder waits as long for its
# first sound.
_SINK = f"sink_name=factory rate={SINK_RATE_HZ} channels=2 norewinds=1"

_ASOUND = """\
pcm.!default { type pulse hint { show on description "Factory" } }
pcm.pulse { type pulse hint { show on description "Factory again" } }
ctl.!default { type pulse }
"""


@dataclass
class PulseServer:
    """A daemon in a folder of its own, that can be killed and started again."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a program must have in its environment to use this server and no other."""
        home = str(self.folder)
        return {
            "HOME": home,
            "XDG_CONFIG_HOME": home,
            "XDG_RUNTIME_DIR": home,
            "PULSE_RUNTIME_PATH": home,
            "PULSE_STATE_PATH": home,
            "PULSE_SERVER": f"unix:{self.folder}/native",
            "ALSA_CONFIG_PATH": f"{self.folder}/asound.conf",
        }

    @property
    def _socket(self) -> str:
        return f"socket={self.folder}/native auth-anonymous=1"

    def start(self) -> None:
        """Start and wait until it answers."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / "asound.conf").write_text(_ASOUND)
        log = self.folder / "pulseaudio.log"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    "pulseaudio",
                    "-n",
                    "--daemonize=no",
                    "--exit-idle-time=-1",
                    "--use-pid-file=no",
                    "--disable-shm=yes",
                    f"--load=module-null-sink {_SINK}",
                    f"--load=module-native-protocol-unix {self._socket}",
                ],
                env=os.environ | self.environment,
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + PATIENCE_S
        while self._pactl("info").returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"pulseaudio does not start: {log.read_text()}")
            time.sleep(0.05)

    def recorders(self) -> int:
        """How many streams record from it now."""
        listed = self._pactl("list", "short", "source-outputs")
        listed.check_returncode()
        return len(listed.stdout.splitlines())

    def _pactl(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["pactl", *words],
            env=os.environ | self.environment,
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def kill(self) -> None:
        """End it at once, as when it crashes."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        (self.folder / "native").unlink(missing_ok=True)

    @contextmanager
    def playing(self, recording: Path) -> Iterator[subprocess.Popen[bytes]]:
        """Play a sound file into the sink; stopped at the end of the ``with``."""
        player = subprocess.Popen(
            ["paplay", "--device=factory", str(recording)], env=os.environ | self.environment
        )
        try:
            yield player
        finally:
            player.kill()
            player.wait()

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
    server.start()
    try:
        yield server
    finally:
        server.kill()
