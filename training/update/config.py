"""Settings of an update: ``configs/update.yaml`` to one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent import fields, yamlfile
from agent.errors import ConfigError
from agent.fields import Table
from training.train.config import OptimiserConfig, TrainConfig, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from agent.errors import Problem

_MOST_ITEMS, _MOST_HALVINGS = 4_096, 10
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

    weight: float = 4.0
    """Of the term, when there are very many answers."""
    half_at: int = 20
    """So many answered pairs give it half of that weight: few count, and do not take over."""
    pairs: int = 32
    """Answered pairs that a step looks at, half of them rejected where there are such."""
    around_s: float = 1.0
    """Of each clip, the window that the description finds best is kept, and so much around it."""


@dataclass(frozen=True, slots=True)
class GatesConfig:
    """What an update may cost on what was known before."""

    most_loss: float = 1.0
    """Points of 100 that a figure of an old set may lose."""
    most_unsure: float = 5.0
    """Points that a figure may lose on average whose set is too small to tell so little."""
    level: float = 0.95
    """How sure it has to be that no more is lost; of one-sided intervals."""
    least_queries: int = 30
    """Below so many queries there is no interval to go by, and the mean decides."""
    halvings: int = 4
    """How often the way from the old model to the new one is halved before giving up."""


@dataclass(frozen=True, slots=True)
class UpdateConfig:
    """All settings of an update."""

    training: TrainConfig = _TRAINING
    answers: AnswersConfig = AnswersConfig()
    gates: GatesConfig = GatesConfig()


def load_update(path: Path | None) -> UpdateConfig:
    """The settings of a file, and the defaults of what it leaves out.

    Raises:
        ConfigError: with every problem that was found.
    """
    if path is None:
        return UpdateConfig()
    problems: list[Problem] = []
    root = yamlfile.load(path, problems)
    config = _update(Table(root, "", problems))
    if problems:
        raise ConfigError(problems)
    return config


def _update(table: Table) -> UpdateConfig:
    training = table.table("training")
    for name, option in _GIVEN.items():
        if training.has(name):
            training.report(name, "is given by the command line", f"delete it and write {option}")
    config = UpdateConfig(
        training=read_settings(training, _TRAINING),
        answers=_answers(table.table("answers"), AnswersConfig()),
        gates=_gates(table.table("gates"), GatesConfig()),
    )
    table.finish()
    return config


def _answers(table: Table, default: AnswersConfig) -> AnswersConfig:
    count = fields.integer(1, _MOST_ITEMS)
    config = AnswersConfig(
        weight=table.value("weight", fields.number(0.0, 1e6), default.weight),
        half_at=table.value("half_at", fields.integer(0, 1_000_000), default.half_at),
        pairs=table.value("pairs", count, default.pairs),
        around_s=table.value("around_s", fields.number(0.0, 3_600.0), default.around_s),
    )
    table.finish()
    return config


def _gates(table: Table, default: GatesConfig) -> GatesConfig:
    config = GatesConfig(
        most_loss=table.value("most_loss", fields.number(0.0, 100.0), default.most_loss),
        most_unsure=table.value("most_unsure", fields.number(0.0, 100.0), default.most_unsure),
        level=table.value("level", fields.number(0.51, 0.9999), default.level),
        least_queries=table.value(
            "least_queries", fields.integer(2, 1_000_000), default.least_queries
        ),
        halvings=table.value("halvings", fields.integer(0, _MOST_HALVINGS), default.halvings),
    )
    table.finish()
    return config
