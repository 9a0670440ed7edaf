"""Runs a command with no other system calls than a unit allows: ``python seccomp.py UNIT COMMAND``.

What ``SystemCallFilter=`` means comes from systemd itself (``systemd-analyze syscall-filter``);
libseccomp, which systemd needs too, applies it to this process and all that it starts.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from errno import EPERM
from pathlib import Path

_SETTING = "SystemCallFilter="
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | EPERM  # SCMP_ACT_ALLOW, SCMP_ACT_ERRNO


def group(name: str) -> set[str]:
    """The system calls of a group such as ``@system-service``."""
    shown = subprocess.run(
        ["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True
    )
    calls: set[str] = set()
    for line in map(str.strip, shown.stdout.splitlines()[1:]):
        if line and not line.startswith("#"):
            calls |= group(line) if line.startswith("@") else {line}
    return calls


def allowed(unit: Path) -> set[str]:
    """The system calls that a unit leaves to its service."""
    calls = group("@default")
    for line in unit.read_text(encoding="utf-8").splitlines():
        if line.startswith(_SETTING):
            value = line.removeprefix(_SETTING)
            for name in value.removeprefix("~").split():
                named = group(name) if name.startswith("@") else {name}
                calls = calls - named if value.startswith("~") else calls | named
    return calls


def restrict(calls: set[str]) -> None:
    """Refuse every other system call from now on, as ``SystemCallErrorNumber=EPERM`` does."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(_REFUSE))
    for name in sorted(calls):
        number = library.seccomp_syscall_resolve_name(name.encode())
        # Calls of other processors have negative numbers.
        if number >= 0 and library.seccomp_rule_add(context, _ALLOW, number, 0) != 0:
            raise OSError(f"{name}: libseccomp refuses the rule")
    if library.seccomp_load(context) != 0:
        raise OSError("the kernel refuses the filter")


if __name__ == "__main__":
    restrict(allowed(Path(sys.argv[1])))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the command that was given
