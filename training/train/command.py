"""``python -m training train``: a manifest and a start become a better model."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Collection
from functools import partial
from pathlib import Path

import numpy as np

from agent.core.records import FloatArray
from training.data.arguments import add_folders
from training.data.audioset import load_classes, load_texts
from training.data.cache import LogMelCache
from training.data.contents import CONTENTS, read_contents
from training.data.files import write_text
from training.data.manifest import load_manifest
from training.data.progress import shown, steps
from training.data.readers import audiocaps
from training.data.readers.audiocaps import Translation
from training.data.records import Manifest, Split
from training.data.subsets import without_classes
from training.model import checkpoint
from training.model.text_tower import embed_texts
from training.train import parallel
from training.train.anchors import Texts
from training.train.config import TrainConfig, load_config
from training.train.material import Material, gather, texts_of
from training.train.parallel import World
from training.train.trainer import Trainer, prepare

ATTRIBUTIONS = "attributions.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training train``."""
    parser.add_argument("--config", type=Path, help="the settings; the defaults if left out")
    add_folders(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train, print each validation."""
    config = load_config(arguments.config)
    world = parallel.join()
    try:
        return _train(config, arguments.data, world)
    finally:
        parallel.leave(world)


def _train(config: TrainConfig, data: Path, world: World) -> int:
    material, manifest = read_material(config, data, quiet=not world.first)
    start = checkpoint.load(config.start)
    device = parallel.device_of(config.device, world)
    prepared = prepare(
        start.to(device),
        material,
        config,
        partial(shown, what="hearing windows", visible=world.first),
    )
    trainer = Trainer(start, material, config, world, prepared)
    if not world.first:
        trainer.run()
        return 0
    if trainer.progress.step:
        print(f"going on from step {trainer.progress.step}")
    with steps("training", config.steps) as bar:
        trainer.run(
            lambda figures: print(_line(figures), flush=True), lambda step: bar(completed=step)
        )
    write_attributions(manifest, config.output / ATTRIBUTIONS)
    print(f"wrote {config.output / 'model.pt'}: validation score {trainer.progress.best:.4f}")
    return 0


def read_material(
    config: TrainConfig, data: Path, *, quiet: bool = False
) -> tuple[Material, Manifest]:
    """Decode, embed and put in order what a training needs; tells what could not be read.

    Returns:
        The material, and the manifest with what was left out taken away.

    Raises:
        ValueError: nothing is left to train on or to validate with.
    """
    manifest = load_manifest(config.manifest)
    if config.leave_out:
        mixed = (config.manifest / CONTENTS).is_file()
        contents = read_contents(config.manifest) if mixed else ()
        manifest = without_classes(manifest, config.leave_out, contents)
    log_mels = hear(manifest, config.cache, data, quiet=quiet)
    return gather(manifest, log_mels, *embed(manifest, config, data), config.learn), manifest


def hear(
    manifest: Manifest,
    cache: Path,
    data: Path,
    *,
    splits: Collection[Split] = (Split.TRAIN, Split.VALIDATION),
    quiet: bool = False,
) -> dict[str, FloatArray]:
    """Log-mels of the recordings of some splits, by id; names those left out."""
    wanted = [clip for clip in manifest.recordings if clip.split in splits]
    return LogMelCache(cache / "log-mel", data).read(wanted, quiet=quiet)[0]


def embed(
    manifest: Manifest, config: TrainConfig, data: Path
) -> tuple[dict[str, FloatArray], Texts]:
    """Embeddings of all captions by id, and of the texts without sound that have a weight."""
    kept: list[str] = []
    if config.loss.keep_texts or config.loss.keep_noise:
        kept = [text.text for text in load_texts(load_classes(data))]
    sentences: list[Translation] = []
    if config.loss.translations or config.loss.keep_sentences:
        sentences = [
            sentence for sentence in audiocaps.read(data) if sentence.split is not Split.TEST
        ]
    english = [sentence.english for sentence in sentences]
    japanese = [sentence.japanese for sentence in sentences]
    captions = [caption.text for caption in manifest.captions]
    rows = embed_texts([*captions, *kept, *english, *japanese], config.cache)
    own, *others = np.split(rows, np.cumsum([len(captions), len(kept), len(english)]).tolist())
    by_id = {caption.id: row for caption, row in zip(manifest.captions, own, strict=True)}
    return by_id, texts_of(*others)


def write_attributions(manifest: Manifest, path: Path) -> None:
    """Write who made the recordings that the model has learned from, and under which licence."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["recording", "licence", "attribution"])
    for clip in manifest.recordings:
        if clip.split is not Split.TEST:
            writer.writerow([clip.id, clip.licence, clip.attribution])
    write_text(path, file.getvalue())


def _line(figures: dict[str, float]) -> str:
    rest = "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if name != "step")
    return f"step {figures['step']:>6.0f}  {rest}"
