"""An existing bundle gets other heads; asked to, its tower learns to hear through noise before.

Otherwise its tower and the bootstrap's part stay as they are.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agent.bundle.loading import load, sha256_of
from agent.bundle.manifest import (
    BACKGROUND,
    FOREGROUND,
    MANIFEST,
    MODEL_CARD,
    SCHEMA,
    TEXT_HEAD,
    FileEntry,
    Manifest,
    Metric,
    Rebuild,
    Variants,
)
from agent.core.errors import BundleError, failing_as
from export import HEAR_THROUGH_NOISE, acoustic, bundle, evaluation, heads, learned
from export.costs import REFERENCE
from export.denoising import hear_through_noise
from export.learned import embedding_size
from export.quantize import Activations
from export.tower import read_tower, write_tower
from export.variants import AUDIO, AUDIO_BY_MACHINE, quantize_variants, variants_in
from training.model.text_tower import TextTower
from training.train.acoustic import ACOUSTIC_SIZE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from export.acoustic import KnownTakes

_BEFORE = SCHEMA - 1
"""Schema of bundles that have no sounds that stand out."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a bundle is told to be after its renewal."""

    metrics: tuple[Metric, ...]
    command: str
    costs: str | None
    """Of its variants, as a table, where they were quantized anew."""


def run(arguments: argparse.Namespace) -> int:
    """Write a copy of a bundle with heads learned from the recordings of today."""
    source, folder = arguments.bundle, arguments.output
    manifest = _manifest(source)
    folder.mkdir(parents=True, exist_ok=True)
    for name in manifest.files.keys() - {BACKGROUND, FOREGROUND}:  # those are written anew
        if source != folder:
            shutil.copyfile(source / name, folder / name)
    for name in AUDIO_BY_MACHINE.values() - manifest.files.keys():  # of another bundle
        (folder / name).unlink(missing_ok=True)
    command = f"python -m export --bundle {source} --output {folder} --version {arguments.version}"
    if arguments.threshold is not None:
        command += f" --threshold {arguments.threshold:g}"
        manifest = replace(manifest, tuning=replace(manifest.tuning, threshold=arguments.threshold))
    known, tower = acoustic.known_takes(arguments.data, arguments.every), TextTower.load()
    costs = None
    if arguments.hear_through_noise:
        command += f" {HEAR_THROUGH_NOISE}"
        machines = [one for one in Activations if AUDIO_BY_MACHINE[one] in manifest.files]
        costs = _heard_through_noise(folder, machines, arguments.data, known, tower)
    metrics = heads.add(variants_in(folder), arguments.data, known, tower, command)
    _write(manifest, folder, arguments.version, Renewed(metrics, command, costs))
    for metric in metrics:
        print(
            f"{metric.dataset} {metric.language} {metric.variant} {metric.name} {metric.value:.4f}"
        )
    print(f"wrote {folder}")
    return 0


def _heard_through_noise(
    folder: Path,
    machines: Sequence[Activations],
    data: Path,
    known: KnownTakes,
    tower: TextTower,
) -> str:
    """Teach the tower, quantize it anew for the machines, and tell what that costs."""
    graph, text_head = folder / AUDIO, folder / TEXT_HEAD
    for path in (graph, text_head):
        learned.remove(path)
    acoustic.remove(graph)
    model = read_tower(graph)
    hear_through_noise(model, data, known[0])
    write_tower(model, graph)
    embed = partial(evaluation.embed_by, text_head, tower)
    return quantize_variants(folder, data, embed, machines)


def _manifest(folder: Path) -> Manifest:
    """A bundle's manifest; also of the schema before."""
    path = folder / MANIFEST
    with failing_as(BundleError, path, "name a folder that holds a bundle"):
        text = path.read_text(encoding="utf-8")
    raw = json.loads(text)
    if isinstance(raw, dict) and raw.get("schema") == _BEFORE:
        files = {**raw["files"], FOREGROUND: raw["files"][BACKGROUND]}
        text = json.dumps({**raw, "schema": SCHEMA, "files": files})
    return Manifest.from_json(text, str(path))


def _write(manifest: Manifest, folder: Path, version: str, renewed: Renewed) -> None:
    graphs = variants_in(folder)
    left = {machine: graphs.get(machine, graphs[REFERENCE]).name for machine in AUDIO_BY_MACHINE}
    earlier = [
        line
        for line in manifest.rebuild.commands
        if " --bundle " not in line or HEAR_THROUGH_NOISE in line
    ]
    manifest = replace(
        manifest,
        version=version,
        variants=Variants(reference=AUDIO, **left),
        embedding_size=embedding_size(folder / TEXT_HEAD),
        acoustic_size=ACOUSTIC_SIZE,
        metrics=renewed.metrics,
        rebuild=Rebuild((*earlier, renewed.command), manifest.rebuild.tolerance),
    )
    card = folder / MODEL_CARD
    card.write_text(bundle.renewed_card(card.read_text("utf-8"), manifest, renewed.costs), "utf-8")
    files = {
        path.name: FileEntry(sha256_of(path), path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.name in {*manifest.files, *AUDIO_BY_MACHINE.values(), bundle.ATTRIBUTIONS}
    }
    written = replace(manifest, files=files)
    (folder / MANIFEST).write_text(written.to_json(), encoding="utf-8")
    load(folder)
