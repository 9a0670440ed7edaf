"""``python -m training experiment``: the arms, the seeds, the report."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from training.data.arguments import add_folders
from training.data.manifest import load_manifest
from training.studies.joint_loss.pool import pool
from training.studies.joint_loss.report import REPORT, write
from training.studies.joint_loss.run import ARMS, BINARY, CONTINUOUS, Plan, train_all
from training.train.config import load_config

_BINARISED = "binarised"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training experiment``."""
    parser.add_argument("--config", type=Path, help="settings of all arms")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=240, help="of each training")
    parser.add_argument("--views", type=int, help="windows of each recording")
    parser.add_argument("--processes", type=int, default=1, help="trainings at the same time")
    parser.add_argument("--docs", type=Path, help="where the report goes; the output if left out")
    add_folders(parser, manifest="runs/rated", output="runs/experiment")


def run(arguments: argparse.Namespace) -> int:
    """Train what is missing, compare, write."""
    for name in ("seeds", "steps", "processes"):
        if getattr(arguments, name) < 1:
            raise ValueError(f"--{name}: is {getattr(arguments, name)}; write 1 or more")
    base = load_config(arguments.config)
    config = replace(
        base,
        manifest=arguments.manifest,
        output=arguments.output,
        steps=arguments.steps,
        validate_every=-(-arguments.steps // 4),
        patience=arguments.steps,
        views=base.views if arguments.views is None else arguments.views,
    )
    plan = Plan(config, tuple(range(arguments.seeds)), arguments.data)
    train_all(plan, arguments.processes, lambda told: print(told, flush=True))
    pooled = pool(plan, load_manifest(config.manifest), _pairs())
    folder: Path = arguments.docs or arguments.output
    write(plan, pooled, f"python -m training {shlex.join(sys.argv[1:])}", folder)
    print(f"wrote {folder / REPORT}")
    return 0


def _pairs() -> list[tuple[str, str]]:
    """What is compared: each joint arm with each half of it, and grades with yes and no."""
    joint = [arm.name for arm in ARMS if arm.joint]
    pairs = [(arm, single) for arm in joint for single in (BINARY, CONTINUOUS)]
    return [*pairs, (CONTINUOUS, _BINARISED)]
