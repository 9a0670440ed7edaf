"""``kikimimi scan``: the alerts of an archive of recordings, as tables, on all cores."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from agent.archive.records import Identity
from agent.archive.work import Job, Worker
from agent.capture.soundfiles.folders import passed_over_lines
from agent.capture.soundfiles.kinds import READ
from agent.cli import file_hearing
from agent.core.errors import ConfigError, Problem
from agent.core.names import shown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from agent.archive.records import FileRecord
    from agent.archive.scan import Summary

_ENDING = ".parquet"
_HOUR_S = 3_600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``kikimimi scan``."""
    parser.add_argument(
        "recordings",
        nargs="+",
        metavar="FILE|FOLDER|PATTERN",
        help=f"{READ}; of a folder all that lie in it, at any depth",
    )
    file_hearing.add_options(parser)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE.parquet",
        help="table of alerts; that of files and the journal, by which the same command goes on, "
        "lie beside it",
    )
    parser.add_argument(
        "--hop",
        type=float,
        metavar="SECONDS",
        help="from window to window; by default as the box does it. 2 is without overlap: faster, "
        "and short sounds may be missed",
    )
    parser.add_argument(
        "--embed",
        type=Path,
        metavar="FOLDER",
        help="keep the views of all windows there, for kikimimi search; 11 MB an hour of sound",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes; one for each core by default"
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="HOST:PORT of a Ray cluster that runs; recordings, bundle and --embed have to lie "
        "where all its machines have them",
    )


def run(arguments: argparse.Namespace) -> int:
    """Scan; 1 if a file could not be heard."""
    # Here, so that the help needs no extra.
    from agent.archive.scan import Workers, find, scan
    from agent.archive.views import ViewArchive

    _check(arguments)
    out: Path = arguments.out
    found = find(arguments.recordings)
    for line in passed_over_lines(found.passed_over):
        _remark(line)
    hearing, watch = file_hearing.load(arguments, "scan", _remark, arguments.hop)
    tuning, constants = hearing.bundle.manifest.tuning, hearing.bundle.manifest.frontend
    longest_s = tuning.window_frames / constants.frame_rate_hz
    if hearing.hop_s > longest_s:
        remedy = f"write at most {longest_s:g}: what lies between two windows is not heard"
        raise ConfigError([Problem("--hop", f"is {hearing.hop_s:g}", remedy)])
    views = None
    if arguments.embed is not None:
        views = ViewArchive.begin(arguments.embed.absolute(), hearing.bundle)
    job = Job.of(hearing, watch, views)
    count = arguments.workers
    if count is None and arguments.ray is None:
        count = len(os.sched_getaffinity(0))
    with _Watching() as watching:
        try:
            summary = scan(
                out.absolute(),
                Identity.of(hearing, watch, arguments.embed),
                job,
                found.files,
                Workers(count, arguments.ray),
                worker=Worker(job, hearing, watch.matcher),
                begun=watching.begun,
                finished=watching.finished,
                remark=watching.remark,
            )
        except KeyboardInterrupt:
            watching.remark("interrupted; type the same again and it goes on where it was")
            raise
    _tell(out, summary)
    return 1 if summary.unread else 0


def _check(arguments: argparse.Namespace) -> None:
    """Refuse options that cannot be meant.

    Raises:
        ConfigError: one is wrong; names all that are.
    """
    out, problems = arguments.out, []
    if out.suffix != _ENDING:
        problems.append(Problem("--out", f"is {out}", f"write a name that ends in {_ENDING}"))
    if not out.absolute().parent.is_dir():
        folder = f"{out.absolute().parent} is no folder"
        problems.append(Problem("--out", folder, "name a folder that is there"))
    if arguments.workers is not None and arguments.workers < 1:
        problems.append(Problem("--workers", f"is {arguments.workers}", "write 1 or more"))
    if arguments.hop is not None and not arguments.hop > 0.0:
        problems.append(Problem("--hop", f"is {arguments.hop:g}", "write seconds over 0, as 2"))
    if problems:
        raise ConfigError(problems)


class _Watching:
    """How far a scan is: a bar on a terminal, by the bytes of the files; nothing in a log."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("scanning"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[files]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("scanning", total=None, files="")
        self._sizes: dict[str, int] = {}
        self._files = self._done = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begun(self, left: Sequence[Path], damaged: int) -> None:
        """Know what there is to do."""
        self._files = len(left)
        self._sizes = {str(path): _size(path) for path in left}
        self._progress.update(self._task, total=sum(self._sizes.values()), files=self._told())
        if damaged:
            self.remark(f"{damaged} damaged lines of the journal; their files are heard again")

    def finished(self, record: FileRecord) -> None:
        """One file more."""
        self._done += 1
        size = self._sizes.get(record.path, 0)
        self._progress.update(self._task, advance=size, files=self._told())
        for text in record.remarks:
            self.remark(f"{shown(record.path)}: {text}")

    def remark(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(
            f"kikimimi scan: {text}", markup=False, highlight=False, soft_wrap=True
        )

    def _told(self) -> str:
        return f"{self._done} of {self._files} files"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _remark(text: str) -> None:
    print(f"kikimimi scan: {text}", file=sys.stderr)


def _tell(out: Path, summary: Summary) -> None:
    from agent.archive.tables import files_table

    for path, error in summary.unread:
        _remark(f"{shown(path)}: {error}")
    hours = summary.duration_s / _HOUR_S
    kept_back = f", {summary.suppressed} more kept back by their cooldown"
    print(
        f"{summary.files} files, {hours:.2f} hours, {summary.alerts} alerts"
        f"{kept_back if summary.suppressed else ''}; {len(summary.unread)} files not heard"
    )
    print(f"alerts: {shown(out)}")
    print(f"files:  {shown(files_table(out))}")
