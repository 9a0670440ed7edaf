"""Months that were lived through, kept as JSON: a simulation that was cut off goes on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from agent import descriptions
from agent.bundle import loading as bundles
from training.data.files import write_json
from training.studies.human_loop.month import Month, Plan
from training.studies.human_loop.stages import Stage
from training.studies.human_loop.truth import Counted

SCHEMA = 1


def write(plan: Plan, month: Month) -> None:
    """Keep a month."""
    told = {
        "schema": SCHEMA,
        "seed": month.seed,
        "counted": [
            {"week": week, "stage": stage, **asdict(row)}
            for (week, stage), row in month.counted.items()
        ],
        "same_hall": asdict(month.same_hall),
        "answered": month.answered,
        "notes": month.notes,
    }
    write_json(_path(plan, month.seed), told, indent=1)


def read(plan: Plan, seed: int) -> Month | None:
    """A month that was kept by the same plan; ``None`` where there is none.

    Raises:
        ValueError: the file is damaged.
    """
    path = _path(plan, seed)
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Month(
            seed=told["seed"],
            counted={
                (row.pop("week"), Stage(row.pop("stage"))): Counted(**row)
                for row in told["counted"]
            },
            same_hall=Counted(**told["same_hall"]),
            answered=tuple(told["answered"]),
            notes=tuple(told["notes"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: is damaged ({error!r}); delete it") from error


def _path(plan: Plan, seed: int) -> Path:
    """Where a month lies: named by all that it follows from, but the code."""
    told = [
        asdict(plan.size),
        asdict(plan.answering),
        descriptions.load(plan.descriptions).digest,
        bundles.load(plan.bundle).digest,
        0 if plan.tuning is None else plan.tuning.steps,
    ]
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]
    return plan.output / f"month-{seed}-{digest}.json"
