"""``kikimimi replay``: what a candidate would change, before anybody deploys it."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track
from rich.table import Table

from agent import descriptions as descriptions_file
from agent.bundle import loading as bundles
from agent.cli.labels.box import opened
from agent.cli.replay.compare import NOTABLE, Change, Comparing
from agent.cli.replay.listener import Listener
from agent.cli.replay.sounds import Sound, from_box, from_folders, joined
from agent.config import channels, load_settings
from agent.core.errors import AudioFileError, ConfigError, Problem
from agent.core.names import shown
from agent.watchlist.site import operator_thresholds

if TYPE_CHECKING:
    import argparse

    from agent.cli.replay.compare import Comparison, Line, Outcome, Pairing
    from agent.cli.replay.listener import ReplayedAlert
    from agent.config import Settings

SCHEMA = 1
_WIDTH = 120


@dataclass(frozen=True, slots=True)
class _Replayed:
    """One run of the command."""

    current: Listener
    candidate: Listener
    sounds: int
    unread: tuple[str, ...]
    compared: Comparison


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``kikimimi replay``."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="recordings")
    parser.add_argument("--bundle", type=Path, required=True, metavar="FOLDER", help="candidate")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="FOLDER",
        help="bundle to compare with; by default that of --config, or the shipped one",
    )
    parser.add_argument("--descriptions", type=Path, metavar="FILE", help="what to listen for")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="agent.yaml: replay the clips that the box keeps",
    )
    parser.add_argument(
        "--labels", nargs="+", type=Path, default=[], metavar="FOLDER", help="exported labels"
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="SCORE",
        help="of all descriptions, in both bundles; by default each one's own, or the bundle's",
    )
    channels.add_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Replay, compare, print; 1 if an alert that people confirmed is lost or a file unread."""
    if not (arguments.files or arguments.labels or arguments.config):
        remedy = "name recordings, --labels FOLDER, or --config agent.yaml for the box's clips"
        raise ConfigError([Problem("kikimimi replay", "nothing to replay", remedy)])
    settings = load_settings(arguments.config, os.environ)
    if arguments.descriptions is None and arguments.config is None:
        remedy = "name them with --descriptions FILE, or --config agent.yaml"
        raise ConfigError([Problem("kikimimi replay", "no descriptions", remedy)])
    described = descriptions_file.load(arguments.descriptions or settings.descriptions)
    sounds = _sounds(arguments, settings)
    if not sounds:
        remedy = "let the box keep clips (clips.* in agent.yaml), or name recordings"
        raise ConfigError([Problem("kikimimi replay", "no clip was kept", remedy)])
    of_box = arguments.config is not None
    operator = operator_thresholds(settings) if of_box else None
    current, candidate = (
        Listener.load(
            bundles.load(folder),
            described,
            None,
            hop_s=settings.windows.hop_s if of_box else None,
            threshold=arguments.threshold,
            operator=operator,
        )
        for folder in (arguments.against or settings.bundle, arguments.bundle)
    )
    comparing = Comparing({error.error_id: error.text for error in described.active})
    unread: list[str] = []
    console = Console(stderr=True)
    hidden = not console.is_terminal
    for sound in track(sounds, "replaying", console=console, transient=True, disable=hidden):
        remarks: list[str] = []
        try:
            both = (current, candidate)
            sides = [listener.hear(sound.path, remarks.append, sound.channels) for listener in both]
            comparing.take(sound, *sides)
        except AudioFileError as error:
            unread.append(str(error))
            sys.stderr.write(f"kikimimi replay: {error}\n")
        for remark in dict.fromkeys(remarks):  # both bundles heard the file
            sys.stderr.write(f"kikimimi replay: {remark}\n")
    done = _Replayed(current, candidate, len(sounds), tuple(unread), comparing.result())
    if arguments.json:
        sys.stdout.write(json.dumps(_document(done), ensure_ascii=False) + "\n")
    else:
        _print(done)
    return 1 if done.compared.lost or unread else 0


def _sounds(arguments: argparse.Namespace, settings: Settings) -> tuple[Sound, ...]:
    """The box's clips, exported ones, and recordings."""
    with ExitStack() as stack:
        kept: tuple[Sound, ...] = ()
        if arguments.config is not None and not (arguments.labels or arguments.files):
            kept = from_box(settings, stack.enter_context(opened(settings)))
        exported = from_folders(arguments.labels)
        chosen = channels.of_option(arguments.channels)
        recordings = [Sound(path, channels=chosen) for path in arguments.files]
        return joined(kept, exported, recordings)


