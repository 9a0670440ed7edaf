"""One worker of a scan: hears files one after the other, by the same core as the running box."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from agent.alerts.recorded import RecordedAlert
from agent.archive.records import FileRecord
from agent.bundle import loading as bundles
from agent.core.errors import AudioFileError, BundleError, reason
from agent.core.names import shown
from agent.core.records import Provenance, Step
from agent.hearing.files import FileHearing
from agent.hearing.recogniser import Recogniser
from agent.matcher.matcher import Matcher

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from agent.alerts.alerts import Wording
    from agent.archive.views import ViewArchive
    from agent.core.records import Views, Window
    from agent.detector.rule import Policy
    from agent.matcher.prototypes import BackgroundStatistics, PrototypeSet
    from agent.watchlist.watchlist import Watchlist


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker has to know, on this machine or on another one."""

    bundle: Path | None
    """Its folder; ``None``: the one that ships with the package."""
    sha256: str
    """Of the bundle's manifest: another machine may have another bundle there."""
    tower: str
    """File of the audio tower: all machines hear alike, whatever their processors."""
    hop_s: float
    channels: tuple[int, ...] | None
    prototypes: PrototypeSet
    statistics: BackgroundStatistics
    policies: Mapping[str, Policy]
    wordings: Mapping[str, Wording]
    provenance: Provenance
    views: ViewArchive | None
    """Where the views of windows are kept; nowhere if ``None``."""

    @classmethod
    def of(cls, hearing: FileHearing, watch: Watchlist, views: ViewArchive | None) -> Self:
        """That of a scan."""
        bundle = hearing.bundle
        return cls(
            bundle=None if bundle.folder == bundles.DEFAULT else bundle.folder.absolute(),
            sha256=bundle.sha256,
            tower=bundle.audio_tower.name,
            hop_s=hearing.hop_s,
            channels=hearing.channels,
            prototypes=watch.matcher.prototypes,
            statistics=watch.matcher.statistics,
            policies=watch.policies,
            wordings=watch.wordings,
            provenance=Provenance(bundle.digest, watch.digest),
            views=views,
        )


@dataclass(frozen=True, slots=True)
class Worker:
    """Hears files; each is a source that begins and ends with it."""

    job: Job
    hearing: FileHearing
    matcher: Matcher

    @classmethod
    def of(cls, job: Job) -> Self:
        """Load what the job asks for.

        Raises:
            BundleError: this machine has another bundle, or a damaged one.
        """
        bundle = bundles.load(job.bundle)
        if bundle.sha256 != job.sha256:
            raise BundleError(
                f"{bundle.folder}: is bundle {bundle.title} ({bundle.digest[:19]}), not the one of "
                f"this scan (sha256:{job.sha256[:12]}); install the same on each machine"
            )
        bundle = replace(bundle, tower=job.tower)
        hearing = replace(FileHearing.of(bundle, job.hop_s), channels=job.channels)
        return cls(job, hearing, Matcher(job.prototypes, job.statistics))

    def hear(self, path: Path) -> FileRecord:
        """All of a file, or why it cannot be heard: never half of it.

        Raises:
            ArchiveError: its views cannot be kept.
            BundleError: the tower cannot be run, as for want of memory.
        """
        try:
            before = path.stat()
        except OSError as error:
            return FileRecord(str(path), 0, 0, error=f"{reason(error)}; name a file that is there")
        heard = _Heard(path, self.job)
        hearing = replace(self.hearing, remark=heard.remark)
        recogniser = Recogniser(self.matcher, self.job.policies, hearing.rate_hz)
        try:
            with _kept(self.job.views, path) as keep:
                windows = heard.counted(hearing.embedded(path), keep)
                for detection in recogniser.detections(windows):
                    if detection.step is Step.END:
                        heard.alerts.append(
                            RecordedAlert.of(
                                shown(path), detection, self.job.wordings, self.job.provenance
                            )
                        )
                _refuse_changed(path, before)
        except AudioFileError as error:
            found = str(error).removeprefix(f"{shown(path)}: ")
            return FileRecord(str(path), before.st_size, before.st_mtime_ns, error=found)
        return FileRecord(
            str(path),
            before.st_size,
            before.st_mtime_ns,
            duration_s=round(heard.ends_at, 3),
            windows=heard.windows,
            suppressed=recogniser.suppressed,
            remarks=tuple(heard.remarks),
            alerts=tuple(sorted(heard.alerts, key=lambda one: (one.start, one.error_id))),
        )


@dataclass(slots=True)
class _Heard:
    """What comes together while a file is heard."""

    path: Path
    job: Job
    windows: int = 0
    ends_at: float = 0.0
    remarks: list[str] = field(default_factory=list)
    alerts: list[RecordedAlert] = field(default_factory=list)

    def remark(self, text: str) -> None:
        self.remarks.append(text.removeprefix(f"{shown(self.path)}: "))

    def counted(
        self,
        embedded: Iterator[tuple[list[Window], Views]],
        keep: Callable[[Sequence[Window], Views], None],
    ) -> Iterator[tuple[list[Window], Views]]:
        """The same windows, each counted and kept on the way."""
        for windows, views in embedded:
            keep(windows, views)
            self.windows += len(windows)
            self.ends_at = windows[-1].ends_at
            yield windows, views


@contextmanager
def _kept(
    archive: ViewArchive | None, path: Path
) -> Iterator[Callable[[Sequence[Window], Views], None]]:
    """What takes the windows of a file with their views."""
    if archive is None:
        yield lambda _windows, _views: None
        return
    from agent.archive.views import writing

    with writing(archive, path) as keep:
        yield keep


def _refuse_changed(path: Path, before: os.stat_result) -> None:
    """Refuse a file that was written while it was heard: half of it is another file's.

    Raises:
        AudioFileError: it was.
    """
    try:
        after = path.stat()
    except OSError as error:
        raise AudioFileError(f"{path}: {reason(error)}; name a file that stays") from error
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise AudioFileError(
            f"{path}: was written while it was heard; type the same again when it is whole"
        )
