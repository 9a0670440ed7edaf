"""An existing bundle gets another acoustic view; all else stays byte for byte."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.bundle.loading import load, sha256_of
from agent.bundle.manifest import (
    BACKGROUND,
    MANIFEST,
    MODEL_CARD,
    SCHEMA,
    FileEntry,
    Manifest,
    Metric,
    Rebuild,
)
from agent.core.errors import BundleError, failing_as
from export import acoustic, bundle
from training.train.acoustic import ACOUSTIC_SIZE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from agent.bundle.manifest import FrontendConstants
    from export.acoustic import Judged
    from training.data.takes import Take

_BEFORE = 1
"""Schema of bundles that have no acoustic view."""


def run(arguments: argparse.Namespace) -> int:
    """Write a copy of a bundle with an acoustic view learned from the recordings of today."""
    source, folder = arguments.bundle, arguments.output
    manifest = _manifest(source)
    folder.mkdir(parents=True, exist_ok=True)
    for name in manifest.files:
        if source != folder:
            shutil.copyfile(source / name, folder / name)
    known = acoustic.known_takes(arguments.data, arguments.every)
    print(f"fitting the acoustic view to {len(known[0])} recordings", flush=True)
    command = f"python -m export --bundle {source} --output {folder} --version {arguments.version}"
    variants = {"float32": folder / manifest.variants.reference}
    variants.update({name: folder / file for name, file in _quantized(manifest).items()})
    metrics = add_view(variants, manifest.frontend, arguments.data, known, command)
    _write(manifest, folder, arguments.version, metrics, command)
    for metric in metrics:
        print(f"{metric.dataset} {metric.variant} {metric.name} {metric.value:.4f}")
    print(f"wrote {folder}")
    return 0


def add_view(
    variants: Mapping[str, Path],
    constants: FrontendConstants,
    data: Path,
    known: tuple[Sequence[Take], Sequence[Take]],
    command: str,
) -> tuple[Metric, ...]:
    """Give the audio graphs of a bundle their acoustic view.

    Args:
        variants: the graphs, ``float32`` first.
        constants: of the frontend.
        data: the shared data folder.
        known: recordings to learn from, and those to be judged on.
        command: that this is done by.

    Returns:
        What each variant keeps of it.
    """
    reference = variants["float32"]
    head = acoustic.learn(reference, data, known[0])
    for path in variants.values():
        acoustic.add_head(path, head)
    bundle.write_background(reference, constants, reference.with_name(BACKGROUND))
    add_attributions(reference.with_name(bundle.ATTRIBUTIONS), known[0])
    return measure(acoustic.judged(data, known[1]), variants, command)


def measure(judged: Judged, variants: Mapping[str, Path], command: str) -> tuple[Metric, ...]:
    """How the acoustic view of each variant does beside the float one."""
    nearest = {variant: judged.nearest(path) for variant, path in variants.items()}
    return tuple(
        Metric(name, "takes, validation", "-", variant, round(value, 6), command)
        for variant, found in nearest.items()
        for name, value in judged.figures(found, nearest["float32"]).items()
    )


def add_attributions(path: Path, known: Sequence[Take]) -> None:
    """Add who made the recordings that the acoustic view has learned from, each once."""
    rows = [["recording", "licence", "attribution"]]
    if path.is_file():
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    names = {row[0] for row in rows}
    recordings = [take.recording for take in known]
    rows += [[r.id, r.licence, r.attribution] for r in recordings if r.id not in names]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def _quantized(manifest: Manifest) -> dict[str, str]:
    variants = asdict(manifest.variants)
    reference = variants.pop("reference")
    return {machine: file for machine, file in variants.items() if file != reference}


def _manifest(folder: Path) -> Manifest:
    """A bundle's manifest; also of the schema before, which had no acoustic view."""
    path = folder / MANIFEST
    with failing_as(BundleError, path, "name a folder that holds a bundle"):
        text = path.read_text(encoding="utf-8")
    raw = json.loads(text)
    if isinstance(raw, dict) and raw.get("schema") == _BEFORE:
        text = json.dumps({**raw, "schema": SCHEMA, "acoustic_size": ACOUSTIC_SIZE})
    return Manifest.from_json(text, str(path))


def _write(
    manifest: Manifest, folder: Path, version: str, metrics: tuple[Metric, ...], command: str
) -> None:
    kept = tuple(
        metric for metric in manifest.metrics if metric.name not in {acoustic.OWN, acoustic.AGREES}
    )
    earlier = [line for line in manifest.rebuild.commands if " --bundle " not in line]
    manifest = replace(
        manifest,
        version=version,
        acoustic_size=ACOUSTIC_SIZE,
        metrics=(*kept, *metrics),
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
