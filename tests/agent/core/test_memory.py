"""What is freed goes back to the system."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

_CHILD = """
import ctypes, sys
from agent.core.memory import LARGE, give_back_large_blocks

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.mallinfo2.restype = Info
if sys.argv[1] == "fixed":
    give_back_large_blocks()
libc.free(libc.malloc(16 * LARGE))  # after which glibc would keep so much itself
before = libc.mallinfo2().hblks
block = libc.malloc(2 * LARGE)
print(libc.mallinfo2().hblks - before)
libc.free(block)
print(libc.mallinfo2().hblks - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="not glibc 2.33 or later")
@pytest.mark.parametrize(("how", "mapped"), [("fixed", ["1", "0"]), ("as it is", ["0", "0"])])
def test_large_blocks_are_mapped_alone_even_after_larger_ones_were_freed(
    how: str, mapped: list[str]
) -> None:
    """Without it, glibc would keep the block in the heap, and with it whatever lies below."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, how], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == mapped


_BETWEEN = """
import ctypes
from agent.core.memory import give_back_what_is_free

def resident():
    status = open("/proc/self/status").read().split("VmRSS:")[1]
    return int(status.split()[0]) // 1024

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
size = 64 * 1024
blocks = [libc.malloc(size) for _ in range(1024)]
for block in blocks:
    ctypes.memset(block, 1, size)
for block in blocks[:-1]:  # the last one keeps the heap from shrinking
    libc.free(block)
before = resident()
give_back_what_is_free()
print(before - resident())
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")
def test_what_is_free_below_what_is_used_goes_back() -> None:
    """Of 64 MiB that were freed below a block in use, hardly any is left."""
    done = subprocess.run(
        [sys.executable, "-c", _BETWEEN], check=True, capture_output=True, text=True
    )
    assert int(done.stdout) > 50