def _document(done: _Replayed) -> dict[str, object]:
    """For programs."""
    compared = done.compared
    return {
        "schema": SCHEMA,
        "current": _side(done.current),
        "candidate": _side(done.candidate),
        "sounds": done.sounds,
        "unread": list(done.unread),
        "descriptions": [
            {
                "error_id": line.error_id,
                "kept": line.changes[Change.KEPT],
                "lost": line.changes[Change.LOST],
                "gained": line.changes[Change.GAINED],
                "changed": line.notable,
                "mean_score_change": line.mean_change,
                "confirmed": asdict(line.confirmed),
                "rejected": asdict(line.rejected),
            }
            for line in compared.lines
        ],
        "alerts": [
            {
                "file": shown(pairing.sound.path),
                "error_id": pairing.error_id,
                "change": pairing.change.value,
                "verdict": pairing.verdict and pairing.verdict.value,
                "current": _alert(pairing.current),
                "candidate": _alert(pairing.candidate),
            }
            for pairing in compared.pairings
        ],
        "confirmed_lost": [
            {"file": shown(sound.path), "error_id": error_id} for sound, error_id in compared.lost
        ],
        "verdicts_left_out": {
            "disputed": compared.disputed,
            "unsure": compared.unsure,
            "unknown_description": compared.unknown,
        },
        "reworded": compared.reworded,
    }


def _side(listener: Listener) -> dict[str, object]:
    return {
        "folder": shown(listener.bundle.folder),
        "bundle": listener.bundle.digest,
        "uncalibrated_threshold": listener.bundle.manifest.tuning.threshold,
    }


def _alert(alert: ReplayedAlert | None) -> dict[str, float | bool] | None:
    if alert is None:
        return None
    return {
        "start": round(alert.starts_s, 3),
        "end": round(alert.ends_s, 3),
        "score": round(alert.score, 3),
        "threshold": round(alert.threshold, 3),
        "candidate_of_another": not alert.asked,
    }


def _print(done: _Replayed) -> None:
    """For people: a line a description, then every alert that is not as it was."""
    compared = done.compared
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, soft_wrap=True)
    for name, listener in (("current", done.current), ("candidate", done.candidate)):
        threshold = listener.bundle.manifest.tuning.threshold
        bundle = listener.bundle
        folder, digest = shown(bundle.folder), bundle.sha256[:12]
        console.print(f"{name:<10}{folder} {digest}, threshold {threshold:g}", highlight=False)
    table = Table(
        *("description", "kept", "lost", "gained", "score", "changed", "confirmed", "rejected"),
        box=None,
    )
    for line in compared.lines:
        table.add_row(*_row(line))
    console.print(table if compared.lines else "no alert in either bundle, and no verdict")
    for pairing in compared.pairings:
        if pairing.change is not Change.KEPT or abs(pairing.score_change or 0.0) >= NOTABLE:
            console.print(_line(pairing), highlight=False, markup=False)
    left_out = compared.disputed + compared.unsure + compared.unknown
    if left_out:
        console.print(
            f"verdicts not looked at: people differ {compared.disputed}, unsure "
            f"{compared.unsure}, description listened for no more {compared.unknown}"
        )
    if compared.reworded:
        console.print(f"{compared.reworded} verdicts are about a description's former words")
    for sound, error_id in compared.lost:
        console.print(
            f"lost: {error_id} in {shown(sound.path)}, which people confirmed",
            style="red",
            markup=False,
        )
    console.print(
        f"{done.sounds} sounds, {len(done.unread)} of them unread; "
        f"{len(compared.lost)} confirmed alerts lost"
    )


def _row(line: Line) -> tuple[str, ...]:
    changes = (str(line.changes[change]) for change in (Change.KEPT, Change.LOST, Change.GAINED))
    mean = "" if line.mean_change is None else f"{line.mean_change:+.2f}"
    kept, silenced = _outcome(line.confirmed, "kept"), _outcome(line.rejected, "still there")
    return (line.error_id, *changes, mean, str(line.notable), kept, silenced)


def _outcome(outcome: Outcome, both: str) -> str:
    """What became of answered sounds, without what there is none of."""
    counts = {
        both: outcome.both,
        "gone": outcome.lost,
        "new": outcome.gained,
        "in neither": outcome.neither,
    }
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _line(pairing: Pairing) -> str:
    verdict = f" ({pairing.verdict.value})" if pairing.verdict else ""
    first = pairing.current or pairing.candidate
    sides = (pairing.current, pairing.candidate)
    old, new = (f"{side.score:.1f} of {side.threshold:g}" if side else "-" for side in sides)
    starts_s = 0.0 if first is None else first.starts_s
    name = "changed" if pairing.change is Change.KEPT else pairing.change.value
    where = f"{shown(pairing.sound.path)} {starts_s:.1f} s"
    return f"{name:<8}{where}  {pairing.error_id}{verdict}  {old} → {new}"
