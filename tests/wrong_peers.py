"""What people name as their broker by mistake: servers that are real and speak something else."""

from __future__ import annotations

import http.server
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tests.mosquitto import PATIENCE_S, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_WEBSOCKETS = """
import asyncio, logging, sys
from amqtt.broker import Broker
logging.disable(logging.CRITICAL)
async def serve():
    await Broker({
        "listeners": {"default": {"type": "ws", "bind": f"127.0.0.1:{sys.argv[1]}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }).start()
    await asyncio.Event().wait()
asyncio.run(serve())
"""


@contextmanager
def web_server() -> Iterator[int]:
    """A web server that knows nothing of MQTT; its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def websocket_broker() -> Iterator[int]:
    """A broker (amqtt) that speaks MQTT within websockets; its port."""
    port = free_port()
    broker = subprocess.Popen(
        [sys.executable, "-c", _WEBSOCKETS, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until_s = time.monotonic() + PATIENCE_S
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1.0).close()
                break
            assert broker.poll() is None, "amqtt ended"
            assert time.monotonic() < until_s, "amqtt does not listen"
            time.sleep(0.02)
        yield port
    finally:
        broker.kill()
        broker.wait()


class OldBroker:
    """Answers as brokers of before 2014 do, which know MQTT 3.1 alone.

    They tell a newer client that its version is unacceptable, or hang up on the unknown name of
    its protocol.
    """

    def __init__(self, *, hangs_up: bool) -> None:
        self._hangs_up = hangs_up
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection = self._server.accept()[0]
            except OSError:  # the test is over
                return
            with connection, suppress(OSError):
                first = connection.recv(1_024)
                if first[:1] == b"\x10" and b"\x00\x06MQIsdp\x03" in first:
                    connection.sendall(b"\x20\x02\x00\x00")
                    connection.recv(1_024)
                elif first[:1] == b"\x10" and not self._hangs_up:
                    connection.sendall(b"\x20\x02\x00\x01")

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()


@contextmanager
def old_broker(*, hangs_up: bool) -> Iterator[int]:
    """One for as long as the context lasts; its port."""
    broker = OldBroker(hangs_up=hangs_up)
    try:
        yield broker.port
    finally:
        broker.close()
