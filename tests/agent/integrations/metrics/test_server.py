"""The address of the metrics, and who asks there."""

from __future__ import annotations

import http.client
import socket
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from agent.integrations.metrics.server import MetricsServer
from tests.mosquitto import PATIENCE_S, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOPBACK = "127.0.0.1"
BODY = b"kikimimi_mutes 0.0\n"
MOST_CONNECTIONS = 8


def wait(until: Callable[[], bool]) -> None:
    """Block until it is so."""
    ends_at = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


@contextmanager
def serving(
    render: Callable[[str], tuple[bytes, str]] = lambda _: (BODY, "text/plain"),
    host: str = LOOPBACK,
    port: int | None = None,
) -> Iterator[tuple[MetricsServer, int]]:
    """A server and its port."""
    port = port or free_port()
    server = MetricsServer(host, port, render, retry_s=0.01)
    server.start()
    try:
        yield server, port
    finally:
        server.stop()


def answer(port: int, path: str = "/metrics", host: str = LOOPBACK) -> tuple[int, bytes]:
    """Status and body, as soon as somebody answers."""
    ends_at = time.monotonic() + PATIENCE_S
    while True:
        connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except ConnectionError:
            assert time.monotonic() < ends_at
            time.sleep(0.01)
        finally:
            connection.close()


def test_one_path_is_known() -> None:
    """Whatever is asked of it; the rest is told where to ask."""
    with serving() as (_, port):
        assert answer(port) == (200, BODY)
        assert answer(port, "/metrics?debug=1") == (200, BODY)
        status, page = answer(port, "/")
        assert status == 404
        assert b"ask for /metrics" in page


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_address_of_ipv6() -> None:
    """Is listened on as it is written."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with serving(host="::1") as (_, port):
        assert answer(port, host="::1") == (200, BODY)


def test_values_that_fail_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """The request fails, the log says why, and the next one is answered."""
    bodies: dict[str, bytes] = {}

    def render(_: str) -> tuple[bytes, str]:
        return bodies["now"], "text/plain"

    with serving(render) as (server, port):
        assert answer(port)[0] == 500
        bodies["now"] = BODY
        assert answer(port) == (200, BODY)
        assert server.trouble is None
    (line,) = [one for one in caplog.records if one.getMessage() == "metrics_not_rendered"]
    assert line.exc_info is not None
    assert isinstance(line.exc_info[1], KeyError)


def test_who_says_nothing_keeps_nobody_out_for_ever() -> None:
    """Connections over the limit are closed and counted; room comes back."""
    with serving() as (server, port):
        assert answer(port) == (200, BODY)
        silent = [socket.create_connection((LOOPBACK, port)) for _ in range(MOST_CONNECTIONS)]
        with socket.create_connection((LOOPBACK, port), timeout=PATIENCE_S) as refused:
            assert refused.recv(1) == b""
        assert server.requests_refused == 1
        for one in silent:
            one.close()
        wait(lambda: _answered(port))


def _answered(port: int) -> bool:
    """Whether there is room again."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read() == BODY
    except (ConnectionError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def test_port_that_becomes_free_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    """It is told once why it was not, and tried again."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with serving(port=port) as (server, _):
            wait(lambda: server.trouble is not None)
            taken.close()
            assert answer(port) == (200, BODY)
            assert server.trouble is None
    told = [one for one in caplog.records if one.getMessage() == "metrics_not_served"]
    assert len(told) == 1


@pytest.mark.parametrize("host", ["no-such-host.invalid", 64 * "a"])
def test_host_that_nobody_knows_is_told(host: str) -> None:
    """A name that leads nowhere, or is none, is no reason to end."""
    with serving(host=host) as (server, port):
        wait(lambda: server.trouble is not None)
        assert str(server.trouble).startswith(f"{host}:{port} cannot be listened on:")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /" + 70_000 * b"a",
        b"\0" * 99,
        b"",
    ],
    ids=["tls", "half", "long", "zeros", "nothing"],
)
def test_what_is_no_request_harms_nobody(sent: bytes) -> None:
    """It is refused or cut off; whoever asks after it is answered."""
    with serving() as (server, port):
        assert answer(port) == (200, BODY)
        connection = socket.create_connection((LOOPBACK, port), timeout=PATIENCE_S)
        with connection, suppress(ConnectionError):
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4_096):
                pass
        assert answer(port) == (200, BODY)
        assert server.trouble is None
