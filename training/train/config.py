"""Settings of a training: ``configs/training.yaml`` to one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from agent import fields, yamlfile
from agent.errors import ConfigError, Problem
from agent.fields import Table
from training.data.records import RatingKind
from training.model.audio_tower import BLOCKS
from training.train.losses.joint import ConstantWeights, JointLoss, RampWeights, UncertaintyWeights

_MOST_STEPS, _MOST_ITEMS, _MOST_VIEWS = 10_000_000, 4_096, 1_000


class Weighting(StrEnum):
    """How labels and ratings are weighed against each other."""

    CONSTANT = "constant"
    RAMP = "ramp"
    UNCERTAINTY = "uncertainty"


class Ratings(StrEnum):
    """What ratings become."""

    GRADED = "graded"
    BINARISED = "binarised"
    """Pairs, as if people had said yes or no."""
    NONE = "none"


class Device(StrEnum):
    """Where a training computes."""

    AUTO = "auto"
    """A graphics card if there is one."""
    CPU = "cpu"
    CUDA = "cuda"


class Precision(StrEnum):
    """What the audio tower computes in."""

    AUTO = "auto"
    """bfloat16 on a graphics card, float32 elsewhere."""
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, slots=True)
class LearnConfig:
    """What of the manifest is learned from."""

    labels: bool = True
    ratings: Ratings = Ratings.GRADED
    kinds: tuple[RatingKind, ...] = (RatingKind.HUMAN, RatingKind.SIMULATED)
    binarise_from: float = 50.0
    """Rating from which a pair fits, where ratings are binarised."""


@dataclass(frozen=True, slots=True)
class LossConfig:
    """The joint loss."""

    weighting: Weighting = Weighting.CONSTANT
    binary: float = 1.0
    """Weight of InfoNCE, where the weighting is constant."""
    continuous: float = 1.0
    """Weight of ListNet, likewise."""
    rating_temperature: float = 20.0
    """Of the ratings' softmax, in points of 100."""
    keep_texts: float = 8.0
    """Weight of staying near the start's embeddings of AudioSet's texts."""
    keep_audio: float = 20.0
    """Weight of staying near the start's embeddings of the same windows."""
    keep_unfamiliar: float = 20.0
    """Weight of staying near the start's embeddings of sounds that no recording teaches."""
    noise: float = 0.5
    """Weight of captions finding their recording among ordinary machine noise."""
    keep_noise: float = 1000.0
    """Weight of texts' cosines with machine noise being spread as the start had them."""
    keep_sentences: float = 30.0
    """Weight of staying near the start's embeddings of English sentences about sounds."""
    translations: float = 8.0
    """Weight of Japanese sentences coming to the same sentences in English."""

    @property
    def uses_labels(self) -> bool:
        """Whether labels have a weight at all."""
        return self.weighting is not Weighting.CONSTANT or self.binary > 0.0

    @property
    def uses_ratings(self) -> bool:
        """Whether ratings have a weight at all."""
        return self.weighting is not Weighting.CONSTANT or self.continuous > 0.0

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

    pairs: int = 48
    lists: int = 5
    list_items: int = 6
    """Rated recordings of each list, drawn anew each time."""
    texts: int = 128
    """Of each kind, for ``keep_texts``, ``keep_noise``, ``keep_sentences``, ``translations``."""
    unfamiliar: int = 32
    """Windows of sounds that no recording teaches, for ``keep_unfamiliar``."""
    window_s: float = 2.0


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """AdamW (Loshchilov and Hutter, ICLR 2019)."""

    tower_rate: float = 2e-4
    head_rate: float = 3e-4
    weight_decay: float = 1e-4
    most_norm: float = 5.0
    """Gradients of a larger norm are scaled down to it."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that decides what comes out."""

    manifest: Path = Path("runs/rated")
    start: Path = Path("runs/bootstrap/model.pt")
    output: Path = Path("runs/train")
    cache: Path = Path("runs/cache")
    seed: int = 0
    steps: int = 500
    validate_every: int = 100
    patience: int = 5
    """Validations without an improvement before it ends."""
    augment: bool = True
    frozen_blocks: int = 7
    """First blocks of the audio tower that stay as they are, 0 to 17."""
    views: int = 8
    """Windows of each recording that are heard once and kept; 0: new ones in each step."""
    unfamiliar: int = 2_000
    """Synthesised sounds that are made for ``keep_unfamiliar``."""
    blend: float = 0.6
    """How far the result is from the start towards what was trained, 0 to 1."""
    device: Device = Device.AUTO
    precision: Precision = Precision.AUTO
    tensorboard: bool = True
    leave_out: tuple[str, ...] = ()
    """Classes that nothing is learned of, to measure what is kept of others."""
    learn: LearnConfig = LearnConfig()
    loss: LossConfig = LossConfig()
    batch: BatchConfig = BatchConfig()
    optimiser: OptimiserConfig = OptimiserConfig()

    def half(self, device: str) -> bool:
        """Whether the audio tower computes in bfloat16 on this type of device."""
        if self.precision is Precision.AUTO:
            return device == "cuda"
        return self.precision is Precision.BFLOAT16


