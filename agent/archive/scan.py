"""A scan: files to alerts, on one core or many; what is finished is never done twice."""

from __future__ import annotations

import glob
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agent.archive import journal, tables
from agent.archive.journal import Journal
from agent.archive.work import Worker
from agent.capture.soundfiles.folders import Found, find_sounds
from agent.core.errors import ArchiveError, AudioFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from agent.archive.records import FileRecord, Identity
    from agent.archive.work import Job

_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Workers:
    """Who hears the files."""

    count: int | None
    """``None``: as many as the cluster has cores."""
    ray: str | None = None
    """Address of a cluster; this machine alone if ``None``."""


@dataclass(slots=True)
class Summary:
    """What a scan came to; files that were finished before count."""

    files: int = 0
    alerts: int = 0
    suppressed: int = 0
    duration_s: float = 0.0
    unread: list[tuple[str, str]] = field(default_factory=list)
    """Files that could not be heard, each with the reason."""


def find(named: Sequence[str]) -> Found:
    """The recordings that were named: files, folders and patterns such as ``2026-*/*.flac``.

    Returns:
        Each file once, by its absolute path, and what was passed over in folders.

    Raises:
        AudioFileError: one is not there, or a pattern fits nothing.
    """
    paths: list[Path] = []
    for name in named:
        if _MAGIC & set(name) and not Path(name).exists():
            fits = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 # may begin with /
            if not fits:
                raise AudioFileError(f"{name}: fits no file; name a pattern that does")
            paths += map(Path, fits)
        else:
            paths.append(Path(name))
    found = find_sounds(paths)
    files = tuple(sorted({path.absolute() for path in found.files}))
    return Found(files, found.passed_over)


def scan(
    out: Path,
    identity: Identity,
    job: Job,
    files: Sequence[Path],
    workers: Workers,
    *,
    worker: Worker | None = None,
    begun: Callable[[Sequence[Path], int], None] = lambda _files, _damaged: None,
    finished: Callable[[FileRecord], None] = lambda _record: None,
    remark: Callable[[str], None] = lambda _text: None,
) -> Summary:
    """Hear files that were not heard before, and write the tables of all.

    Args:
        out: path of the table of alerts; the journal and the table of files lie beside it.
        identity: what alerts follow from; the journal has to be of the same.
        job: for the workers.
        files: absolute paths.
        workers: who hears them.
        worker: one that is ready, for a scan without Ray.
        begun: told which files are left to be heard, and how many records were damaged.
        finished: told of each file that was heard now.
        remark: told, in a line, what a person may want to know meanwhile.

    Raises:
        ArchiveError: the journal is another scan's, or nothing can be written; what was finished
            stays.
        KikimimiError: the model cannot be run.
    """
    kept = journal.of(out)
    if out.exists() and not kept.exists():
        raise ArchiveError(
            f"{out}: is there already, and without {kept.name}, which says what it holds; name "
            "another --out, or delete it"
        )
    with Journal.open(kept, identity) as known:
        left = [path for path in files if not known.heard(path)]
        begun(left, known.damaged)
        # A generator that is left alone would end its workers whenever it is collected.
        with closing(_heard(job, left, workers, worker, remark)) as heard:
            for record in heard:
                known.add(record)
                finished(record)
        summary = Summary()
        tables.write(out, (_counted(record, summary) for record in known.records()), identity)
    return summary


def _heard(
    job: Job,
    files: Sequence[Path],
    workers: Workers,
    worker: Worker | None,
    remark: Callable[[str], None],
) -> Generator[FileRecord]:
    """What becomes of each file, as it is finished."""
    if not files:
        return
    if workers.ray is None and (workers.count == 1 or len(files) == 1):
        alone = worker or Worker.of(job)
        yield from map(alone.hear, files)
        return
    from agent.archive import pool  # Ray is loaded where it is needed

    # The longest first: the last ones to be finished are short, and no worker waits for long.
    sizes = {path: path.stat().st_size if path.exists() else 0 for path in files}
    ordered = sorted(files, key=lambda path: (-sizes[path], path))
    with pool.started(workers.count, workers.ray) as count:
        yield from pool.Pool(job, remark).heard(ordered, count)


def _counted(record: FileRecord, summary: Summary) -> FileRecord:
    summary.files += 1
    summary.alerts += len(record.alerts)
    summary.suppressed += record.suppressed
    summary.duration_s += record.duration_s
    if record.error:
        summary.unread.append((record.path, record.error))
    return record
