"""A broker for the demo and the benchmark: Mosquitto where it is installed, else amqtt.

Listens on this machine only, on a free port, and keeps nothing.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.child import end
from agent.core import extras
from agent.core.errors import BrokerError
from agent.core.extras import Extra

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
_PATIENCE_S = 20.0
_POLL_S = 0.05
_STOP_S = 5.0
# Debian keeps the broker out of an ordinary user's PATH.
_PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin"


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """A broker that accepts connections."""

    name: str
    port: int


@contextmanager
def local_broker() -> Iterator[RunningBroker]:
    """Run a broker for as long as the context lasts.

    Raises:
        BrokerError: it does not start.
        KikimimiError: there is none; says what to install.
    """
    port = _free_port()
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path=_PLACES)
    if mosquitto is None:
        who = "without Mosquitto (sudo apt install mosquitto), a broker of its own"
        extras.require(Extra.DEMO, who)
    with tempfile.TemporaryDirectory(prefix="kikimimi-broker-") as folder:
        if mosquitto is not None:
            name = "Mosquitto"
            config = Path(folder) / "mosquitto.conf"
            # Started as root, it would become another user who may not read this folder.
            config.write_text(
                f"listener {port} {HOST}\nallow_anonymous true\npersistence false\n"
                "log_type error\nuser root\n",
                encoding="utf-8",
            )
            command = [mosquitto, "-c", str(config)]
        else:
            name = "amqtt"
            command = [sys.executable, "-m", "agent.cli.demo_broker", str(port)]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            _wait_for(process, name, port)
            yield RunningBroker(name, port)
        finally:
            _end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_for(process: subprocess.Popen[str], name: str, port: int) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            errors = (process.stderr.read() if process.stderr else "").strip().splitlines()
            reason = errors[-1] if errors else f"exit status {process.returncode}"
            raise BrokerError(f"{name} does not start: {reason}; install mosquitto")
        try:
            socket.create_connection((HOST, port), 1.0).close()
        except OSError:
            time.sleep(_POLL_S)
        else:
            return
    raise BrokerError(f"{name} does not listen on {HOST}:{port}; install mosquitto")


def _end(process: subprocess.Popen[str]) -> None:
    end(process, _STOP_S)
    if process.stderr is not None:
        process.stderr.close()


def serve_embedded(port: int) -> None:
    """Run amqtt in this process until it is told to stop."""
    from amqtt.broker import Broker

    logging.disable(logging.CRITICAL)

    async def serve() -> None:
        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
                },
            }
        )
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        # Before it can be reached: who reaches it may end it at once.
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await broker.start()
        await stop.wait()
        await broker.shutdown()

    asyncio.run(serve())


if __name__ == "__main__":
    serve_embedded(int(sys.argv[1]))
