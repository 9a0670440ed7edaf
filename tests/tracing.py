"""What a command and all that it starts ask of the kernel, as strace tells it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PATIENCE_S = 300.0
NAME_SERVICE = frozenset({Path("/etc/resolv.conf"), Path("/etc/hosts")})
"""Whoever looks up a name reads one of these first; an address in numbers needs neither."""

_REACHING = ("connect", "sendto", "sendmsg", "sendmmsg")
_OPENING = ("open", "openat", "openat2")
# What makes a file or folder, or changes its name.
_MAKING = ("creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2")
_MAKING += ("link", "linkat", "symlink", "symlinkat")
_CALL = re.compile(r"(?P<name>\w+)\((?P<rest>.*)")
_PEER = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"')
_LISTENER = re.compile(r"<TCP(?:v6)?:\[\[?([^]]+?)]?:(\d+)]>")
# A path, and the folder that it starts from.
_PATH = re.compile(r'(?:\w+<([^>]*)>, )?"([^"]*)"')
_FOR_WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT")


@dataclass(frozen=True, slots=True)
class Address:
    """Where something listens, or is sent to."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Trace:
    """All that was asked for, whether or not it was granted."""

    contacts: frozenset[Address]
    """Where connections and datagrams went, but to what the traced processes listen on."""
    listeners: frozenset[Address]
    opened: frozenset[Path]
    """Files to read."""
    written: frozenset[Path]
    """Files and folders to make, to write or to rename."""
    programs: frozenset[str]
    """Command lines, as strace quotes them."""

    @property
    def looks_up_names(self) -> bool:
        """Whether any name was looked up, at a server or in a file."""
        return bool(self.opened & NAME_SERVICE)


@dataclass(frozen=True, slots=True)
class Traced:
    """A command that runs under strace."""

    process: subprocess.Popen[str]
    folder: Path
    cwd: Path

    def wait_for(self, *texts: str) -> None:
        """Block until it has said all of these, in any order."""
        assert self.process.stdout is not None
        said: list[str] = []
        for line in self.process.stdout:
            said.append(line)
            if all(any(text in one for one in said) for text in texts):
                return
        pytest.fail("".join(said[-20:]))

    def stop(self) -> None:
        """Ask it to end, as systemd does."""
        tracer = self.process.pid
        children = Path(f"/proc/{tracer}/task/{tracer}/children").read_text(encoding="ascii")
        os.kill(int(children.split()[0]), signal.SIGTERM)

    def end(self, timeout_s: float = PATIENCE_S) -> str:
        """Wait for its end; gives what it said since."""
        return self.process.communicate(timeout=timeout_s)[0]

    def trace(self) -> Trace:
        """What it has asked for; complete once it has ended."""
        return _read(self.folder, self.cwd)


@contextmanager
def traced(
    folder: Path, command: Sequence[str | Path], environment: Mapping[str, str], cwd: Path
) -> Iterator[Traced]:
    """Run a command under strace; at the end of the ``with`` it is killed if it still runs.

    Args:
        folder: where strace writes; made.
        command: what to run.
        environment: the whole of it.
        cwd: where to run it; relative paths are taken to start there.
    """
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: script/bootstrap test installs it")
    folder.mkdir()
    calls = ["execve", "listen", *_REACHING, *_OPENING, *_MAKING]
    # A file for each thread: no call of one is split by those of another. Not every processor has
    # every call, hence the question marks.
    options = ["-ff", "-qq", "-yy", "--seccomp-bpf", "-o", str(folder / "thread")]
    options += ["-e", "trace=" + ",".join("?" + name for name in calls)]
    process = subprocess.Popen(
        ["strace", *options, *map(str, command)],
        env=dict(environment),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield Traced(process, folder, cwd)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _read(folder: Path, cwd: Path) -> Trace:
    contacts, listeners = set[Address](), set[Address]()
    opened, written, programs = set[Path](), set[Path](), set[str]()
    for file in folder.iterdir():
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            call = _CALL.match(line)
            if call is None:  # a signal, or the end
                continue
            name, rest = call["name"], call["rest"]
            if name == "execve":
                programs.add(rest)
            elif name == "listen":
                listeners |= {Address(host, int(port)) for host, port in _LISTENER.findall(rest)}
            elif name in _REACHING:
                contacts |= {Address(host, int(port)) for port, host in _PEER.findall(rest)}
            else:
                reading = name in _OPENING and not _FOR_WRITING.search(rest)
                (opened if reading else written).update(
                    Path(cwd, start, path) for start, path in _PATH.findall(rest)
                )
    assert programs, f"strace has told nothing in {folder}"
    return Trace(
        frozenset(contacts - listeners),
        frozenset(listeners),
        frozenset(opened),
        frozenset(written),
        frozenset(programs),
    )
