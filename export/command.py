"""What ``python -m export`` does: a bundle, and what each variant costs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from agent.bundle.manifest import Rebuild
from export import bundle, evaluation, heads
from export.acoustic import known_takes
from export.parity import check_text_parity
from export.variants import quantize_variants, variants_in
from training.model import checkpoint
from training.model.text_tower import TextTower

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

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
    print("writing the audio side", flush=True)
    bundle.write_audio_side(model, folder)
    costs = quantize_variants(folder, arguments.data, partial(evaluation.embed_with, model, tower))
    bundle.write_attributions(arguments.checkpoint, folder)
    graphs = variants_in(folder)
    known = known_takes(arguments.data, arguments.every)
    metrics = heads.add(graphs, arguments.data, known, tower, _command(arguments))
    bundle.write_manifest(
        model,
        folder,
        bundle.Identity(arguments.name, arguments.version, _threshold(arguments)),
        metrics=metrics,
        costs=costs,
        rebuild=Rebuild((*arguments.rebuild, _command(arguments)), _TOLERANCE),
    )
    total_mb = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    print(f"wrote {folder}: {total_mb:.1f} MB")
    for metric in metrics:
        print(
            f"{metric.dataset} {metric.language} {metric.variant} {metric.name} {metric.value:.4f}"
        )
    return 0


def _threshold(arguments: argparse.Namespace) -> float:
    return _THRESHOLD if arguments.threshold is None else float(arguments.threshold)


def _command(arguments: argparse.Namespace) -> str:
    words = [f"python -m export --checkpoint {arguments.checkpoint} --output {arguments.output}"]
    if arguments.reuse_text is not None:
        words.append(f"--reuse-text {arguments.reuse_text}")
    words.append(f"--version {arguments.version} --threshold {_threshold(arguments):g}")
    return " ".join(words)
