"""Settings of a training: ``configs/training.yaml`` to one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

from agent.config.reader import Between, load
from training.data.records import RatingKind
from training.model.towers import TOWERS
from training.train.losses.joint import ConstantWeights, JointLoss, RampWeights, UncertaintyWeights

_MOST_ITEMS = 4_096
_MOST_BLOCKS = max(tower.blocks for tower in TOWERS.values())
Count: TypeAlias = Annotated[int, Between(1, 10_000_000)]
Weight: TypeAlias = Annotated[float, Between(0.0, 1e6)]
Rate: TypeAlias = Annotated[float, Between(0.0, 1.0)]


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
    """Whether labels are learned from."""
    ratings: Ratings = Ratings.GRADED
    """What ratings become."""
    kinds: tuple[RatingKind, ...] = (RatingKind.HUMAN, RatingKind.SIMULATED)
    """Kinds of ratings that are learned from."""
    binarise_from: Annotated[float, Between(0.0, 100.0, unit="points")] = 50.0
    """Rating from which a pair fits, where ratings are binarised."""


@dataclass(frozen=True, slots=True)
class LossConfig:
    """The joint loss."""

    weighting: Weighting = Weighting.CONSTANT
    """How labels and ratings are weighed against each other."""
    binary: Weight = 1.0
    """Weight of InfoNCE, where the weighting is constant."""
    continuous: Weight = 1.0
    """Weight of ListNet, likewise."""
    rating_temperature: Annotated[float, Between(0.01, 1e6, unit="points")] = 20.0
    """Of the ratings' softmax."""
    keep_texts: Weight = 8.0
    """Weight of staying near the start's embeddings of AudioSet's texts."""
    keep_audio: Weight = 20.0
    """Weight of staying near the start's embeddings of the same windows."""
    keep_unfamiliar: Weight = 20.0
    """Weight of staying near the start's embeddings of sounds that no recording teaches."""
    noise: Weight = 0.5
    """Weight of captions finding their recording among ordinary machine noise."""
    keep_noise: Weight = 1000.0
    """Weight of texts' cosines with machine noise being spread as the start had them."""
    keep_sentences: Weight = 30.0
    """Weight of staying near the start's embeddings of English sentences about sounds."""
    translations: Weight = 8.0
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

    pairs: Annotated[int, Between(2, _MOST_ITEMS)] = 48
    """Recordings, each with a caption that fits it."""
    lists: Annotated[int, Between(0, _MOST_ITEMS)] = 5
    """Rated lists."""
    list_items: Annotated[int, Between(2, _MOST_ITEMS)] = 6
    """Rated recordings of each list, drawn anew each time."""
    texts: Annotated[int, Between(1, _MOST_ITEMS)] = 128
    """Of each kind, for ``keep_texts``, ``keep_noise``, ``keep_sentences``, ``translations``."""
    unfamiliar: Annotated[int, Between(1, _MOST_ITEMS)] = 32
    """Windows of sounds that no recording teaches, for ``keep_unfamiliar``."""
    window_s: Annotated[float, Between(0.5, 60.0, unit="s")] = 2.0
    """Length of a window."""


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """AdamW (Loshchilov and Hutter, ICLR 2019)."""

    tower_rate: Rate = 2e-4
    """Learning rate of the audio tower; 0: only the heads learn."""
    head_rate: Rate = 3e-4
    """Learning rate of all else."""
    weight_decay: Rate = 1e-4
    """Decoupled from the gradients."""
    most_norm: Annotated[float, Between(0.01, 1e6)] = 5.0
    """Gradients of a larger norm are scaled down to it."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that decides what comes out."""

    manifest: Path = Path("runs/rated")
    """Folder of what is learned from."""
    start: Path = Path("runs/bootstrap/model.pt")
    """Checkpoint that the training starts from."""
    output: Path = Path("runs/train")
    """Folder of the model, the report, the curves and the saved state."""
    cache: Path = Path("runs/cache")
    """Folder of decoded sound and embedded texts; may be deleted at any time."""
    seed: Annotated[int, Between(0, 2**31)] = 0
    """The same seed gives the same model."""
    steps: Count = 500
    """Steps of the optimiser at most."""
    validate_every: Count = 100
    """Steps between two validations."""
    patience: Count = 5
    """Validations without an improvement before it ends."""
    augment: bool = True
    """Whether windows are heard at other levels, in noise, through other microphones."""
    frozen_blocks: Annotated[int, Between(0, _MOST_BLOCKS)] = 7
    """First blocks of the audio tower that stay as they are."""
    views: Annotated[int, Between(0, 1_000)] = 8
    """Windows of each recording that are heard once and kept; 0: new ones in each step."""
    unfamiliar: Count = 2_000
    """Synthesised sounds that are made for ``keep_unfamiliar``."""
    blend: Annotated[float, Between(0.0, 1.0)] = 0.6
    """How far the result is from the start towards what was trained, 0 to 1."""
    device: Device = Device.AUTO
    """Where it computes."""
    precision: Precision = Precision.AUTO
    """What the audio tower computes in."""
    tensorboard: bool = True
    """Whether curves are written."""
    leave_out: tuple[str, ...] = ()
    """Classes that nothing is learned of, to measure what is kept of others."""
    learn: LearnConfig = LearnConfig()
    """What of the manifest is learned from."""
    loss: LossConfig = LossConfig()
    """What is minimised."""
    batch: BatchConfig = BatchConfig()
    """What one step looks at."""
    optimiser: OptimiserConfig = OptimiserConfig()
    """How the weights follow the gradients."""

    def half(self, device: str) -> bool:
        """Whether the audio tower computes in bfloat16 on this type of device."""
        if self.precision is Precision.AUTO:
            return device == "cuda"
        return self.precision is Precision.BFLOAT16


def load_config(path: Path | None) -> TrainConfig:
    """The settings of a file, and the defaults of what it leaves out.

    Paths start where the command is typed: ``runs/`` belongs to no file.

    Raises:
        ConfigError: with every problem that was found.
    """
    return TrainConfig() if path is None else load(path, TrainConfig())
