"""The real agent as a child process: what the demo shows and the benchmark measures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from agent.config import ENVIRONMENT
from agent.core.errors import KikimimiError
from agent.run.systemd import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_STOP_S = 15.0
_POLL_S = 0.02
_LOG_LINES = 5


class Child:
    """A running ``kikimimi run``."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self._read_bytes = 0

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has come to its end."""
        return self._process.poll() is not None

    @property
    def status(self) -> int | None:
        """Its exit status; ``None`` while it runs."""
        return self._process.poll()

    def new_events(self) -> list[dict[str, Any]]:
        """What its log, which is JSON, tells since the last call; half a line waits for its end."""
        with self._log.open("rb") as file:
            file.seek(self._read_bytes)
            whole, end, _ = file.read().rpartition(b"\n")
        self._read_bytes += len(whole) + len(end)
        events = []
        for line in whole.splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:
                continue  # a library wrote to standard error
        return events

    def check(self) -> None:
        """Tell if it failed.

        Raises:
            KikimimiError: it has ended with an error; holds the last lines of its log.
        """
        status = self._process.poll()
        if status:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
            last = "\n  ".join(lines[-_LOG_LINES:])
            raise KikimimiError(f"the agent ended with status {status}; its last lines:\n  {last}")

    def wait_for_event(self, event: str, timeout_s: float) -> None:
        """Block until its log names an event.

        Raises:
            KikimimiError: it ended before, or did not in time.
        """
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            if f'"event": "{event}"' in self._log.read_text(encoding="utf-8", errors="replace"):
                return
            self.check()
            if self.ended:
                break
            time.sleep(_POLL_S)
        raise KikimimiError(f"the agent did not come to '{event}' within {timeout_s:g} s")


@contextmanager
def running_agent(
    folder: Path,
    settings: Mapping[str, Any],
    variables: Mapping[str, str] | None = None,
    *,
    program: Sequence[str] = ("agent", "run"),
) -> Iterator[Child]:
    """Run the agent with some settings for as long as the context lasts.

    Args:
        folder: for its configuration and its log.
        settings: what ``agent.yaml`` would hold.
        variables: of its environment, beside those of this process.
        program: the module that runs it, and its arguments.
    """
    config, log = folder / "agent.yaml", folder / "agent.log"
    # JSON is YAML; settings of the shell that started this must not change what is shown.
    config.write_text(json.dumps(settings, ensure_ascii=False), encoding="utf-8")
    kept = os.environ.keys() - ENVIRONMENT.keys() - VARIABLES
    environment = {name: os.environ[name] for name in kept} | dict(variables or {})
    command = [sys.executable, "-m", *program, "--config", str(config)]
    with log.open("wb") as output:
        process = _start(command, output, environment)
        try:
            yield Child(process, log)
        finally:
            end(process, _STOP_S)


def end(process: subprocess.Popen[Any], wait_s: float) -> None:
    """End a process, by force where it does not listen."""
    process.terminate()
    try:
        process.wait(wait_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _start(
    command: list[str], output: IO[bytes], environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
    )
