"""``python -m training evaluate``: judge a model on held-out recordings."""

from __future__ import annotations

import argparse
import shlex
import sys

from rich.table import Table

from training.data.arguments import add_folders
from training.data.cache import LogMelCache
from training.data.manifest import load_manifest
from training.data.progress import steps, wide_console
from training.data.records import Split
from training.evaluation.conditions import DEFAULT, Noise, parse_conditions
from training.evaluation.encoders import load_model
from training.evaluation.evaluate import evaluate
from training.evaluation.figures import compare, figures
from training.evaluation.material import material_of, recordings_of
from training.evaluation.report import LEVEL, REPORT, Evaluation, number, write

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training evaluate``."""
    model = "a checkpoint (.pt), a bundle's folder, or FOLDER:reference for its float32 tower"
    parser.add_argument("--model", required=True, metavar="M", help=model)
    parser.add_argument(
        "--against", nargs="+", default=[], metavar="M", help="models that it may be better than"
    )
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
    add_folders(parser, manifest="runs/data", output="runs/evaluation", cache="runs/cache")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples")


def run(arguments: argparse.Namespace) -> int:
    """Judge, write the three files, print the main figures."""
    names = [arguments.model, *arguments.against]
    if len(set(names)) < len(names):
        raise ValueError("--against: names the model itself, or one model twice; name it once")
    conditions = parse_conditions(arguments.conditions.split(","))
    manifest = load_manifest(arguments.manifest)
    recordings = recordings_of(manifest, arguments.split, arguments.sets)
    cache = LogMelCache(arguments.cache / "log-mel", arguments.data)
    log_mels, unreadable = cache.read(recordings)
    material = material_of(
        manifest, recordings, log_mels, left_out=arguments.classes, unreadable=unreadable
    )
    models = [load_model(name, material.texts, arguments.cache) for name in names]
    noise = Noise.held_out() if any(c.snr_db is not None for c in conditions) else None
    total = len(models) * len(conditions) * len(material.recordings)
    with steps("listening", total) as bar:
        results = tuple(
            evaluate(
                judged.encoder,
                material,
                conditions,
                model=judged.name,
                noise=noise,
                heard=lambda count: bar(advance=count),
            )
            for judged in models
        )
    evaluation = Evaluation(
        command=f"python -m training {shlex.join(sys.argv[1:])}",
        split=arguments.split,
        seed=arguments.seed,
        models=tuple((model.name, model.sha256) for model in models),
        recordings=len(material.recordings),
        results=results,
        figures=tuple(f for result in results for f in figures(result, seed=arguments.seed)),
        comparisons=compare(results[0], results[1:], seed=arguments.seed),
        unreadable=material.unreadable,
        notes=material.notes,
    )
    write(evaluation, arguments.output)
    _print(evaluation)
    print(f"wrote {arguments.output / REPORT}")
    return 0


def _print(evaluation: Evaluation) -> None:
    """The main figures of each model, and how many differences there are."""
    console = wide_console()
    for note in evaluation.notes:
        print(f"not asked: {note}")
    for results in evaluation.results:
        console.print(_table(evaluation, results.model))
    for against, _ in evaluation.models[1:]:
        own = [gap for gap in evaluation.comparisons if gap.against == against]
        sure = [gap for gap in own if gap.p_holm is not None and gap.p_holm < LEVEL]
        better = sum(gap.difference > 0.0 for gap in sure)
        print(
            f"{evaluation.models[0][0]} against {against}: better in {better}, worse in "
            f"{len(sure) - better} of {len(own)} comparisons (Holm, {LEVEL:g})"
        )


def _table(evaluation: Evaluation, model: str) -> Table:
    """Means, and half the width of their intervals."""
    cells: dict[tuple[str, str, str], dict[str, str]] = {}
    for figure in evaluation.figures:
        key = figure.key
        if figure.model == model and (key.task, key.direction, key.metric) in _SHOWN:
            apart = "" if key.classes == "all" else f", {key.classes}"
            row = (key.data_set, key.language, f"{key.task} {key.metric}{apart}")
            text = number(figure.mean)
            if figure.low is not None and figure.high is not None:
                text += f" ±{number((figure.high - figure.low) / 2.0)}"
            cells.setdefault(row, {})[key.condition] = text
    conditions = list(dict.fromkeys(name for row in cells.values() for name in row))
    table = Table("data set", "", "figure", *conditions, title=model, box=None)
    for row, by_condition in cells.items():
        table.add_row(*row, *(by_condition.get(name, "") for name in conditions))
    return table
