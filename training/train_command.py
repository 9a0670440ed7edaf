"""``python -m training train``: a manifest and a start become a better model."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import Progress, track

from training import checkpoint, parallel
from training.audioset import data_folder, load_classes, load_texts
from training.config import load_config
from training.data.cache import LogMelCache, Unreadable
from training.data.contents import CONTENTS, read_contents
from training.data.leave_out import without_classes
from training.data.manifest import load_manifest
from training.data.readers import audiocaps
from training.data.records import Split
from training.data.texts import embed_texts
from training.material import gather, texts_of
from training.parallel import World
from training.train import Trainer, prepare

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection, Iterable

    from agent.records import FloatArray
    from training.anchors import Texts
    from training.config import TrainConfig
    from training.data.readers.audiocaps import Translation
    from training.data.records import Manifest
    from training.material import Material

T = TypeVar("T")

ATTRIBUTIONS = "attributions.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training train``."""
    parser.add_argument("--config", type=Path, help="the settings; the defaults if left out")
    parser.add_argument("--data", type=Path, default=data_folder(), help="the data folder")


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
    prepared = prepare(start.to(device), material, config, _shown("hearing windows", world))
    trainer = Trainer(start, material, config, world, prepared)
    if not world.first:
        trainer.run()
        return 0
    if trainer.progress.step:
        print(f"going on from step {trainer.progress.step}")
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("training", total=config.steps)
        trainer.run(
            lambda figures: print(_line(figures), flush=True),
            lambda step: progress.update(task, completed=step),
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
    wanted = [one for one in manifest.recordings if one.split in splits]
    log_mels: dict[str, FloatArray] = {}
    unread: list[Unreadable] = []
    heard = LogMelCache(cache / "log-mel", data).load(wanted)
    shown = _shown("reading recordings", World(1 if quiet else 0), len(wanted))
    for recording, found in shown(heard):
        if isinstance(found, Unreadable):
            unread.append(found)
        else:
            log_mels[recording.id] = found
    if not quiet:
        for one in unread:
            print(f"left out: {one.recording}: {one.reason}", file=sys.stderr)
        if unread:
            print(f"left out: {len(unread)} of {len(wanted)} recordings", file=sys.stderr)
    return log_mels


def embed(
    manifest: Manifest, config: TrainConfig, data: Path
) -> tuple[dict[str, FloatArray], Texts]:
    """Embeddings of all captions by id, and of the texts without sound that have a weight."""
    kept: list[str] = []
    if config.loss.keep_texts or config.loss.keep_noise:
        kept = [text.text for text in load_texts(load_classes(data))]
    sentences: list[Translation] = []
    if config.loss.translations or config.loss.keep_sentences:
        sentences = [one for one in audiocaps.read(data) if one.split is not Split.TEST]
    english = [one.english for one in sentences]
    japanese = [one.japanese for one in sentences]
    captions = [caption.text for caption in manifest.captions]
    rows = embed_texts([*captions, *kept, *english, *japanese], config.cache)
    own, *others = np.split(rows, np.cumsum([len(captions), len(kept), len(english)]).tolist())
    by_id = {one.id: row for one, row in zip(manifest.captions, own, strict=True)}
    return by_id, texts_of(*others)


def _shown(
    what: str, world: World, total: int | None = None
) -> Callable[[Iterable[T]], Iterable[T]]:
    """A progress bar on a terminal, none in a log and none for all processes but the first."""
    console = Console(stderr=True)

    def shown(items: Iterable[T]) -> Iterable[T]:
        return track(
            items,
            what,
            total=total,
            console=console,
            transient=True,
            disable=not (world.first and console.is_terminal),
        )

    return shown


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
