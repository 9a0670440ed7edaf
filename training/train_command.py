"""``python -m training train``: a manifest and a start become a better model."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track

from training import checkpoint
from training.audioset import data_folder, load_classes, load_texts
from training.config import load_config
from training.data.cache import LogMelCache, Unreadable
from training.data.manifest import load_manifest
from training.data.records import Split
from training.data.texts import embed_texts
from training.train import Material, Trainer, gather

if TYPE_CHECKING:
    import argparse

    from agent.records import FloatArray
    from training.config import TrainConfig
    from training.data.records import Manifest

ATTRIBUTIONS = "attributions.csv"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``python -m training train``."""
    parser = commands.add_parser(
        "train",
        help="train on recordings, labels and ratings at once",
        description="Trains on the recordings, labels and ratings of a manifest. Killed, it goes "
        "on where it stood when it is started again with the same settings.",
        epilog="example: python -m training train --config configs/training.yaml",
    )
    parser.add_argument("--config", type=Path, help="the settings; the defaults if left out")
    parser.add_argument("--data", type=Path, default=data_folder(), help="the data folder")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, print each validation."""
    config = load_config(arguments.config)
    manifest = load_manifest(config.manifest)
    material = read_material(manifest, config, arguments.data)
    start = checkpoint.load(config.start)
    trainer = Trainer(start, material, config)
    if trainer.progress.step:
        print(f"going on from step {trainer.progress.step}")
    trainer.run(lambda figures: print(_line(figures), flush=True))
    write_attributions(manifest, config.output / ATTRIBUTIONS)
    print(f"wrote {config.output / 'model.pt'}: validation mAP@10 {trainer.progress.best:.4f}")
    return 0


def read_material(manifest: Manifest, config: TrainConfig, data: Path) -> Material:
    """Decode, embed and put in order what a manifest names; tells what could not be read.

    Raises:
        ValueError: nothing is left to train on or to validate with.
    """
    console = Console(stderr=True)
    wanted = [one for one in manifest.recordings if one.split is not Split.TEST]
    log_mels: dict[str, FloatArray] = {}
    unread: list[Unreadable] = []
    heard = LogMelCache(config.cache / "log-mel", data).load(wanted)
    bar = track(
        heard,
        "reading recordings",
        total=len(wanted),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    for recording, found in bar:
        if isinstance(found, Unreadable):
            unread.append(found)
        else:
            log_mels[recording.id] = found
    for one in unread:
        print(f"left out: {one.recording}: {one.reason}", file=sys.stderr)
    if unread:
        print(f"left out: {len(unread)} of {len(wanted)} recordings", file=sys.stderr)
    kept = [text.text for text in load_texts(load_classes(data))]
    texts = [caption.text for caption in manifest.captions]
    embedded = embed_texts([*texts, *kept], config.cache)
    own = {one.id: row for one, row in zip(manifest.captions, embedded, strict=False)}
    return gather(manifest, log_mels, own, embedded[len(texts) :])


def write_attributions(manifest: Manifest, path: Path) -> None:
    """Write who made the recordings that the model has learned from, and under which licence."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["recording", "licence", "attribution"])
        for one in manifest.recordings:
            if one.split is not Split.TEST:
                writer.writerow([one.id, one.licence, one.attribution])


def _line(figures: dict[str, float]) -> str:
    rest = "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if name != "step")
    return f"step {figures['step']:>6.0f}  {rest}"
