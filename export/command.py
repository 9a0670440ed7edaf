"""What ``python -m export`` does: a bundle, and what each variant costs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from agent.bundle.manifest import Rebuild
from export import bundle, evaluation, heads
from export.costs import MOST_COST
from export.parity import check_text_parity
from export.quantize import RECIPES, Activations, quantize_audio
from training.model import checkpoint
from training.model.text_tower import TextTower

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from export.evaluation import Figure

_THRESHOLD = 4.0
"""Of a bundle that nobody has chosen one for."""

_TOLERANCE = (
    "byte for byte on the same processor with the versions of constraints.txt; on another, "
    "embeddings of the float variant within a cosine of 0.9999"
)


def run(arguments: argparse.Namespace) -> int:
    """Write the bundle and print what each variant costs."""
    torch.manual_seed(0)
    folder: Path = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    model = checkpoint.load(arguments.checkpoint)
    tower = TextTower.load()
    print("writing the text side", flush=True)
    bundle.write_text_side(model, tower, folder, arguments.reuse_text)
    print(check_text_parity(folder, tower), flush=True)
    print("writing the audio side and the background cohort", flush=True)
    bundle.write_audio_side(model, folder)
    print("decoding the recordings that variants are judged on", flush=True)
    embed = partial(evaluation.embed_with, model, tower)
    judged = evaluation.esc50_40(arguments.data, embed)
    second = evaluation.everyday_cc(arguments.data, embed)
    calibration = evaluation.calibration(arguments.data)
    reference = judged.measure(folder / bundle.AUDIO)
    second_reference = second.measure(folder / bundle.AUDIO)
    lines = [
        f"| variant | in float | size, MB | points lost on {judged.name} | on {second.name} | |",
        "|-|-|-|-|-|-|",
    ]
    for activations in Activations:
        target = folder / bundle.AUDIO_BY_MACHINE[activations]
        shipped = False
        for recipe in RECIPES:
            quantize_audio(folder / bundle.AUDIO, target, recipe, activations, calibration)
            figures = judged.measure(target)
            cost = _worst_cost(reference, figures)
            second_cost = _worst_cost(second_reference, second.measure(target))
            shipped = cost <= MOST_COST
            lines.append(
                f"| {activations} | {recipe} | {target.stat().st_size / 1e6:.1f} "
                f"| {100 * cost:.2f} | {100 * second_cost:.2f} "
                f"| {'shipped' if shipped else 'refused'} |"
            )
            print(lines[-1], flush=True)
            if shipped:
                break
        if not shipped:
            target.unlink()
    bundle.write_attributions(arguments.checkpoint, folder)
    graphs = {"float32": folder / bundle.AUDIO}
    quantized = {machine: folder / name for machine, name in bundle.AUDIO_BY_MACHINE.items()}
    graphs.update({machine: path for machine, path in quantized.items() if path.is_file()})
    metrics = heads.add(graphs, arguments.data, arguments.every, _command(arguments))
    bundle.write_manifest(
        model,
        folder,
        bundle.Identity(arguments.name, arguments.version, _threshold(arguments)),
        metrics=metrics,
        costs="\n".join(lines),
        rebuild=Rebuild((*arguments.rebuild, _command(arguments)), _TOLERANCE),
    )
    total_mb = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    print(f"wrote {folder}: {total_mb:.1f} MB")
    for metric in metrics:
        print(
            f"{metric.dataset} {metric.language} {metric.variant} {metric.name} {metric.value:.4f}"
        )
    return 0


def _worst_cost(reference: list[Figure], figures: list[Figure]) -> float:
    """The most that any figure fell, as a share."""
    return max(before.value - after.value for before, after in zip(reference, figures, strict=True))


def _threshold(arguments: argparse.Namespace) -> float:
    return _THRESHOLD if arguments.threshold is None else float(arguments.threshold)


def _command(arguments: argparse.Namespace) -> str:
    words = [f"python -m export --checkpoint {arguments.checkpoint} --output {arguments.output}"]
    if arguments.reuse_text is not None:
        words.append(f"--reuse-text {arguments.reuse_text}")
    words.append(f"--version {arguments.version} --threshold {_threshold(arguments):g}")
    return " ".join(words)
