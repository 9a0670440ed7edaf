"""``python -m training``: the offline side of Kikimimi."""

from __future__ import annotations

import argparse
import sys

from agent.errors import KikimimiError
from training.data import build, mix_command
from training.evaluation import command as evaluate_command
from training.model import bootstrap, vocabulary
from training.quality import command as quality_command
from training.ratings import rate_command, select_command
from training.studies.calibration import command as calibration_command
from training.studies.human_loop import command as loop_command
from training.studies.joint_loss import command as experiment_command
from training.studies.ratings import command as analyse_command
from training.studies.selection import command as selection_command
from training.train import command as train_command
from training.update import command as update_command


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 fine, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (
        bootstrap,
        vocabulary,
        build,
        mix_command,
        rate_command,
        train_command,
        update_command,
        quality_command,
        evaluate_command,
        experiment_command,
        select_command,
        selection_command,
        analyse_command,
        calibration_command,
        loop_command,
    ):
        module.add_parser(commands)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (FileNotFoundError, ValueError, KikimimiError) as error:
        print(f"python -m training: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
