"""The end of the socket that systemd has: what a service tells, datagram by datagram."""

from __future__ import annotations

import socket

PATIENCE_S = 300.0


class Manager:
    """A service manager that listens at a path, or at ``@`` and an abstract name."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def next(self, timeout_s: float = PATIENCE_S) -> str:
        """The next datagram; ``TimeoutError`` where there is none."""
        self._socket.settimeout(timeout_s)
        return self._socket.recv(4_096).decode("utf-8")

    def until(self, wanted: str) -> list[str]:
        """The datagrams up to one that is the wanted."""
        heard = [self.next()]
        while heard[-1] != wanted:
            heard.append(self.next())
        return heard

    def waiting(self) -> list[str]:
        """Everything that has arrived already."""
        heard = []
        try:
            while True:
                heard.append(self.next(0.0))
        except BlockingIOError:
            return heard

    def close(self) -> None:
        """Nobody listens any more."""
        self._socket.close()
