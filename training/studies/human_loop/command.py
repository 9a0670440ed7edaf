"""``python -m training loop-simulation``: what people's answers are worth, week by week."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from agent.bundle import loading as bundles
from training.data.arguments import add_folders
from training.studies.human_loop import month, report, saved_months
from training.studies.human_loop.box import Answering
from training.studies.human_loop.recordings import known
from training.studies.human_loop.tune import Tuning
from training.studies.human_loop.week import Size

SITE = Path(__file__).parents[2] / "resources" / "loop" / "site.ja.yaml"
SEEDS, STEPS = 3, 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training loop-simulation``."""
    parser.add_argument("--months", type=int, default=SEEDS, help=f"with other sounds ({SEEDS})")
    parser.add_argument("--minutes", type=int, default=Size().minutes, help="of sound a day (4)")
    parser.add_argument(
        "--background-minutes",
        type=int,
        default=Size().background_minutes,
        help="of sound that the site is calibrated on (45)",
    )
    parser.add_argument(
        "--times", type=int, default=Size().times, help="each error is heard in its week (2)"
    )
    parser.add_argument(
        "--steps", type=int, default=STEPS, help=f"of the fine-tune; 0 for none ({STEPS})"
    )
    parser.add_argument(
        "--tuned-months",
        type=int,
        metavar="N",
        help="fine-tune in the first N months alone, which takes longest; in all by default",
    )
    parser.add_argument("--descriptions", type=Path, default=SITE)
    parser.add_argument(
        "--bundle",
        type=Path,
        default=Path("runs/bootstrap-bundle"),
        metavar="FOLDER",
        help="that no recording of the sets was trained with (runs/bootstrap-bundle)",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        default=Path("runs/bootstrap/model.pt"),
        metavar="CHECKPOINT",
        help="that the bundle was exported from (runs/bootstrap/model.pt)",
    )
    add_folders(parser, output="runs/loop")
    parser.add_argument("--docs", type=Path, default=Path("runs/loop/docs"), metavar="FOLDER")


def run(arguments: argparse.Namespace) -> int:
    """Live through the months, write the report, print where it is.

    Raises:
        ValueError: an option is out of its range.
        FileNotFoundError: the recordings, or the checkpoint, are missing.
    """
    for name in ("months", "minutes", "background_minutes", "times"):
        if getattr(arguments, name) < 1:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} is {getattr(arguments, name)}; write 1 or more")
    if arguments.steps and not arguments.start.is_file():
        raise FileNotFoundError(
            f"{arguments.start}: is missing; run 'python -m training bootstrap', name another "
            "with --from, or write --steps 0"
        )
    bundle = bundles.load(arguments.bundle)
    tuning = None
    if arguments.steps:
        tuning = Tuning(
            checkpoint=arguments.start,
            bundle=bundle.folder,
            data=arguments.data,
            steps=arguments.steps,
            threshold=bundle.manifest.tuning.threshold,
        )
    plan = month.Plan(
        data=arguments.data,
        output=arguments.output,
        descriptions=arguments.descriptions,
        bundle=arguments.bundle,
        size=Size(arguments.minutes, arguments.background_minutes, arguments.times),
        answering=Answering(),
        tuning=tuning,
    )
    manifest = known(arguments.data)
    lived = []
    for seed in range(1, arguments.months + 1):
        wanted = plan
        if arguments.tuned_months is not None and seed > arguments.tuned_months:
            wanted = replace(plan, tuning=None)
        known_month = saved_months.read(wanted, seed)
        if known_month is None:
            known_month = month.run(wanted, manifest, seed, _tell)
            saved_months.write(wanted, known_month)
        lived.append(known_month)
    figures = report.Figures(
        bundle=bundle.digest,
        command=f"python -m training {shlex.join(sys.argv[1:])}",
        plan=plan,
        months=tuple(lived),
    )
    print(f"written: {report.write(figures, arguments.docs)}")
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
