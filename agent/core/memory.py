"""How the process takes memory from the system, and gives it back; and how much there is."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

_M_MMAP_THRESHOLD = -3
"""Of mallopt(3)."""
_MEMINFO = Path("/proc/meminfo")
_AVAILABLE = re.compile(r"^MemAvailable: +(\d+) kB$", re.MULTILINE)
LARGE = 256 * 1024
"""Bytes of a block that the system is asked for by itself."""


def give_back_large_blocks() -> None:
    """Have freed blocks of :data:`LARGE` and more given back to the system at once.

    glibc does so too, but its limit rises to 32 MiB with what is freed. Half a minute of sound
    then comes out of the heap of its thread, and what lies above keeps that from ever shrinking:
    a box that writes clips held 25 MiB more, and not the same every hour. Under another C library
    nothing is changed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE)


def give_back_what_is_free() -> None:
    """Give the system back what lies free in the heaps of all threads.

    For after a large piece of work that is seldom done; it takes some milliseconds. Under another
    C library than glibc nothing happens.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def available_bytes(meminfo: Path = _MEMINFO) -> int | None:
    """Memory that programs can have without swapping, as Linux tells it; ``None`` elsewhere."""
    try:
        found = _AVAILABLE.search(meminfo.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):
        return None
    return None if found is None else 1024 * int(found[1])
