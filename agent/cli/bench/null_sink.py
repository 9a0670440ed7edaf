"""A private sound server, so that a real PortAudio device exists on a machine without a card.

A null sink of PulseAudio takes what is played; its monitor is the default input, which PortAudio
reaches through ALSA's pulse plugin as it would on a desktop. Needs the Debian packages
``pulseaudio``, ``pulseaudio-utils``, ``libasound2-plugins`` and ``libportaudio2``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.core.errors import KikimimiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SINK_RATE_HZ = 48_000
_PROGRAMS = ("pulseaudio", "pactl", "paplay")
_PATIENCE_S = 60.0
_POLL_S = 0.05
# Without norewinds an idle sink renders two seconds ahead, and a recorder waits as long for its
# first sound.
_SINK = f"sink_name=factory rate={SINK_RATE_HZ} channels=2 norewinds=1"

_ASOUND = """\
pcm.!default { type pulse hint { show on description "Factory" } }
pcm.pulse { type pulse hint { show on description "Factory again" } }
ctl.!default { type pulse }
"""


def missing() -> list[str]:
    """Programs that it needs and that are not installed."""
    return [program for program in _PROGRAMS if shutil.which(program) is None]


@dataclass
class NullSink:
    """A daemon in a folder of its own, that can be ended and started again."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> Mapping[str, str]:
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

    def start(self, patience_s: float = _PATIENCE_S) -> None:
        """Start and wait until it answers.

        Raises:
            KikimimiError: it does not; holds what it wrote.
        """
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
        deadline_s = time.monotonic() + patience_s
        while self.pactl("info").returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                raise KikimimiError(f"pulseaudio does not start: {log.read_text()}")
            time.sleep(_POLL_S)

    def pactl(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Ask the server something."""
        return subprocess.run(
            ["pactl", *words],
            env=os.environ | self.environment,
            capture_output=True,
            check=False,
            timeout=_PATIENCE_S,
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
