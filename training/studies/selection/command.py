"""``python -m training select-simulation``: ways to choose what people rate, compared."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from training.data.arguments import add_folders
from training.data.manifest import load_manifest
from training.data.markdown import document
from training.data.progress import shown
from training.data.records import Manifest, Split
from training.ratings.embedded import PEOPLE, Embedded, embed, rated_pairs
from training.ratings.selection import Rule, Settings
from training.studies.selection.report import REPORT, Measured, tables, write
from training.studies.selection.simulation import Look, Plan, World, build_world, simulate

HELD_OUT = (Split.VALIDATION, Split.TEST)
# Shares of sources belong to what is proposed; the others are as they are known.
_SHARED = {Rule.MISMATCH_FARTHEST, Rule.MEDOID_MISMATCH, Rule.MEDOID_HIGHEST}
_ORDER = (Rule.RANDOM, Rule.FARTHEST, Rule.MISMATCH, Rule.MISMATCH_FARTHEST, Rule.HIGHEST)
RULES = {
    rule: Settings(rule=rule, coverage=rule in _SHARED)
    for rule in (*_ORDER, Rule.MEDOID_MISMATCH, Rule.MEDOID_HIGHEST)
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training select-simulation``."""
    add_folders(parser, manifest="runs/rated", model="runs/bootstrap/model.pt", cache="runs/cache")
    parser.add_argument("--docs", type=Path, default=Path("runs/selection"), metavar="FOLDER")
    parser.add_argument("--seeds", type=int, default=Plan().seeds, metavar="N", help="2 or more")


def run(arguments: argparse.Namespace) -> int:
    """Simulate every rule, write the report, print its tables."""
    plan = replace(Plan(), seeds=arguments.seeds)
    if plan.seeds < 2:  # noqa: PLR2004 - one has no spread
        raise ValueError(f"--seeds is {plan.seeds}; write 2 or more")
    manifest = load_manifest(arguments.manifest)
    embedded = _embed(manifest, arguments)
    for lost in embedded.unread:
        print(f"left out: {lost.recording}: {lost.reason}")
    world = build_world(embedded, manifest.ratings, HELD_OUT)
    # The matrices are small: more threads only get in each other's way.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    measured = measure(world, plan)
    torch.set_num_threads(threads)
    command = f"python -m training select-simulation --manifest {arguments.manifest}"
    command += f" --model {arguments.model} --seeds {plan.seeds} --docs {arguments.docs}"
    write(measured, world, plan, command, arguments.docs)
    print(document(tables(measured)), end="")
    print(f"wrote {arguments.docs / REPORT}")
    return 0


def measure(world: World, plan: Plan) -> dict[Rule, Measured]:
    """Every rule with every seed; a seed's pool and first lists are the same for all."""
    jobs = [(rule, seed) for rule in RULES for seed in range(plan.seeds)]
    runs: dict[Rule, list[tuple[Look, ...]]] = {rule: [] for rule in RULES}
    for rule, seed in shown(jobs, "asking"):
        runs[rule].append(simulate(world, RULES[rule], plan, seed))
    return {rule: Measured.of(own) for rule, own in runs.items()}


def _embed(manifest: Manifest, arguments: argparse.Namespace) -> Embedded:
    """Captions and recordings that have ratings."""
    pairs = rated_pairs(manifest.ratings, PEOPLE)
    captions = {caption for caption, _ in pairs}
    recordings = {recording for _, recording in pairs}
    return embed(
        [caption for caption in manifest.captions if caption.id in captions],
        [clip for clip in manifest.recordings if clip.id in recordings],
        arguments.model,
        arguments.data,
        arguments.cache,
    )
