"""The command line of ``kikimimi teach``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent import descriptions as descriptions_file
from agent.bundle import loading as bundles
from agent.cli.labels.box import who
from agent.cli.options import add_site, site_settings
from agent.cli.teach import alone, asking
from agent.cli.teach.learnt import TeachError
from agent.config.values import nearest
from agent.core.clock import SystemClock
from agent.core.errors import ConfigError, Problem, StateInUseError
from agent.core.names import shown
from agent.encoder.choice import with_fastest_tower
from agent.hearing.files import read_short
from agent.run.teach_command import LONGEST_S, SHORTEST_S
from agent.store import FolderLock

if TYPE_CHECKING:
    import argparse

    from agent.bundle.loading import Bundle
    from agent.cli.teach.learnt import Learnt
    from agent.config import Settings
    from agent.config.sources import SourceSettings
    from agent.core.records import FloatArray
    from agent.descriptions import DescriptionSet

_FINE, _FOUND_PROBLEMS = 0, 1
_SECONDS = 10.0
_LONGEST_FILE_S = 3_600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``kikimimi teach`` takes."""
    parser.add_argument("error_id", metavar="ID", help="of the description")
    add_site(parser)
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="N",
        help=f"listen for so long ({_SECONDS:g} by default, {SHORTEST_S:g} to {LONGEST_S:g})",
    )
    parser.add_argument("--source", metavar="NAME", help="that hears it, where there are several")
    parser.add_argument("--file", type=Path, metavar="FILE", help="learn a sound file instead")
    parser.add_argument(
        "--from", dest="begin", type=float, metavar="S", help="where the sound begins in it"
    )
    parser.add_argument("--to", dest="end", type=float, metavar="S", help="where it ends")
    parser.add_argument(
        "--operator", metavar="NAME", help="who teaches, for the trail (the user by default)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Teach a sound; 1 where the box is not sure of it then.

    Raises:
        KikimimiError: settings or options are wrong, or the sound cannot be had.
    """
    settings = site_settings(arguments)
    _check(arguments)
    described = descriptions_file.load(settings.descriptions)
    _known(arguments.error_id, described)
    operator = arguments.operator or who()
    clock = SystemClock()

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def learn(bundle: Bundle, samples: FloatArray, source: str) -> int:
        learnt = alone.learn(
            settings,
            bundle,
            described,
            clock,
            error_id=arguments.error_id,
            samples=samples,
            source=source,
            operator=operator,
        )
        return _show(learnt, as_json=arguments.json)

    if arguments.file is not None:
        bundle = _bundle(settings)
        return learn(bundle, _piece(arguments, bundle), _name_of(arguments, settings))
    source = _source(arguments, settings)
    seconds = arguments.seconds or _SECONDS
    lock = FolderLock(settings.state_dir)
    try:
        lock.take()
    except StateInUseError:
        learnt = asking.ask(
            settings,
            clock,
            error_id=arguments.error_id,
            source=source.name,
            seconds=seconds,
            operator=operator,
            tell=tell,
        )
        return _show(learnt, as_json=arguments.json)
    try:
        bundle = _bundle(settings)
        tell(f"no agent runs; make the sound now: {source.name} listens for {seconds:g} s")
        return learn(bundle, alone.record(source, bundle, seconds, clock), source.name)
    finally:
        lock.release()


def _check(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go together, all at once.

    Raises:
        ConfigError: with each of them.
    """
    problems = []
    seconds, begin, end = arguments.seconds, arguments.begin, arguments.end
    if seconds is not None and not SHORTEST_S <= seconds <= LONGEST_S:
        remedy = f"write a number from {SHORTEST_S:g} to {LONGEST_S:g}"
        problems.append(Problem("--seconds", f"is {seconds:g}", remedy))
    if arguments.file is None:
        problems += [
            Problem(name, "is given without --file", "name the file, or leave it out")
            for name, value in (("--from", begin), ("--to", end))
            if value is not None
        ]
    elif seconds is not None:
        problems.append(Problem("--seconds", "is given with --file", "write --from and --to"))
    if begin is not None and begin < 0:
        problems.append(Problem("--from", f"is {begin:g}", "write seconds from the file's start"))
    if end is not None and end <= (begin or 0.0):
        problems.append(Problem("--to", f"is {end:g}, not after --from", "write a later second"))
    if problems:
        raise ConfigError(problems)


def _known(error_id: str, described: DescriptionSet) -> None:
    """Keep out what is not listened for.

    Raises:
        ConfigError: no active description has that id.
    """
    ids = [error.error_id for error in described.active]
    if error_id not in ids:
        near = nearest(error_id, ids)
        remedy = f"did you mean {near}?" if near else "write the id of a description"
        raise ConfigError([Problem("ID", f"is {shown(error_id)}, no description", remedy)])


def _source(arguments: argparse.Namespace, settings: Settings) -> SourceSettings:
    """The source that is meant.

    Raises:
        ConfigError: it is none of the site's, or there are several.
    """
    by_name = {source.name: source for source in settings.sources}
    if arguments.source is None and len(by_name) == 1:
        return next(iter(by_name.values()))
    if arguments.source in by_name:
        return by_name[arguments.source]
    found = "is missing" if arguments.source is None else f"is {shown(arguments.source)}"
    raise ConfigError([Problem("--source", found, f"write one of {', '.join(by_name)}")])


def _name_of(arguments: argparse.Namespace, settings: Settings) -> str:
    """What heard the sound of a file: a source of the site, where one is named."""
    return "file" if arguments.source is None else _source(arguments, settings).name


def _bundle(settings: Settings) -> Bundle:
    """The model as the site's agent runs it."""
    model, threads = bundles.load(settings.bundle), settings.encoder.threads
    return with_fastest_tower(model, settings.state_dir, threads=threads)


def _piece(arguments: argparse.Namespace, bundle: Bundle) -> FloatArray:
    """The piece of a file that is meant.

    Raises:
        TeachError: it is too long, or lies behind the file's end.
        AudioFileError: the file cannot be read.
    """
    rate_hz = bundle.manifest.frontend.sample_rate_hz
    path = arguments.file
    samples = read_short(path, rate_hz, _LONGEST_FILE_S, "cut it")
    begin = round((arguments.begin or 0.0) * rate_hz)
    end = len(samples) if arguments.end is None else round(arguments.end * rate_hz)
    lasts_s = len(samples) / rate_hz
    if begin >= len(samples) or end > len(samples):
        raise TeachError(f"{shown(path)}: lasts {lasts_s:.2f} s; write --from and --to within")
    if (end - begin) / rate_hz > LONGEST_S:
        raise TeachError(
            f"{shown(path)}: {(end - begin) / rate_hz:.1f} s are too much; mark the sound by "
            f"--from and --to, {LONGEST_S:g} s at most"
        )
    return samples[begin:end]


def _show(learnt: Learnt, *, as_json: bool) -> int:
    print(learnt.to_json() if as_json else "\n".join(learnt.lines()))
    return _FINE if learnt.sure else _FOUND_PROBLEMS
