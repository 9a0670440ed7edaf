"""The two clocks of the box, passed into whatever needs the time so that tests can turn them."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

# systemd-timesyncd makes this file once it has set the clock from the network.
_SYNCHRONISED = Path("/run/systemd/timesync/synchronized")


class Clock(Protocol):
    """What the stages ask of a clock."""

    def now(self) -> float:
        """UTC time, seconds since the epoch. May jump."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start. Never jumps."""

    def synced(self) -> bool:
        """Whether the operating system says that UTC was set from a reference."""


class SystemClock:
    """The clocks of the operating system."""

    def now(self) -> float:
        """UTC time, seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()

    def synced(self) -> bool:
        """Whether the kernel or the time daemon says that UTC was set from a reference."""
        return _SYNCHRONISED.exists() or _kernel_synced()


def _kernel_synced() -> bool:
    """What the kernel's clock discipline says; ``False`` where it cannot be asked.

    Works with any time daemon: chrony, ntpd and systemd-timesyncd all clear ``STA_UNSYNC``, and
    the kernel sets it again when they have been silent for too long.
    """
    time_error = 5
    return 0 <= kernel_state() < time_error


def kernel_state() -> int:
    """What ``adjtimex`` answers, which changes nothing: 0 to 4 synchronised, 5 not, -1 refused."""
    import ctypes

    ask = _adjtimex()
    if ask is None:
        return -1
    timex, adjtimex = ask
    return int(adjtimex(ctypes.byref(timex(modes=0))))


@cache
def _adjtimex() -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """The structure that ``adjtimex`` fills, and the call; ``None`` where there is none.

    Made once: to define a structure takes a hundred times as long as the call.
    """
    import ctypes

    class Timex(ctypes.Structure):
        _fields_ = (
            ("modes", ctypes.c_uint),
            ("padding", ctypes.c_int),
            ("offset", ctypes.c_long),
            ("freq", ctypes.c_long),
            ("maxerror", ctypes.c_long),
            ("esterror", ctypes.c_long),
            ("status", ctypes.c_int),
            ("rest", ctypes.c_byte * 256),
        )

    try:
        return Timex, ctypes.CDLL(None).adjtimex
    except (AttributeError, OSError):
        return None
