"""``python -m training evaluate``: judge a model on held-out recordings."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from training.audioset import data_folder
from training.data.cache import LogMelCache, Unreadable
from training.data.manifest import load_manifest
from training.data.records import Split
from training.evaluation.conditions import DEFAULT, Noise, parse_conditions
from training.evaluation.encoders import load_model
from training.evaluation.evaluate import evaluate
from training.evaluation.figures import compare, figures
from training.evaluation.material import material_of, recordings_of
from training.evaluation.report import LEVEL, REPORT, Evaluation, number, write

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from agent.records import FloatArray
    from training.data.records import Recording

_SHOWN = {
    ("retrieval", "text to audio", "mAP@10"),
    ("class names", "audio to text", "top-1"),
    ("onomatopoeia", "audio to text", "top-5"),
    ("neighbours", "audio to audio", "alike@10"),
    ("human ratings", "text to audio", "nDCG@10"),
    ("simulated ratings", "text to audio", "nDCG@10"),
    ("estimated ratings", "text to audio", "nDCG@10"),
}
"""What the terminal shows; the report holds the rest."""
_WIDTH = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training evaluate``."""
    model = "a checkpoint (.pt), a bundle's folder, or FOLDER:reference for its float32 tower"
    parser.add_argument("--model", required=True, metavar="M", help=model)
    parser.add_argument(
        "--against", nargs="+", default=[], metavar="M", help="models that it may be better than"
    )
    parser.add_argument("--manifest", type=Path, default=Path("runs/data"))
    parser.add_argument("--split", type=Split, choices=list(Split), default=Split.TEST)
    parser.add_argument(
        "--conditions", default=",".join(DEFAULT), help=f"by default {','.join(DEFAULT)}"
    )
    parser.add_argument("--sets", nargs="+", metavar="SET", help="data sets; all by default")
    parser.add_argument(
        "--classes",
        nargs="+",
        default=[],
        metavar="CLASS",
        help="classes that were left out of the training, or one file with a name a line: "
        "their queries are reported apart, and all classes stay to choose from",
    )
    parser.add_argument("--output", type=Path, default=Path("runs/evaluation"))
    parser.add_argument("--data", type=Path, default=data_folder(), help="the data folder")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--seed", type=int, default=0, help="of the resamples")


def run(arguments: argparse.Namespace) -> int:
    """Judge, write the three files, print the main figures."""
    names = [arguments.model, *arguments.against]
    if len(set(names)) < len(names):
        raise ValueError("--against: names the model itself, or one model twice; name it once")
    conditions = parse_conditions(arguments.conditions.split(","))
    manifest = load_manifest(arguments.manifest)
    recordings = recordings_of(manifest, arguments.split, arguments.sets)
    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        cache = LogMelCache(arguments.cache / "log-mel", arguments.data)
        log_mels, unreadable = _read(cache, recordings, bar)
        material = material_of(
            manifest, recordings, log_mels, left_out=arguments.classes, unreadable=unreadable
        )
        models = [load_model(name, material.texts, arguments.cache) for name in names]
        noise = Noise.held_out() if any(c.snr_db is not None for c in conditions) else None
        steps = len(models) * len(conditions) * len(material.recordings)
        shown = bar.add_task("listening", total=steps)
        results = tuple(
            evaluate(
                one.encoder,
                material,
                conditions,
                model=one.name,
                noise=noise,
                heard=lambda count: bar.advance(shown, count),
            )
            for one in models
        )
    evaluation = Evaluation(
        command=f"python -m training {shlex.join(sys.argv[1:])}",
        split=arguments.split,
        seed=arguments.seed,
        models=tuple((one.name, one.sha256) for one in models),
        recordings=len(material.recordings),
        results=results,
        figures=tuple(f for one in results for f in figures(one, seed=arguments.seed)),
        comparisons=compare(results[0], results[1:], seed=arguments.seed),
        unreadable=material.unreadable,
        notes=material.notes,
    )
    write(evaluation, arguments.output)
    _print(evaluation)
    print(f"wrote {arguments.output / REPORT}")
    return 0


def _read(
    cache: LogMelCache, recordings: Sequence[Recording], bar: Progress
) -> tuple[dict[str, FloatArray], list[Unreadable]]:
    """Decode recordings; those that cannot be read are named."""
    log_mels: dict[str, FloatArray] = {}
    unreadable: list[Unreadable] = []
    for recording, found in bar.track(
        cache.load(recordings), len(recordings), description="reading"
    ):
        if isinstance(found, Unreadable):
            unreadable.append(found)
            print(f"left out: {found.recording}: {found.reason}", file=sys.stderr)
        else:
            log_mels[recording.id] = found
    if unreadable:
        print(f"left out: {len(unreadable)} of {len(recordings)} recordings", file=sys.stderr)
    return log_mels, unreadable


def _print(evaluation: Evaluation) -> None:
    """The main figures of each model, and how many differences there are."""
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    for note in evaluation.notes:
        print(f"not asked: {note}")
    for results in evaluation.results:
        console.print(_table(evaluation, results.model))
    for against, _ in evaluation.models[1:]:
        own = [one for one in evaluation.comparisons if one.against == against]
        sure = [one for one in own if one.p_holm is not None and one.p_holm < LEVEL]
        better = sum(one.difference > 0.0 for one in sure)
        print(
            f"{evaluation.models[0][0]} against {against}: better in {better}, worse in "
            f"{len(sure) - better} of {len(own)} comparisons (Holm, {LEVEL:g})"
        )


def _table(evaluation: Evaluation, model: str) -> Table:
    """Means, and half the width of their intervals."""
    cells: dict[tuple[str, str, str], dict[str, str]] = {}
    for one in evaluation.figures:
        key = one.key
        if one.model == model and (key.task, key.direction, key.metric) in _SHOWN:
            apart = "" if key.classes == "all" else f", {key.classes}"
            row = (key.data_set, key.language, f"{key.task} {key.metric}{apart}")
            text = number(one.mean)
            if one.low is not None and one.high is not None:
                text += f" ±{number((one.high - one.low) / 2.0)}"
            cells.setdefault(row, {})[key.condition] = text
    conditions = list(dict.fromkeys(name for row in cells.values() for name in row))
    table = Table("data set", "", "figure", *conditions, title=model, box=None)
    for row, by_condition in cells.items():
        table.add_row(*row, *(by_condition.get(name, "") for name in conditions))
    return table
