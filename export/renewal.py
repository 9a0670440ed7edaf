"""An existing bundle gets other heads; its tower and the bootstrap's part stay as they are."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
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
from export import bundle, heads
from export.learned import embedding_size
from training.train.acoustic import ACOUSTIC_SIZE

if TYPE_CHECKING:
    import argparse


_BEFORE = SCHEMA - 1
"""Schema of bundles that have no sounds that stand out."""


def run(arguments: argparse.Namespace) -> int:
    """Write a copy of a bundle with heads learned from the recordings of today."""
    source, folder = arguments.bundle, arguments.output
    manifest = _manifest(source)
    folder.mkdir(parents=True, exist_ok=True)
    for name in manifest.files.keys() - {BACKGROUND, FOREGROUND}:  # those are written anew
        if source != folder:
            shutil.copyfile(source / name, folder / name)
    command = f"python -m export --bundle {source} --output {folder} --version {arguments.version}"
    if arguments.threshold is not None:
        command += f" --threshold {arguments.threshold:g}"
        manifest = replace(manifest, tuning=replace(manifest.tuning, threshold=arguments.threshold))
    variants = {"float32": folder / manifest.variants.reference}
    variants.update({name: folder / file for name, file in _quantized(manifest).items()})
    metrics = heads.add(variants, arguments.data, arguments.every, command)
    _write(manifest, folder, arguments.version, metrics, command)
    for metric in metrics:
        print(
            f"{metric.dataset} {metric.language} {metric.variant} {metric.name} {metric.value:.4f}"
        )
    print(f"wrote {folder}")
    return 0


def _quantized(manifest: Manifest) -> dict[str, str]:
    variants = asdict(manifest.variants)
    reference = variants.pop("reference")
    return {machine: file for machine, file in variants.items() if file != reference}


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


def _write(
    manifest: Manifest, folder: Path, version: str, metrics: tuple[Metric, ...], command: str
) -> None:
    left = {
        machine: name if (folder / name).is_file() else manifest.variants.reference
        for machine, name in asdict(manifest.variants).items()
    }
    earlier = [line for line in manifest.rebuild.commands if " --bundle " not in line]
    manifest = replace(
        manifest,
        version=version,
        variants=Variants(**left),
        embedding_size=embedding_size(folder / TEXT_HEAD),
        acoustic_size=ACOUSTIC_SIZE,
        metrics=metrics,
        rebuild=Rebuild((*earlier, command), manifest.rebuild.tolerance),
    )
    card = folder / MODEL_CARD
    card.write_text(bundle.renewed_card(card.read_text("utf-8"), manifest), "utf-8")
    files = {
        path.name: FileEntry(sha256_of(path), path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.name in manifest.files or path.name == bundle.ATTRIBUTIONS
    }
    written = replace(manifest, files=files)
    (folder / MANIFEST).write_text(written.to_json(), encoding="utf-8")
    load(folder)
