"""``python -m training quality``: agreement, suspicious raters, answers for a second look."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from agent.bundle import loading as bundles
from training.data.files import write_json, write_lines
from training.data.progress import wide_console
from training.quality.agreement import Agreement, Scale, agreement
from training.quality.answers import Gathered, embedded, gather
from training.quality.neighbours import SecondLook, second_look
from training.quality.raters import Limits, Suspicion, suspicions

SCHEMA = 1
REPORT, SECOND_LOOK = "quality.json", "second-look.jsonl"
_SHOWN = 15


@dataclass(frozen=True, slots=True)
class Quality:
    """All that was found."""

    gathered: Gathered
    verdicts: Agreement | None
    ratings: Agreement | None
    suspicions: tuple[Suspicion, ...]
    second_look: tuple[SecondLook, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training quality``."""
    parser.add_argument("--labels", nargs="+", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="FOLDER",
        help="embed all clips with this bundle, instead of what the labels hold",
    )
    parser.add_argument("--output", type=Path, default=Path("runs/quality"))
    parser.add_argument(
        "--level", type=float, default=Limits().level, help="of the tests, by default %(default)s"
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Judge, write both files, print; 1 if somebody is conspicuous."""
    if not 0.0 < arguments.level < 1.0:
        raise ValueError(f"--level: is {arguments.level:g}; write a number between 0 and 1")
    gathered = gather(arguments.labels)
    if arguments.bundle is not None:
        gathered = embedded(gathered, bundles.load(arguments.bundle))
    for line in gathered.unread:
        print(f"left out: {line}", file=sys.stderr)
    found = judge(gathered, Limits(level=arguments.level))
    write_json(arguments.output / REPORT, _document(found))
    rows = (json.dumps(_row(look), ensure_ascii=False) for look in found.second_look)
    write_lines(arguments.output / SECOND_LOOK, rows)
    if arguments.json:
        print(json.dumps(_document(found), ensure_ascii=False))
    else:
        _print(found)
        print(f"wrote {arguments.output / SECOND_LOOK} and {REPORT}")
    return 1 if found.suspicions else 0


def judge(gathered: Gathered, limits: Limits) -> Quality:
    """All that is to be found in some answers."""
    told = suspicions(gathered, limits)
    verdicts = [
        {name: float(fits) for name, fits in item.decided.items()} for item in gathered.items
    ]
    return Quality(
        gathered=gathered,
        verdicts=agreement(verdicts, Scale.NOMINAL),
        ratings=agreement([item.ratings for item in gathered.items], Scale.INTERVAL),
        suspicions=told,
        second_look=second_look(gathered.items, {suspect.operator for suspect in told}),
    )


def _document(found: Quality) -> dict[str, object]:
    gathered = found.gathered
    return {
        "schema": SCHEMA,
        "labels": gathered.labels,
        "operators": list(gathered.operators),
        "answered": len(gathered.items),
        "with_embedding": sum(item.embedding is not None for item in gathered.items),
        "unread": list(gathered.unread),
        "agreement": {
            "verdicts": found.verdicts and asdict(found.verdicts),
            "ratings": found.ratings and asdict(found.ratings),
        },
        "suspicious": [asdict(suspicion) for suspicion in found.suspicions],
        "second_look": len(found.second_look),
    }


def _row(look: SecondLook) -> dict[str, object]:
    item = look.item
    return {
        "suspicion": look.suspicion,
        "clip": None if item.clip is None else str(item.clip),
        "heard": item.heard,
        "error_id": item.error_id,
        "description": item.description,
        "verdicts": {name: verdict.value for name, verdict in item.verdicts.items()},
        "ratings": dict(item.ratings),
        "reasons": list(look.reasons),
        "where": list(item.where),
    }


def _print(found: Quality) -> None:
    gathered = found.gathered
    without = sum(item.embedding is None for item in gathered.items)
    print(
        f"{gathered.labels} labels of {len(gathered.operators)} people about "
        f"{len(gathered.items)} sounds and descriptions, {without} of them without an embedding"
    )
    for name, alpha in (("verdicts", found.verdicts), ("ratings", found.ratings)):
        if alpha is None:
            print(f"agreement of {name}: unknown, for too little was answered twice or otherwise")
            continue
        print(
            f"agreement of {name}: alpha {alpha.alpha:.2f} [{alpha.low:.2f}, {alpha.high:.2f}], "
            f"{alpha.raters} people, {alpha.units} answered by two or more"
        )
    console = wide_console()
    table = Table("who", "what", "how", "p", box=None, title="to be talked with")
    for told in found.suspicions:
        p = "" if told.p is None else f"{told.p:.1e}"
        table.add_row(told.operator, told.reason, told.detail, p)
    console.print(table if found.suspicions else "nobody is conspicuous")
    shown = found.second_look[:_SHOWN]
    table = Table("suspicion", "sound", "description", "why", box=None, title="for a second look")
    for look in shown:
        why = "; ".join(look.reasons)
        table.add_row(f"{look.suspicion:.2f}", look.item.heard, look.item.description, why)
    console.print(table if shown else "nothing for a second look")
    if len(found.second_look) > len(shown):
        print(f"… and {len(found.second_look) - len(shown)} more")
