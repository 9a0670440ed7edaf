"""Settings of an update: ``configs/update.yaml`` to one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from agent.config.reader import Between, load
from agent.config.table import Table
from training.train.config import OptimiserConfig, TrainConfig, Weight

_GIVEN = {"manifest": "--replay", "start": "--from", "output": "--output"}
"""Settings of a training that the command line gives."""
_TRAINING = TrainConfig(
    steps=200,
    validate_every=50,
    patience=1_000,
    views=4,
    blend=1.0,
    optimiser=OptimiserConfig(tower_rate=1e-4, head_rate=2e-4),
)


@dataclass(frozen=True, slots=True)
class AnswersConfig:
    """How much people's yes and no count."""

    weight: Weight = 4.0
    """Of the term, when there are very many answers."""
    half_at: Annotated[int, Between(0, 1_000_000)] = 20
    """So many answered pairs give it half of that weight: few count, and do not take over."""
    pairs: Annotated[int, Between(1, 4_096)] = 32
    """Answered pairs that a step looks at, half of them rejected where there are such."""
    around_s: Annotated[float, Between(0.0, 3_600.0, unit="s")] = 1.0
    """Of each clip, the window that the description finds best is kept, and so much around it."""


@dataclass(frozen=True, slots=True)
class GatesConfig:
    """What an update may cost on what was known before."""

    most_loss: Annotated[float, Between(0.0, 100.0, unit="points")] = 1.0
    """Points of 100 that a figure of an old set may lose."""
    most_unsure: Annotated[float, Between(0.0, 100.0, unit="points")] = 5.0
    """Points that a figure may lose on average whose set is too small to tell so little."""
    level: Annotated[float, Between(0.51, 0.9999)] = 0.95
    """How sure it has to be that no more is lost; of one-sided intervals."""
    least_queries: Annotated[int, Between(2, 1_000_000)] = 30
    """Below so many queries there is no interval to go by, and the mean decides."""
    halvings: Annotated[int, Between(0, 10)] = 4
    """How often the way from the old model to the new one is halved before giving up."""


@dataclass(frozen=True, slots=True)
class UpdateConfig:
    """All settings of an update."""

    training: TrainConfig = _TRAINING
    """As of a training from the start, less what the command line gives."""
    answers: AnswersConfig = AnswersConfig()
    """How much people's yes and no count."""
    gates: GatesConfig = GatesConfig()
    """What the update may cost."""


def load_update(path: Path | None) -> UpdateConfig:
    """The settings of a file, and the defaults of what it leaves out.

    Raises:
        ConfigError: with every problem that was found.
    """
    return UpdateConfig() if path is None else load(path, UpdateConfig(), _refuse_given)


def _refuse_given(table: Table) -> None:
    training = table.table("training")
    for name, option in _GIVEN.items():
        if training.has(name):
            training.report(name, "is given by the command line", f"delete it and write {option}")
