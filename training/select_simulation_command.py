"""``python -m training select-simulation``: ways to choose what people rate, compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.console import Console
from rich.progress import track

from training.audioset import data_folder
from training.data.manifest import load_manifest
from training.data.records import Split
from training.select import Rule, Settings
from training.select_material import PEOPLE, embed, rated_pairs
from training.select_report import REPORT, Measured, tables, write
from training.select_simulation import Plan, build_world, simulate

if TYPE_CHECKING:
    import argparse

    from training.data.records import Manifest
    from training.select_material import Embedded
    from training.select_simulation import Look, World

HELD_OUT = (Split.VALIDATION, Split.TEST)
# (a) to (c) as they are known; shares of sources belong to what is proposed.
RULES = {
    Rule.RANDOM: Settings(rule=Rule.RANDOM, coverage=False),
    Rule.FARTHEST: Settings(rule=Rule.FARTHEST, coverage=False),
    Rule.MISMATCH: Settings(rule=Rule.MISMATCH, coverage=False),
    Rule.MISMATCH_FARTHEST: Settings(rule=Rule.MISMATCH_FARTHEST),
    Rule.HIGHEST: Settings(rule=Rule.HIGHEST, coverage=False),
    Rule.MEDOID_MISMATCH: Settings(rule=Rule.MEDOID_MISMATCH),
    Rule.MEDOID_HIGHEST: Settings(rule=Rule.MEDOID_HIGHEST),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training select-simulation``."""
    parser.add_argument("--manifest", type=Path, default=Path("runs/rated"))
    parser.add_argument("--model", type=Path, default=Path("runs/bootstrap/model.pt"))
    parser.add_argument("--docs", type=Path, default=Path("runs/selection"), metavar="FOLDER")
    parser.add_argument("--seeds", type=int, default=Plan().seeds, metavar="N", help="2 or more")
    parser.add_argument("--data", type=Path, default=data_folder(), help="the data folder")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))


def run(arguments: argparse.Namespace) -> int:
    """Simulate every rule, write the report, print its tables."""
    plan = replace(Plan(), seeds=arguments.seeds)
    if plan.seeds < 2:  # noqa: PLR2004 - one has no spread
        raise ValueError(f"--seeds is {plan.seeds}; write 2 or more")
    manifest = load_manifest(arguments.manifest)
    embedded = _embed(manifest, arguments)
    for one in embedded.unread:
        print(f"left out: {one.recording}: {one.reason}")
    world = build_world(embedded, manifest.ratings, HELD_OUT)
    # The matrices are small: more threads only get in each other's way.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    measured = measure(world, plan)
    torch.set_num_threads(threads)
    command = f"python -m training select-simulation --manifest {arguments.manifest}"
    command += f" --model {arguments.model} --seeds {plan.seeds} --docs {arguments.docs}"
    write(measured, world, plan, command, arguments.docs)
    print("\n".join(tables(measured)))
    print(f"wrote {arguments.docs / REPORT}")
    return 0


def measure(world: World, plan: Plan) -> dict[Rule, Measured]:
    """Every rule with every seed; a seed's pool and first lists are the same for all."""
    console = Console(stderr=True)
    jobs = [(rule, seed) for rule in RULES for seed in range(plan.seeds)]
    runs: dict[Rule, list[tuple[Look, ...]]] = {rule: [] for rule in RULES}
    for rule, seed in track(
        jobs, "asking", console=console, transient=True, disable=not console.is_terminal
    ):
        runs[rule].append(simulate(world, RULES[rule], plan, seed))
    return {rule: Measured.of(own) for rule, own in runs.items()}


def _embed(manifest: Manifest, arguments: argparse.Namespace) -> Embedded:
    """Captions and recordings that have ratings."""
    pairs = rated_pairs(manifest.ratings, PEOPLE)
    captions = {caption for caption, _ in pairs}
    recordings = {recording for _, recording in pairs}
    return embed(
        [one for one in manifest.captions if one.id in captions],
        [one for one in manifest.recordings if one.id in recordings],
        arguments.model,
        arguments.data,
        arguments.cache,
    )
