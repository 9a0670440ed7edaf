"""The command line of ``kikimimi labels``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from agent.alerts.alerts import timestamp
from agent.cli.labels import box
from agent.cli.labels.export import export
from agent.cli.labels.purge import due, purge
from agent.config import load_settings, moments
from agent.core.records import Origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.cli.labels.box import Labelled
    from agent.core.answers import Entry

_FINE, _FOUND_PROBLEMS = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``kikimimi labels`` takes."""
    commands = parser.add_subparsers(required=True, metavar="WHAT")

    def add(
        name: str, text: str, run: Callable[[argparse.Namespace], int], example: str
    ) -> argparse.ArgumentParser:
        subparser = commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"examples:\n{example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        subparser.add_argument("--config", type=Path, metavar="FILE", help="agent.yaml of the box")
        subparser.add_argument("--json", action="store_true", help="print JSON")
        subparser.set_defaults(what=run)
        return subparser

    listing = add(
        "list",
        "show what people answered, oldest first",
        _list,
        "  kikimimi labels list --since 30d\n  kikimimi labels list --json",
    )
    _add_since(listing)
    exporting = add(
        "export",
        "write answers and their sounds for `python -m training manifest --labels`",
        _export,
        "  kikimimi labels export ~/labels-p1\n  kikimimi labels export ~/new --since 2026-01-01",
    )
    exporting.add_argument("folder", type=Path, metavar="FOLDER", help="new, or empty")
    _add_since(exporting)
    purging = add(
        "purge",
        "delete clips, embeddings and operators' names; the alerts' bare facts stay",
        _purge,
        "  kikimimi labels purge --before 2026-01-01\n"
        "  kikimimi labels purge --before 90d --yes --keep-verdicts",
    )
    purging.add_argument(
        "--before",
        type=_moment,
        required=True,
        metavar="DATE",
        help="what began before 2026-01-02 (UTC), or more than 90d ago",
    )
    purging.add_argument("--yes", action="store_true", help="do not ask")
    purging.add_argument(
        "--keep-verdicts", action="store_true", help="leave verdicts and who gave them as they are"
    )
    audit = add(
        "audit",
        "show what was done with answers and clips, by whom",
        _audit,
        "  kikimimi labels audit --since 7d\n  kikimimi labels audit --json",
    )
    _add_since(audit)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for; 1 where something is missing or nothing was deleted.

    Raises:
        KikimimiError: settings are wrong, or there is no store to read.
    """
    what: Callable[[argparse.Namespace], int] = arguments.what
    return what(arguments)


def _add_since(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since",
        type=_moment,
        default=0.0,
        metavar="TIME",
        help="only what came in since: 30d, 12h or 2026-01-02 (UTC)",
    )


def _moment(text: str) -> float:
    try:
        return moments.moment(text, UTC, time.time())
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; {error}") from None


def _list(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config, os.environ)
    with box.opened(settings) as store:
        found = box.labelled(store, arguments.since)
    if arguments.json:
        print(json.dumps([_document(label) for label in found], ensure_ascii=False, indent=2))
        return _FINE
    for label in found:
        answer = label.answer
        state = "" if label.holds else " (taken back)" if answer.undone_at else " (replaced)"
        rating = "" if answer.relevance is None else f" {answer.relevance:g}"
        origin = label.alert.origin
        how = "" if origin is Origin.DETECTED else f", {origin.value}"
        own_words = "" if answer.label is None else f", {answer.label}"
        instead = "" if answer.error_id is None else f", it was {answer.error_id}"
        print(
            f"{timestamp(answer.given_at)} {answer.operator or '-'}: "
            f"{answer.verdict.value}{rating}{state} of {label.alert.detection.error_id} "
            f"({label.alert.description}{own_words}{how}){instead} {answer.alert_id}"
        )
    if not found:
        print("nobody has answered yet", file=sys.stderr)
    return _FINE


def _document(label: Labelled) -> dict[str, str | float | bool | None]:
    answer, alert = label.answer, label.alert
    return {
        "label_id": answer.label_id,
        "alert_id": answer.alert_id,
        "error_id": alert.detection.error_id,
        "description": alert.description,
        "source": alert.detection.source,
        "origin": alert.origin.value,
        "ts_start": timestamp(alert.detection.starts_at),
        "score": round(alert.detection.score, 3),
        "threshold": round(alert.detection.threshold, 3),
        "verdict": answer.verdict.value,
        "relevance": answer.relevance,
        "verdict_error_id": answer.error_id,
        "label": answer.label,
        "operator": answer.operator,
        "ts_verdict": timestamp(answer.given_at),
        "ts_received": timestamp(answer.received_at),
        "through": answer.through.value,
        "holds": label.holds,
        "ts_undone": None if answer.undone_at is None else timestamp(answer.undone_at),
        "clip": label.clip.file if label.clip else None,
    }


def _export(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config, os.environ)
    with box.opened(settings, writing=True) as store:
        exported = export(settings, store, arguments.folder, arguments.since, time.time())
    print(exported.to_json() if arguments.json else "\n".join(exported.lines()))
    return _FOUND_PROBLEMS if exported.missing else _FINE


def _purge(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config, os.environ)
    with box.opened(settings, writing=True) as store:
        if not arguments.yes and not _agreed(len(due(store, arguments.before)), arguments):
            print("nothing was deleted", file=sys.stderr)
            return _FOUND_PROBLEMS
        purged = purge(
            settings,
            store,
            arguments.before,
            time.time(),
            keep_verdicts=arguments.keep_verdicts,
        )
    print(purged.to_json() if arguments.json else "\n".join(purged.lines()))
    return _FINE


def _agreed(clips: int, arguments: argparse.Namespace) -> bool:
    """Whether whoever sits here wants it; nobody does where there is no terminal.

    Raises:
        LabelsError: nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise box.LabelsError("nobody can be asked here; add --yes to delete for good")
    names = "" if arguments.keep_verdicts else " and the operators' names of verdicts"
    print(
        f"This deletes {clips} clips{names} of before {timestamp(arguments.before)} for good. "
        "Type yes to go on: ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().strip() == "yes"


def _audit(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config, os.environ)
    with box.opened(settings) as store:
        trail = [entry for entry in store.trail() if entry.at >= arguments.since]
    if arguments.json:
        print(json.dumps([_entry(entry) for entry in trail], ensure_ascii=False, indent=2))
        return _FINE
    for entry in trail:
        detail = ", ".join(f"{key} {value}" for key, value in entry.detail.items())
        print(f"{entry.sequence:6} {timestamp(entry.at)} {entry.who}: {entry.what} ({detail})")
    if not trail:
        print("nothing was done yet", file=sys.stderr)
    return _FINE


def _entry(entry: Entry) -> dict[str, object]:
    return {
        "sequence": entry.sequence,
        "ts": timestamp(entry.at),
        "what": entry.what,
        "who": entry.who,
        "detail": dict(entry.detail),
    }
