"""Trains the arms on the same data and seeds, and judges each on the test recordings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import torch

from training.data.manifest import load_manifest
from training.data.records import RatingKind, Split
from training.evaluation.conditions import parse_conditions
from training.evaluation.encoders import CheckpointEncoder, hidden_texts
from training.evaluation.evaluate import evaluate
from training.evaluation.figures import figures
from training.evaluation.material import Material, material_of, recordings_of
from training.evaluation.report import RESULTS, Evaluation, write
from training.model import checkpoint
from training.model.dual_encoder import DualEncoder
from training.train.command import embed, hear
from training.train.config import LearnConfig, Ratings, TrainConfig, Weighting
from training.train.material import gather
from training.train.trainer import Trainer, prepare

EVALUATION = "test"
START = "start"
_CLEAN = parse_conditions(["clean"])


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to learn."""

    name: str
    told: str
    """What it learns from, and how, in a few words."""
    learn: LearnConfig
    weighting: Weighting = Weighting.CONSTANT
    joint: bool = False

    def config(self, base: TrainConfig, seed: int, output: Path) -> TrainConfig:
        """The settings of one of its trainings."""
        return replace(
            base,
            seed=seed,
            output=output / self.name / str(seed),
            learn=self.learn,
            loss=replace(base.loss, weighting=self.weighting, binary=1.0, continuous=1.0),
            tensorboard=False,
        )


_LABELS = LearnConfig(ratings=Ratings.NONE)
_RATINGS = LearnConfig(labels=False)
_BOTH = LearnConfig()

BINARY, CONTINUOUS = "binary", "continuous"
ARMS = (
    Arm(BINARY, "labels alone, InfoNCE", _LABELS),
    Arm(CONTINUOUS, "ratings alone, ListNet", _RATINGS),
    Arm(
        "binarised", "ratings as yes and no, InfoNCE", replace(_RATINGS, ratings=Ratings.BINARISED)
    ),
    Arm("joint-constant", "both, equal weights", _BOTH, joint=True),
    Arm("joint-ramp", "both, labels first", _BOTH, Weighting.RAMP, joint=True),
    Arm("joint-uncertainty", "both, learned weights", _BOTH, Weighting.UNCERTAINTY, joint=True),
    Arm(
        "joint-estimated",
        "labels, and what the start itself estimates in place of ratings",
        replace(_BOTH, kinds=(RatingKind.ESTIMATED,)),
        joint=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is trained."""

    config: TrainConfig
    """Of all arms, but for what an arm is about; ``output`` is the experiment's folder."""
    seeds: tuple[int, ...]
    data: Path
    arms: tuple[Arm, ...] = ARMS

    def folder(self, arm: str, seed: int) -> Path:
        """Of one training and its evaluation."""
        return self.config.output / arm / str(seed)


def train_all(plan: Plan, processes: int, told: Callable[[str], None]) -> None:
    """Every arm with every seed; what is there already is not done again.

    Args:
        plan: what to train.
        processes: that train at the same time, a seed each.
        told: of each training that has ended.
    """
    _judge_start(plan)
    open_seeds = [seed for seed in plan.seeds if _missing(plan, seed)]
    if processes == 1:
        for seed in open_seeds:
            told(_train_seed(plan, seed))
        return
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_alone
    ) as pool:
        for done in as_completed([pool.submit(_train_seed, plan, seed) for seed in open_seeds]):
            told(done.result())


def _alone() -> None:
    """Several trainings at once: one thread each."""
    torch.set_num_threads(1)


def _missing(plan: Plan, seed: int) -> list[Arm]:
    return [
        arm
        for arm in plan.arms
        if not (plan.folder(arm.name, seed) / EVALUATION / RESULTS).is_file()
    ]


def _train_seed(plan: Plan, seed: int) -> str:
    """All arms of one seed, which hear the same windows."""
    config = replace(plan.config, seed=seed)
    manifest = load_manifest(config.manifest)
    log_mels = hear(manifest, config.cache, plan.data, quiet=True)
    captions, texts = embed(manifest, config, plan.data)
    start = checkpoint.load(config.start)
    test = _Test(plan)
    prepared = None
    for arm in _missing(plan, seed):
        own = arm.config(config, seed, config.output)
        material = gather(manifest, log_mels, captions, texts, own.learn)
        # The arms learn other things of the same recordings.
        prepared = prepared or prepare(start, material, own)
        trainer = Trainer(start, material, own, prepared=prepared)
        model = trainer.run()
        test.judge(model, arm.name, seed, own.output / EVALUATION)
    return f"seed {seed}: {len(plan.arms)} arms"


def _judge_start(plan: Plan) -> None:
    folder = plan.folder(START, 0) / EVALUATION
    if not (folder / RESULTS).is_file():
        _Test(plan).judge(checkpoint.load(plan.config.start), START, 0, folder)


class _Test:
    """The test recordings, decoded once."""

    def __init__(self, plan: Plan) -> None:
        self._config = plan.config
        self.material = test_material(plan)
        self._hidden = hidden_texts(self.material.texts, plan.config.cache)

    def judge(self, model: DualEncoder, name: str, seed: int, folder: Path) -> None:
        encoder = CheckpointEncoder(model, self._hidden)
        results = evaluate(encoder, self.material, _CLEAN, model=name)
        write(
            Evaluation(
                command="python -m training experiment",
                split=Split.TEST,
                seed=seed,
                models=((name, _fingerprint(model)),),
                recordings=len(self.material.recordings),
                results=(results,),
                figures=figures(results),
                comparisons=(),
                unreadable=self.material.unreadable,
                notes=self.material.notes,
            ),
            folder,
        )


def test_material(plan: Plan) -> Material:
    """What all arms are judged by."""
    manifest = load_manifest(plan.config.manifest)
    recordings = recordings_of(manifest, Split.TEST)
    log_mels = hear(manifest, plan.config.cache, plan.data, splits=(Split.TEST,), quiet=True)
    return material_of(manifest, recordings, log_mels)


def _fingerprint(model: DualEncoder) -> str:
    """SHA-256 over the weights."""
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.numpy().tobytes())
    return digest.hexdigest()
