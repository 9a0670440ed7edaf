"""``kikimimi calibrate``: hears the site's background and sets the thresholds by it."""

from __future__ import annotations

import fcntl
import signal
import sys
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent import descriptions as descriptions_file
from agent.bundle import loading as bundles
from agent.capture.soundfiles.folders import find_sounds
from agent.cli.calibrate.listening import Took, hear_files, listen
from agent.cli.calibrate.report import Progress, Report, read_span
from agent.cli.options import add_site, site_settings
from agent.config import channels
from agent.core import folders
from agent.core.clock import SystemClock
from agent.core.errors import ConfigError, Problem, StoreError, failing_as
from agent.encoder.choice import with_fastest_tower
from agent.watchlist.calibration import index as indices
from agent.watchlist.calibration import site
from agent.watchlist.calibration.applied import unusable
from agent.watchlist.calibration.drift import Reference
from agent.watchlist.calibration.index import Index
from agent.watchlist.calibration.parts import FOLDER, KEEP_HOURS, PartWriter
from agent.watchlist.calibration.whole_box import whole_box
from agent.watchlist.site import operator_findings
from agent.watchlist.watchlist import wanted_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from agent.bundle.loading import Bundle
    from agent.config import Settings
    from agent.descriptions import DescriptionSet

HOURS = 2.0
MOST_TRIM = 100
_CACHE = "embeddings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``kikimimi calibrate``."""
    add_site(parser)
    parser.add_argument(
        "--hours",
        type=float,
        metavar="N",
        help=f"listen to the site's sources for so long ({HOURS:g} hours by default)",
    )
    parser.add_argument(
        "--files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="hear recordings of the background, or folders of them, instead: WAV, FLAC, Ogg, "
        "Opus, MP3 and the like, and through ffmpeg what phones and cameras write",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="forget what was heard before instead of adding to it"
    )
    parser.add_argument(
        "--exclude",
        nargs="+",
        default=[],
        metavar="SOURCE@FROM/TO",
        help="leave out an event that was real, as the list of loud events writes it",
    )
    parser.add_argument(
        "--trim",
        type=int,
        metavar="N",
        help="take the N loudest events of each description for real ones (0 by default)",
    )
    parser.add_argument(
        "--keep-hours",
        type=float,
        default=KEEP_HOURS,
        metavar="N",
        help=f"hours of background to keep, the latest ({KEEP_HOURS:g} by default)",
    )
    channels.add_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Calibrate; 1 if a description stays uncalibrated or a recording could not be read."""
    settings = site_settings(arguments)
    _check(arguments)
    found = find_sounds(arguments.files or ())
    files = found.files
    chosen = channels.of_option(arguments.channels)
    spans = tuple(read_span(text) for text in arguments.exclude)
    bundle = with_fastest_tower(
        bundles.load(settings.bundle), settings.state_dir, threads=settings.encoder.threads
    )
    descriptions = descriptions_file.load(settings.descriptions)
    with _alone(settings.state_dir):
        index = _begin(settings, bundle, fresh=arguments.fresh)
        trim = index.trim if arguments.trim is None else arguments.trim
        excluded = tuple(dict.fromkeys((*index.excluded, *spans)))
        index = replace(index, excluded=excluded, trim=trim)
        clock = SystemClock()
        writer = PartWriter(settings.state_dir, index, clock.now, arguments.keep_hours)
        took = Took()
        hours = arguments.hours
        if hours is None and not files and not spans and arguments.trim is None:
            hours = HOURS
        with _stopped() as stop, Progress(hours, len(files), len(settings.sources)) as progress:
            if files:
                hop_s = settings.windows.hop_s
                took = hear_files(
                    files,
                    bundle,
                    hop_s,
                    writer=writer,
                    stop=stop,
                    watcher=progress,
                    channels=chosen,
                )
                took.passed_over += found.passed_over
            elif hours:
                took = listen(
                    settings,
                    bundle,
                    clock,
                    writer=writer,
                    hours=hours,
                    stop=stop,
                    watcher=progress,
                )
        report = _find(settings, bundle, descriptions, writer, took)
    sys.stdout.write(f"{report.to_json() if arguments.json else report.text()}\n")
    for note in operator_findings(settings, descriptions):
        sys.stderr.write(f"kikimimi calibrate: {note}\n")
    return 0 if report.ok else 1


def _check(arguments: argparse.Namespace) -> None:
    problems = []
    if arguments.files and arguments.hours is not None:
        problems.append(Problem("--hours", "is given with --files", "leave one of them out"))
    if arguments.hours is not None and not 0.0 < arguments.hours <= 24.0 * 31:
        problems.append(Problem("--hours", f"is {arguments.hours:g}", "write up to 744, such as 2"))
    if arguments.trim is not None and not 0 <= arguments.trim <= MOST_TRIM:
        problems.append(Problem("--trim", f"is {arguments.trim}", f"write 0 to {MOST_TRIM}"))
    if not site.LEAST_HOURS <= arguments.keep_hours <= 24.0 * 31:
        found = f"is {arguments.keep_hours:g}"
        problems.append(Problem("--keep-hours", found, "write up to 744, such as 60"))
    if arguments.channels is not None and not arguments.files:
        remedy = "name recordings with --files; those of a source are in agent.yaml"
        problems.append(Problem("--channels", "is given without recordings", remedy))
    if problems:
        raise ConfigError(problems)


@contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    """One calibration at a time: two would each undo what the other keeps."""
    path = state_dir / FOLDER / ".lock"
    with ExitStack() as stack:
        with failing_as(StoreError, path, "mend its rights"):
            folders.make(path.parent)
            file = stack.enter_context(path.open("w"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(f"{path}: another calibration is running; let it end") from error
        yield


@contextmanager
def _stopped() -> Iterator[threading.Event]:
    """A request to stop, by Ctrl-C or the service manager, ends the listening only."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _begin(settings: Settings, bundle: Bundle, *, fresh: bool) -> Index:
    """The calibration to go on with."""
    hop_s = settings.windows.hop_s
    empty = Index(
        bundle=bundle.digest,
        embedding_size=bundle.manifest.embedding_size,
        acoustic_size=bundle.manifest.acoustic_size,
        hop_s=hop_s,
        sources=len(settings.sources),
        made_at=0.0,
    )
    if fresh:
        return empty
    try:
        index = indices.read(settings.state_dir)
    except StoreError as error:
        aside = indices.set_aside(settings.state_dir)
        sys.stderr.write(f"kikimimi calibrate: {error}; it is now {aside}\n")
        return empty
    if index is None:
        return empty
    if index.parts and (trouble := unusable(index, bundle, hop_s, least_hours=0.0)):
        raise StoreError(f"{settings.state_dir / indices.FILE}: {trouble}")
    return replace(index, sources=len(settings.sources)) if index.parts else empty


def _find(
    settings: Settings, bundle: Bundle, descriptions: DescriptionSet, writer: PartWriter, took: Took
) -> Report:
    """Statistics and thresholds of every description, written beside what was heard."""
    index = writer.index
    heard = site.background(settings.state_dir, index)
    if heard.hours < site.LEAST_HOURS:
        return Report(index, heard.hours, (), took, settings.state_dir, None)
    wanted, embeddings = wanted_of(bundle, descriptions, settings.state_dir / _CACHE)
    background = descriptions.background, embeddings
    findings, suspects = site.find(heard, index, wanted, background, bundle)
    reference = Reference.of(heard.cohort.joint)
    index = replace(
        index,
        findings=tuple(findings),
        mean=tuple(reference.mean.tolist()),
        spread=reference.spread,
    )
    writer.save(index)
    manifest = bundle.manifest
    window_s = manifest.tuning.window_frames / manifest.frontend.frame_rate_hz
    whole = whole_box(heard, wanted, embeddings, findings, window_s)
    return Report(index, heard.hours, tuple(suspects), took, settings.state_dir, whole)