def load_config(path: Path | None) -> TrainConfig:
    """The settings of a file, and the defaults of what it leaves out.

    Raises:
        ConfigError: with every problem that was found.
    """
    if path is None:
        return TrainConfig()
    problems: list[Problem] = []
    root = yamlfile.load(path, problems)
    config = read_settings(Table(root, "", problems), TrainConfig())
    if problems:
        raise ConfigError(problems)
    return config


def read_settings(table: Table, default: TrainConfig) -> TrainConfig:
    """The settings of a table, and the defaults of what it leaves out; problems are collected."""
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
        frozen_blocks=table.value(
            "frozen_blocks", fields.integer(0, BLOCKS), default.frozen_blocks
        ),
        views=table.value("views", fields.integer(0, _MOST_VIEWS), default.views),
        unfamiliar=table.value("unfamiliar", count, default.unfamiliar),
        blend=table.value("blend", fields.number(0.0, 1.0), default.blend),
        device=table.value("device", fields.choice(Device), default.device),
        precision=table.value("precision", fields.choice(Precision), default.precision),
        tensorboard=table.value("tensorboard", fields.switch, default.tensorboard),
        leave_out=table.values("leave_out", fields.text(), default.leave_out),
        learn=_learn(table.table("learn"), default.learn),
        loss=_loss(table.table("loss"), default.loss),
        batch=_batch(table.table("batch"), default.batch),
        optimiser=_optimiser(table.table("optimiser"), default.optimiser),
    )
    table.finish()
    return config


def _learn(table: Table, default: LearnConfig) -> LearnConfig:
    config = LearnConfig(
        labels=table.value("labels", fields.switch, default.labels),
        ratings=table.value("ratings", fields.choice(Ratings), default.ratings),
        kinds=table.values("kinds", fields.choice(RatingKind), default.kinds),
        binarise_from=table.value(
            "binarise_from", fields.number(0.0, 100.0), default.binarise_from
        ),
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
        keep_unfamiliar=table.value("keep_unfamiliar", weight, default.keep_unfamiliar),
        noise=table.value("noise", weight, default.noise),
        keep_noise=table.value("keep_noise", weight, default.keep_noise),
        keep_sentences=table.value("keep_sentences", weight, default.keep_sentences),
        translations=table.value("translations", weight, default.translations),
    )
    table.finish()
    return config


def _batch(table: Table, default: BatchConfig) -> BatchConfig:
    config = BatchConfig(
        pairs=table.value("pairs", fields.integer(2, _MOST_ITEMS), default.pairs),
        lists=table.value("lists", fields.integer(0, _MOST_ITEMS), default.lists),
        list_items=table.value("list_items", fields.integer(2, _MOST_ITEMS), default.list_items),
        texts=table.value("texts", fields.integer(1, _MOST_ITEMS), default.texts),
        unfamiliar=table.value("unfamiliar", fields.integer(1, _MOST_ITEMS), default.unfamiliar),
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
