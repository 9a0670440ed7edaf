"""The address on which the metrics are asked for; it needs no part of the box."""

from __future__ import annotations

import logging
import selectors
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, Final

from agent.core.errors import reason
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

PATH: Final = "/metrics"

_REQUEST_S = 5.0
_MOST_CONNECTIONS = 8
_RETRY_S = 10.0

_log = logging.getLogger(__name__)


def address_of(host: str, port: int) -> str:
    """As people write it: ``[::1]:9765``."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class MetricsServer:
    """Answers on a thread of its own; an address that is taken is tried again for ever."""

    def __init__(
        self,
        host: str,
        port: int,
        render: Callable[[str], tuple[bytes, str]],
        *,
        retry_s: float = _RETRY_S,
    ) -> None:
        """Listen to nothing yet.

        Args:
            host: name or address to listen on.
            port: of TCP; 0: any that is free.
            render: what is sent, for the request's ``Accept``: the body and its content type.
            retry_s: seconds between two tries to listen.
        """
        self._host, self._port, self._render = host, port, render
        self._retry_s = retry_s
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._server: _Server | None = None
        self.trouble: Reason | None = None
        """Why nobody can ask, and what to do."""

    @property
    def requests_refused(self) -> int:
        """Connections that came while :data:`_MOST_CONNECTIONS` were open."""
        return 0 if self._server is None else self._server.refused

    def start(self) -> None:
        """Begin to listen, as soon as the address is free."""
        self._thread.start()

    def stop(self) -> None:
        """Close the address."""
        self._stop.close()
        self._thread.join()
        self._stopped.close()

    def _run(self) -> None:
        try:
            with selectors.DefaultSelector() as ready:
                ready.register(self._stopped, selectors.EVENT_READ)
                while (server := self._listen()) is None:
                    if ready.select(self._retry_s):
                        return
                with server:
                    self._server = server
                    ready.register(server, selectors.EVENT_READ)
                    while self._stopped not in {key.fileobj for key, _ in ready.select()}:
                        server.handle_request()
        except Exception as error:  # the box goes on; its health tells
            _log.exception("metrics_failed")
            self.trouble = Reason.of("attachment_failed", detail=repr(error))

    def _listen(self) -> _Server | None:
        """A server on the address; ``None`` where it cannot be had, which is told once."""
        address = address_of(self._host, self._port)
        try:
            server = _Server(self._host, self._port, self._render)
        except (OSError, UnicodeError) as error:  # the latter: no host can be called so
            told = Reason.of("metrics_not_served", address=address, detail=reason(error))
            if told != self.trouble:
                _log.warning("metrics_not_served", extra={"reason": str(told)})
            self.trouble = told
            return None
        self.trouble = None
        _log.info("metrics_served", extra={"address": address_of(self._host, server.server_port)})
        return server


class _Server(ThreadingHTTPServer):
    """A thread for each connection, of which there are few at a time."""

    def __init__(self, host: str, port: int, render: Callable[[str], tuple[bytes, str]]) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family, _, _, _, address = found[0]
        self.timeout = 0.0
        self.render = render
        self.refused = 0
        self._free = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        super().__init__(address[:2], _Handler)  # type: ignore[arg-type] # a host and a port

    def server_bind(self) -> None:
        """Bind without asking a name server for this machine's name, as the base would."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - the base's
        """Whether there is room for one more; a connection that is refused is closed."""
        if self._free.acquire(blocking=False):
            return True
        self.refused += 1
        return False

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start its thread; where that fails its place is free again."""
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base's
        """Tell the log; whoever asked has gone, or asks again."""
        _log.warning("metrics_request_failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Knows one path."""

    server: _Server
    server_version = "kikimimi"
    sys_version = ""
    timeout = _REQUEST_S

    def do_GET(self) -> None:
        """Send the metrics as they are now."""
        if self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND, explain=f"ask for {PATH}")
            return
        try:
            body, content_type = self.server.render(self.headers.get("Accept", ""))
        except Exception:
            _log.exception("metrics_not_rendered")
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR, explain="the agent's log says why")
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """A line for each request is for who looks for a mistake."""
        _log.debug("metrics_request", extra={"request": format % args})
