"""A network camera that sends its sound for ever, and can be taken away: a real HTTP server."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import soundfile

from tests.mosquitto import free_port

if TYPE_CHECKING:
    from pathlib import Path

_PIECE_S = 0.1


def _header(rate_hz: int) -> bytes:
    """Of a WAV file whose end nobody knows: 16 bits, mono."""
    form = struct.pack("<HHIIHH", 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    return b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + form + b"data\xff\xff\xff\xff"


class Camera:
    """Plays a recording again and again, as fast as it sounds, to whoever connects."""

    def __init__(self, recording: Path) -> None:
        samples, self.rate_hz = soundfile.read(recording, dtype="int16")
        self.sound = samples.tobytes()
        self.port = free_port()
        self.sending = threading.Event()
        """While it is not set, connections stay open and nothing comes."""
        self.sending.set()
        self.connections: list[socket.socket] = []
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Take connections."""
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def kill(self) -> None:
        """Break all connections and take no others."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = None
        while self.connections:
            with suppress(OSError):  # the other end was faster
                self.connections.pop().shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        super().__init__(("127.0.0.1", camera.port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_args: object) -> None:
        """Requests are no news."""

    def do_GET(self) -> None:
        """Send until the connection breaks."""
        camera = self.server.camera
        camera.connections.append(self.connection)
        size = 2 * round(_PIECE_S * camera.rate_hz)
        began_s, sent = time.monotonic(), 0
        with suppress(OSError):  # either end hung up
            self.send_response(200)
            self.send_header("Content-Type", "audio/wav")
            self.end_headers()
            self.wfile.write(_header(camera.rate_hz))
            while True:
                camera.sending.wait()
                at = sent * size % len(camera.sound)
                self.wfile.write(camera.sound[at : at + size])
                sent += 1
                time.sleep(max(0.0, began_s + sent * _PIECE_S - time.monotonic()))
