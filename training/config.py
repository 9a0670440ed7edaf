"""Settings of a training: ``configs/training.yaml`` to one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from agent import fields, yamlfile
from agent.errors import ConfigError, Problem
from agent.fields import Table
from training.losses.joint import ConstantWeights, JointLoss, RampWeights, UncertaintyWeights

_MOST_STEPS, _MOST_ITEMS = 10_000_000, 4_096


class Weighting(StrEnum):
    """How labels and ratings are weighed against each other."""

    CONSTANT = "constant"
    RAMP = "ramp"
    UNCERTAINTY = "uncertainty"


@dataclass(frozen=True, slots=True)
class LossConfig:
    """The joint loss."""

    weighting: Weighting = Weighting.RAMP
    binary: float = 1.0
    """Weight of InfoNCE, where the weighting is constant."""
    continuous: float = 1.0
    """Weight of ListNet, likewise."""
    rating_temperature: float = 20.0
    """Of the ratings' softmax, in points of 100."""
    keep_texts: float = 20.0
    """Weight of staying near the start's embeddings of AudioSet's texts."""
    keep_audio: float = 100.0
    """Weight of staying near the start's embeddings of the same windows."""

    def joint(self) -> JointLoss:
        """The loss that the weighting asks for."""
        if self.weighting is Weighting.UNCERTAINTY:
            return UncertaintyWeights()
        if self.weighting is Weighting.RAMP:
            return RampWeights()
        return ConstantWeights(self.binary, self.continuous)


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """What one step looks at."""

    pairs: int = 32
    lists: int = 4
    list_items: int = 6
    """Rated recordings of each list, drawn anew each time."""
    texts: int = 256
    """Of AudioSet, for ``keep_texts``."""
    window_s: float = 2.0


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """AdamW (Loshchilov and Hutter, ICLR 2019)."""

    tower_rate: float = 1e-5
    head_rate: float = 3e-4
    weight_decay: float = 1e-4
    most_norm: float = 5.0
    """Gradients of a larger norm are scaled down to it."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that decides what comes out."""

    manifest: Path = Path("runs/data")
    start: Path = Path("runs/bootstrap/model.pt")
    output: Path = Path("runs/train")
    cache: Path = Path("runs/cache")
    seed: int = 0
    steps: int = 1_500
    validate_every: int = 100
    patience: int = 5
    """Validations without an improvement before it ends."""
    augment: bool = True
    blend: float = 0.6
    """How far the result is from the start towards what was trained, 0 to 1."""
    loss: LossConfig = LossConfig()
    batch: BatchConfig = BatchConfig()
    optimiser: OptimiserConfig = OptimiserConfig()


def load_config(path: Path | None) -> TrainConfig:
    """The settings of a file, and the defaults of what it leaves out.

    Raises:
        ConfigError: with every problem that was found.
    """
    if path is None:
        return TrainConfig()
    problems: list[Problem] = []
    data = yamlfile.read(path, problems)
    root = None if data is None else yamlfile.parse(data, str(path), problems)
    if root is None:
        raise ConfigError(problems)
    config = _train(Table(root, "", problems))
    if problems:
        raise ConfigError(problems)
    return config


def _train(table: Table) -> TrainConfig:
    default = TrainConfig()
    # Paths start where the command is typed: runs/ belongs to no file.
    folder = fields.path(Path())
    count = fields.integer(1, _MOST_STEPS)
    config = TrainConfig(
        manifest=table.value("manifest", folder, default.manifest),
        start=table.value("start", folder, default.start),
        output=table.value("output", folder, default.output),
        cache=table.value("cache", folder, default.cache),
        seed=table.value("seed", fields.integer(0, 2**31), default.seed),
        steps=table.value("steps", count, default.steps),
        validate_every=table.value("validate_every", count, default.validate_every),
        patience=table.value("patience", count, default.patience),
        augment=table.value("augment", fields.switch, default.augment),
        blend=table.value("blend", fields.number(0.0, 1.0), default.blend),
        loss=_loss(table.table("loss"), default.loss),
        batch=_batch(table.table("batch"), default.batch),
        optimiser=_optimiser(table.table("optimiser"), default.optimiser),
    )
    table.finish()
    return config


def _loss(table: Table, default: LossConfig) -> LossConfig:
    weight = fields.number(0.0, 1e6)
    config = LossConfig(
        weighting=table.value("weighting", fields.choice(Weighting), default.weighting),
        binary=table.value("binary", weight, default.binary),
        continuous=table.value("continuous", weight, default.continuous),
        rating_temperature=table.value(
            "rating_temperature", fields.number(0.01, 1e6), default.rating_temperature
        ),
        keep_texts=table.value("keep_texts", weight, default.keep_texts),
        keep_audio=table.value("keep_audio", weight, default.keep_audio),
    )
    table.finish()
    return config


def _batch(table: Table, default: BatchConfig) -> BatchConfig:
    config = BatchConfig(
        pairs=table.value("pairs", fields.integer(2, _MOST_ITEMS), default.pairs),
        lists=table.value("lists", fields.integer(0, _MOST_ITEMS), default.lists),
        list_items=table.value("list_items", fields.integer(2, _MOST_ITEMS), default.list_items),
        texts=table.value("texts", fields.integer(1, _MOST_ITEMS), default.texts),
        window_s=table.value("window_s", fields.number(0.5, 60.0), default.window_s),
    )
    table.finish()
    return config


def _optimiser(table: Table, default: OptimiserConfig) -> OptimiserConfig:
    rate = fields.number(0.0, 1.0)
    config = OptimiserConfig(
        tower_rate=table.value("tower_rate", rate, default.tower_rate),
        head_rate=table.value("head_rate", rate, default.head_rate),
        weight_decay=table.value("weight_decay", rate, default.weight_decay),
        most_norm=table.value("most_norm", fields.number(0.01, 1e6), default.most_norm),
    )
    table.finish()
    return config
