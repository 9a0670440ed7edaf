"""One fine-tune on the month's answers, and the bundle that comes of it, by the usual commands."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.cli.labels.export import export
from agent.config import Settings
from agent.store import Store
from training.data.manifest import write_manifest
from training.data.records import Manifest, Recording, Split
from training.studies.human_loop.recordings import Dealt
from training.update import command as update_command

MODEL, BUNDLE, LOG = "model.pt", "bundle", "update.txt"
_ROOM = {Split.TRAIN: 160, Split.VALIDATION: 120}
_SETTINGS = """\
training:
  steps: {steps}
  validate_every: {steps}
  views: 2
  frozen_blocks: 15
  augment: false
  tensorboard: false
  loss:
    {{keep_unfamiliar: 0, noise: 0, keep_noise: 0, keep_sentences: 0, translations: 0}}
  batch: {{pairs: 16}}
answers: {{pairs: 16}}
gates: {{least_queries: 1000, most_loss: 3}}
"""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a fine-tune starts from."""

    checkpoint: Path
    """That the bundle in use was exported from."""
    bundle: Path
    """The bundle in use: its text tower is taken over."""
    data: Path
    steps: int
    threshold: float
    """Uncalibrated, of the new bundle."""


def fine_tune(
    folder: Path,
    settings: Settings,
    tuning: Tuning,
    manifest: Manifest,
    dealt: Sequence[Dealt],
    *,
    now: float,
    seed: int,
) -> Path | None:
    """Export the answers, update, export the bundle.

    Args:
        folder: for everything that is made.
        settings: of the box that was answered to.
        tuning: what to start from.
        manifest: what may be replayed.
        dealt: what the month hears, which is not replayed.
        now: UTC, for the trail.
        seed: draws the replay.

    Returns:
        The new bundle; ``None`` where the update's gates refused the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with closing(Store.open(settings.state_dir)) as store:
        export(settings, store, folder / "labels", 0.0, now)
    write_manifest(replay_of(manifest, dealt, seed), folder / "replay")
    config = folder / "update.yaml"
    config.write_text(_SETTINGS.format(steps=tuning.steps), encoding="utf-8")
    arguments = argparse.Namespace(
        labels=[folder / "labels"],
        start=tuning.checkpoint,
        replay=folder / "replay",
        output=folder / "update",
        config=config,
        data=tuning.data,
    )
    with (folder / LOG).open("w", encoding="utf-8") as log, redirect_stdout(log):
        refused = update_command.run(arguments)
    if refused:
        return None
    command = [sys.executable, "-m", "export", "--checkpoint", folder / "update" / MODEL]
    command += ["--output", folder / BUNDLE, "--reuse-text", tuning.bundle]
    command += ["--threshold", f"{tuning.threshold:g}", "--data", tuning.data]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return folder / BUNDLE


def replay_of(manifest: Manifest, dealt: Sequence[Dealt], seed: int) -> Manifest:
    """A part of what may be trained on, none of whose sources the month hears."""
    heard = {clip.source for part in dealt for some in part.recordings.values() for clip in some}
    rng = np.random.default_rng([seed, 2])
    chosen: list[Recording] = []
    for split, room in _ROOM.items():
        some = [
            clip for clip in manifest.recordings if clip.split is split and clip.source not in heard
        ]
        order = rng.permutation(len(some))[:room]
        chosen += [some[at] for at in sorted(order)]
    left = manifest.without(
        {clip.id for clip in manifest.recordings} - {clip.id for clip in chosen}
    )
    asked = {pair.caption for pair in left.pairs}
    captions = tuple(caption for caption in left.captions if caption.id in asked)
    return Manifest(tuple(chosen), captions, left.pairs)
