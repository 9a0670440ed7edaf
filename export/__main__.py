"""``python -m export``: a checkpoint becomes a bundle."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agent.core import extras
from agent.core.errors import KikimimiError
from agent.core.extras import Extra
from export import HEAR_THROUGH_NOISE
from training.data.audioset import data_folder

_PROGRAM = "python -m export"


def main(argv: list[str] | None = None) -> int:
    """Export; 0 fine, 1 failed, 2 wrong usage."""
    options = parser()
    arguments = options.parse_args(argv)
    if arguments.hear_through_noise and arguments.bundle is None:
        options.error(
            f"{HEAR_THROUGH_NOISE}: export the checkpoint first, then name it by --bundle"
        )
    try:
        with extras.needed(Extra.EXPORT, "this"):
            from export import command, renewal

            return renewal.run(arguments) if arguments.bundle else command.run(arguments)
    except (FileNotFoundError, ValueError, KikimimiError) as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """What reads its options."""
    options = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="Makes a bundle: ONNX towers, quantized variants, manifest, model card.",
        epilog=f"example: {_PROGRAM} --checkpoint runs/bootstrap/model.pt "
        "--output agent/bundle/default --reuse-text agent/bundle/default",
    )
    made_from = options.add_mutually_exclusive_group(required=True)
    made_from.add_argument("--checkpoint", type=Path, help="of a training")
    made_from.add_argument("--bundle", type=Path, help="a bundle that only gets new heads")
    options.add_argument("--output", type=Path, required=True, help="folder of the bundle")
    options.add_argument("--reuse-text", type=Path, help="bundle whose text tower is taken over")
    options.add_argument("--data", type=Path, default=data_folder(), help="the shared data folder")
    options.add_argument(
        "--every", type=int, default=1, help="learn the heads from every n-th recording"
    )
    options.add_argument(
        HEAR_THROUGH_NOISE,
        action="store_true",
        help="with --bundle: the audio tower's last blocks learn from recordings in noise first",
    )
    options.add_argument("--name", default="kikimimi-default")
    options.add_argument("--version", default="0.1.0")
    options.add_argument(
        "--threshold", type=float, help="uncalibrated threshold; by default that of --bundle, or 4"
    )
    options.add_argument(
        "--rebuild", action="append", default=[], help="command that made the checkpoint"
    )
    return options


if __name__ == "__main__":
    sys.exit(main())
