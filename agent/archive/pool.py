"""Workers of a scan on all cores of one machine or of a cluster: actors of Ray.

A worker that dies loses nothing: its file goes to another one. Ray is asked for processes and for
their ends, no more; what they do is :class:`agent.archive.work.Worker`'s.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError, RayTaskError

from agent.archive.records import FileRecord
from agent.archive.work import Worker
from agent.core.errors import ArchiveError, KikimimiError, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent.archive.work import Job

MOST_DEATHS = 3
"""Workers that may die of one file; then it is told as one that cannot be heard."""

_STORE_BYTES = 160 << 20  # of Ray's shared memory: only the job passes through it
_WAIT_S = 30.0


class _Actor:
    """A worker in a process of its own."""

    def prepare(self, job: Job) -> None:
        """Load what the job asks for."""
        self._worker = Worker.of(job)

    def hear(self, path: str) -> FileRecord:
        """As the worker does."""
        return self._worker.hear(Path(path))


@contextmanager
def started(workers: int | None, address: str | None) -> Iterator[int]:
    """Ray, on this machine or at the address of a cluster.

    Args:
        workers: that are wanted; as many as the cluster has cores if ``None``.
        address: of a cluster that runs, ``HOST:PORT``; this machine alone if ``None``.

    Yields:
        How many workers there will be.

    Raises:
        ArchiveError: there is no cluster at the address, or Ray cannot be started.
    """
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    with tempfile.TemporaryDirectory(prefix="kikimimi-", ignore_cleanup_errors=True) as folder:
        here: dict[str, Any] = {
            "address": "local",
            "num_cpus": workers,
            "include_dashboard": False,
            "object_store_memory": _STORE_BYTES,
            "_temp_dir": folder,
        }
        where = here if address is None else {"address": address}
        if address is None:
            # Only this scan may talk to its processes. Without a token of its own, Ray would make
            # one in the home folder.
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        try:
            ray.init(**where, **quiet)
        except Exception as error:  # Ray's errors have no base of their own
            found = (reason(error) or type(error).__name__).splitlines()[0]
            if address is None:
                raise ArchiveError(
                    f"Ray cannot be started ({found}); give this machine less to do meanwhile, or "
                    "scan with --workers 1, without it"
                ) from error
            raise ArchiveError(
                f"{address}: no Ray cluster can be reached ({found}); start one with 'ray start "
                "--head --port 6379' and name its address and port with --ray"
            ) from error
        try:
            there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
            yield workers or max(1, int(there.get("CPU", 1)))
        finally:
            ray.shutdown()


@dataclass(slots=True)
class Pool:
    """Hands files to workers as they become free, within :func:`started`."""

    job: Job
    remark: Callable[[str], None]
    """Told, in a line, when a worker died."""
    _job: Any = None
    _busy: dict[Any, tuple[Any, str | None]] = field(default_factory=dict)
    """What is waited for, with the worker and its file; without one while it prepares."""
    _deaths: dict[str | None, int] = field(default_factory=dict)
    _told: bool = False

    def heard(self, files: Sequence[Path], workers: int) -> Iterator[FileRecord]:
        """What becomes of each file, in the order in which they are finished.

        Raises:
            ArchiveError: workers die before they have heard anything.
            KikimimiError: whatever ends a scan on one machine.
        """
        self._job = ray.put(self.job)
        waiting = deque(map(str, files))
        for _ in range(min(workers, len(waiting))):
            self._hire()
        while waiting or any(path for _, path in self._busy.values()):
            done, _ = ray.wait(list(self._busy), num_returns=1, timeout=_WAIT_S)
            if not done:
                self._tell_waiting()
            for one in done:
                record = self._answer(one, waiting)
                if record is not None:
                    self._deaths.pop(None, None)
                    yield record

    def _answer(self, one: Any, waiting: deque[str]) -> FileRecord | None:
        """What a worker gave; it, or another one in its place, goes on with the next file."""
        actor, path = self._busy.pop(one)
        try:
            record: FileRecord | None = ray.get(one)
        except RayTaskError as error:
            raise _cause(error) from error
        except RayError:  # the worker, its machine or what it answered is gone
            record = self._died(path, waiting)
            if waiting:
                self._hire()
        else:
            if waiting:
                self._give(actor, waiting.popleft())
        return record

    def _hire(self) -> None:
        """Start a worker; it is given a file when it is ready."""
        actor: Any = ray.remote(num_cpus=1, max_restarts=0)(_Actor).remote()
        self._busy[actor.prepare.remote(self._job)] = (actor, None)

    def _give(self, actor: Any, path: str) -> None:
        self._busy[actor.hear.remote(path)] = (actor, path)

    def _tell_waiting(self) -> None:
        """Say once that nothing goes on for want of a core."""
        if not self._told and not any(path for _, path in self._busy.values()):
            self._told = True
            self.remark("no core of the cluster is free; waiting for one")

    def _died(self, path: str | None, waiting: deque[str]) -> FileRecord | None:
        """A worker is gone: its file is heard again, unless it ends one after the other."""
        deaths = self._deaths[path] = self._deaths.get(path, 0) + 1
        if path is None:
            if deaths >= MOST_DEATHS:
                raise ArchiveError(
                    f"{deaths} workers ended before they heard anything; see that each machine has "
                    "kikimimi[archive] installed and memory left"
                )
            return None
        if deaths < MOST_DEATHS:
            self.remark(f"{path}: the worker that heard it died; another one hears it")
            waiting.appendleft(path)
            return None
        found = f"{deaths} workers that heard it died; give them more memory, or look at the file"
        return FileRecord(path, 0, 0, error=found)


def _cause(error: RayTaskError) -> BaseException:
    """What a worker raised: our own errors as they are."""
    cause: BaseException | None = error.cause
    return cause if isinstance(cause, KikimimiError) else error
