"""The arms of the experiment: the same data and seeds, another objective each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from training.data.records import RatingKind
from training.train.config import LearnConfig, Ratings, TrainConfig, Weighting


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
        "binarised",
        "ratings as yes and no, InfoNCE",
        replace(_RATINGS, ratings=Ratings.BINARISED),
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
