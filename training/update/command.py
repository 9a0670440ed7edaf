"""``python -m training update``: fine-tunes a model on what people answered to the box."""

from __future__ import annotations

import argparse
import hashlib
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from agent.core.records import FloatArray
from training.data.arguments import add_folders
from training.data.manifest import load_manifest, write_manifest
from training.data.progress import steps
from training.data.readers import labels
from training.data.readers.labels import LabelSet
from training.data.records import Manifest, Split
from training.model import checkpoint
from training.model.dual_encoder import DualEncoder
from training.train import parallel
from training.train.command import ATTRIBUTIONS, embed, hear, write_attributions
from training.train.material import Material
from training.train.parallel import World
from training.train.trainer import Trainer, prepare
from training.update.config import UpdateConfig, load_update
from training.update.gates import agreement
from training.update.material import answered, combined, focused, gather_update
from training.update.report import Agreement, Report, Try, answers_lines, write
from training.update.term import AnswersTerm, answers_of
from training.update.trials import Asked, HeldOut, OldSets, try_out

MODEL, MANIFEST, TRAINING = "model.pt", "manifest", "training"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training update``."""
    parser.add_argument("--labels", nargs="+", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--from", dest="start", type=Path, required=True, metavar="CHECKPOINT", help="to update"
    )
    parser.add_argument(
        "--replay", type=Path, metavar="MANIFEST", help="folder that it was trained with"
    )
    parser.add_argument("--config", type=Path, help="the settings; the defaults if left out")
    add_folders(parser, output="runs/update")


def run(arguments: argparse.Namespace) -> int:
    """Train, judge, write; 1 if no candidate passes."""
    config = load_update(arguments.config)
    world = parallel.join()
    try:
        return _update(arguments, config, world)
    finally:
        parallel.leave(world)


def _update(arguments: argparse.Namespace, config: UpdateConfig, world: World) -> int:
    answers = labels.read(arguments.labels)
    replay = Manifest() if arguments.replay is None else load_manifest(arguments.replay)
    manifest = combined(replay, answers.manifest)
    output: Path = arguments.output
    settings = replace(
        config.training, manifest=output / MANIFEST, start=arguments.start, output=output / TRAINING
    )
    if world.first:
        _tell(answers)
        write_manifest(manifest, output / MANIFEST)
    start = checkpoint.load(arguments.start)
    log_mels = hear(manifest, settings.cache, arguments.data, quiet=not world.first)
    captions, texts = embed(manifest, settings, arguments.data)
    rate_hz = start.level.constants.frame_rate_hz
    log_mels |= focused(
        start,
        manifest,
        log_mels,
        captions,
        window_frames=round(settings.batch.window_s * rate_hz),
        around_frames=round(config.answers.around_s * rate_hz),
    )
    material = gather_update(manifest, log_mels, captions, texts, settings.learn)
    config = replace(config, training=settings)
    trainer, term = _trainer(
        start, material, config, world, manifest=manifest, log_mels=log_mels, captions=captions
    )
    trained = _train(trainer, world)
    if not world.first:
        return 0
    by_split = {
        split: HeldOut(answered(manifest, split, log_mels), log_mels, captions)
        for split in (Split.TRAIN, Split.VALIDATION)
    }
    asked = Asked(
        OldSets.of(replay, log_mels, settings.cache), by_split[Split.VALIDATION], material.texts
    )
    tries, candidate = try_out(start, trained, asked, config.gates)
    report = Report(
        command=f"python -m training {shlex.join(sys.argv[1:])}",
        start=str(arguments.start),
        start_sha256=hashlib.sha256(arguments.start.read_bytes()).hexdigest(),
        model_sha256=keep(candidate, tries[-1], output / MODEL),
        labels=answers,
        weight=0.0 if term is None else term.weight,
        tries=tries,
        answers=tuple(
            Agreement(
                split.value,
                *(agreement(own.pairs, own.cosines(model)) for model in (start.cpu(), candidate)),
            )
            for split, own in by_split.items()
        ),
    )
    write(report, output)
    for line in answers_lines(report):
        print(line)
    if report.accepted is None:
        print(
            f"refused: even {tries[-1].share:.4g} of the way loses on {_lost_on(tries[-1])}; see "
            f"{output}, wait for more answers, replay more, or allow more in gates.most_loss",
            file=sys.stderr,
        )
        return 1
    write_attributions(manifest, output / ATTRIBUTIONS)
    print(f"wrote {output / MODEL}: {report.accepted.share:.4g} of the way to what was trained")
    return 0


def _lost_on(tried: Try) -> str:
    """The sets whose gates are shut."""
    return ", ".join(dict.fromkeys(gate.data_set for gate in tried.gates if not gate.open))


def _tell(answers: LabelSet) -> None:
    for line in answers.summary():
        print(line)
    splits = {clip.id: clip.split for clip in answers.manifest.recordings}
    pairs = [splits[pair.recording] for pair in answers.manifest.pairs]
    counts = ", ".join(f"{pairs.count(split)} {split}" for split in Split)
    print(f"verdicts by the day of their clips: {counts}; those of test days stay unheard")


def _trainer(
    start: DualEncoder,
    material: Material,
    config: UpdateConfig,
    world: World,
    *,
    manifest: Manifest,
    log_mels: Mapping[str, FloatArray],
    captions: Mapping[str, FloatArray],
) -> tuple[Trainer, AnswersTerm | None]:
    settings = config.training
    device = parallel.device_of(settings.device, world)
    prepared = prepare(start.to(device), material, settings)
    pairs = answered(manifest, Split.TRAIN, log_mels)
    term = None
    if pairs and config.answers.weight:
        trained_on = [
            clip.id
            for clip in manifest.recordings
            if clip.split is Split.TRAIN and clip.id in log_mels
        ]
        positions = {name: at for at, name in enumerate(trained_on)}
        answers = answers_of(pairs, captions, positions)
        term = AnswersTerm(start, answers, prepared.sounds, config.answers, settings)
    return Trainer(start, material, settings, world, prepared, extra=term), term


def _train(trainer: Trainer, world: World) -> DualEncoder:
    """Train to the end; the last model, wherever the validation was best: the gates judge it."""
    if trainer.progress.step and world.first:
        print(f"going on from step {trainer.progress.step}")
    with steps("training", trainer.config.steps, visible=world.first) as bar:
        trainer.run(stepped=lambda step: bar(completed=step))
    return trainer.result().cpu().eval()


def keep(candidate: DualEncoder, tried: Try, path: Path) -> str | None:
    """Write the model if it passed; what an earlier run has left there is gone if not."""
    if not tried.passed:
        path.unlink(missing_ok=True)
        return None
    checkpoint.save(candidate, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()
