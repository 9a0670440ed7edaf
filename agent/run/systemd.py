"""Tells systemd how the agent is doing: starting, ready, reloading, stopping, alive.

The protocol of ``sd_notify(3)``: each message is one datagram of ``NAME=value`` lines to the
socket that ``NOTIFY_SOCKET`` names. Without one, nothing is sent. A message that cannot be sent
is counted and never stops the agent: it listens whether systemd knows or not.
"""

from __future__ import annotations

import logging
import os
import socket
from typing import TYPE_CHECKING, TypeVar

from agent.config import fields
from agent.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.core.clock import Clock
    from agent.run.health import State

    T = TypeVar("T")

SOCKET_VARIABLE = "NOTIFY_SOCKET"
WATCHDOG_VARIABLE = "WATCHDOG_USEC"
WATCHDOG_PID_VARIABLE = "WATCHDOG_PID"
VARIABLES = frozenset({SOCKET_VARIABLE, WATCHDOG_VARIABLE, WATCHDOG_PID_VARIABLE})
"""What a service manager tells its own process, and no child of it."""

_LONGEST_US = 10**15 - 1
_LAST_PID = 2**31 - 1
# The loop that scores must not wait longer than this for a service manager that is busy.
_SEND_S = 1.0
_RETRY_S = 1.0
_STATUS_S = 1.0
# systemd ignores datagrams of more than 4096 bytes.
_MOST_STATUS_BYTES = 2_000

_log = logging.getLogger(__name__)


class Notifier:
    """One process's messages to its service manager; used by one thread."""

    def __init__(self, address: str | None, watchdog_s: float | None, clock: Clock) -> None:
        """Send nothing yet.

        Args:
            address: of the manager's datagram socket: a path, or ``@`` and an abstract name;
                ``None`` if there is no manager.
            watchdog_s: the manager restarts a process that was silent for so long; ``None`` if
                it does not.
            clock: only its monotonic time is used.
        """
        self._address = address
        self._period_s = None if watchdog_s is None else watchdog_s / 2
        self._clock = clock
        self._beat_due_s = float("-inf")
        self._status_due_s = float("-inf")
        self._status = ""
        self.errors = 0
        """Messages that could not be sent."""

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int, clock: Clock) -> Notifier:
        """A notifier as the environment of a process asks for it.

        Args:
            environ: the environment variables.
            pid: of this process; a watchdog that was meant for another is none of its business.
            clock: measures the time between two signs of life.

        Raises:
            ConfigError: one of systemd's variables holds what systemd never writes.
        """
        address = _variable(environ, SOCKET_VARIABLE, _socket_address)
        watchdog_us = _variable(environ, WATCHDOG_VARIABLE, fields.integer(1, _LONGEST_US))
        watched = _variable(environ, WATCHDOG_PID_VARIABLE, fields.integer(1, _LAST_PID))
        mine = watched is None or watched == pid
        return cls(address, watchdog_us / 1e6 if watchdog_us and mine else None, clock)

    def ready(self) -> None:
        """The start, or a reload, is complete."""
        self._send("READY=1")

    def reloading(self) -> None:
        """A reload begins; :meth:`ready` ends it, whether it was a success or not."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={round(self._clock.monotonic() * 1e6)}")

    def stopping(self) -> None:
        """The process is about to end."""
        self._send("STOPPING=1\nSTATUS=stopping")

    def beat(self) -> None:
        """The loop that calls this still turns; sent once in half of the time that is allowed."""
        now_s = self._clock.monotonic()
        if self._period_s is None or now_s < self._beat_due_s:
            return
        sent = self._send("WATCHDOG=1")
        self._beat_due_s = now_s + (self._period_s if sent else min(self._period_s, _RETRY_S))

    @property
    def status_due(self) -> bool:
        """Whether somebody reads a status and the last one is a moment ago."""
        return self._address is not None and self._clock.monotonic() >= self._status_due_s

    def status(self, text: str) -> None:
        """Say in a line how the process is doing, for ``systemctl status``, if it is news."""
        line = _one_line(text)
        self._status_due_s = self._clock.monotonic() + _STATUS_S
        if line != self._status and self._send(f"STATUS={line}"):
            self._status = line

    def _send(self, message: str) -> bool:
        """Send one datagram; whether that went well."""
        address = self._address
        if address is None:
            return True
        if address.startswith("@"):
            address = "\0" + address[1:]
        try:
            # Opened anew each time: systemd may have been started again behind the same name.
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.settimeout(_SEND_S)
                channel.sendto(message.encode("utf-8", "replace"), os.fsencode(address))
        except OSError as error:
            self.errors += 1
            if self.errors == 1:
                reason = f"{SOCKET_VARIABLE} {self._address}: {error}"
                _log.warning("service_manager_unreachable", extra={"reason": reason})
            return False
        return True


def status_line(state: State, sources: Mapping[str, str], reasons: Mapping[str, str]) -> str:
    """What ``systemctl status`` shows of health: ``degraded (mic1 lost): source mic1: … | …``.

    Args:
        state: of the box.
        sources: state of each source by name.
        reasons: what is wrong, by part.
    """
    head = f"{state.value} ({', '.join(f'{name} {now}' for name, now in sources.items())})"
    wrong = " | ".join(f"{part}: {reason}" for part, reason in reasons.items())
    return f"{head}: {wrong}" if wrong else head


def _variable(environ: Mapping[str, str], name: str, convert: Callable[[str], T]) -> T | None:
    """The value of a variable; ``None`` if it is not set.

    Raises:
        ConfigError: it is set to something else.
    """
    raw = environ.get(name)
    if not raw:
        return None
    try:
        return convert(raw)
    except ValueError as error:
        problem = Problem(f"environment variable {name}", f"is {raw[:60]!r}", str(error))
        raise ConfigError([problem]) from error


def _socket_address(raw: str) -> str:
    if raw[0] not in "/@" or len(raw) == 1:
        raise ValueError("write the path of a socket, or '@' and its abstract name, or unset it")
    return raw


def _one_line(text: str) -> str:
    """A text without what would begin another line of the message, not longer than systemd takes.

    Reasons quote files that people write: a line break in one must not become a ``MAINPID=``.
    """
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    data = line.encode("utf-8", "replace")
    if len(data) <= _MOST_STATUS_BYTES:
        return line
    return data[:_MOST_STATUS_BYTES].decode("utf-8", "ignore") + "…"
