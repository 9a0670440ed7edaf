"""The audio tower: MobileNetV3 as trained on AudioSet by EfficientAT (``mn04_as``, MIT).

Schmid et al., *Efficient Large-Scale Audio Tagging via Transformer-to-CNN Knowledge
Distillation*, arXiv 2211.04772; the network is that of Howard et al., arXiv 1905.02244, 0.4
times as wide. Module names follow the published state dict, so
that it loads without a table of renamings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from agent.bundle.manifest import Attribution
from training.model.audio_tower import Activations, AudioTower, TowerKind


@dataclass(frozen=True, slots=True)
class _Block:
    """One row of table 1 of the MobileNetV3 paper, before the width multiplier."""

    channels_in: int
    kernel: int
    expanded: int
    channels_out: int
    squeeze: bool
    hardswish: bool
    stride: int


_BLOCKS = (
    _Block(16, 3, 16, 16, squeeze=False, hardswish=False, stride=1),
    _Block(16, 3, 64, 24, squeeze=False, hardswish=False, stride=2),
    _Block(24, 3, 72, 24, squeeze=False, hardswish=False, stride=1),
    _Block(24, 5, 72, 40, squeeze=True, hardswish=False, stride=2),
    _Block(40, 5, 120, 40, squeeze=True, hardswish=False, stride=1),
    _Block(40, 5, 120, 40, squeeze=True, hardswish=False, stride=1),
    _Block(40, 3, 240, 80, squeeze=False, hardswish=True, stride=2),
    _Block(80, 3, 200, 80, squeeze=False, hardswish=True, stride=1),
    _Block(80, 3, 184, 80, squeeze=False, hardswish=True, stride=1),
    _Block(80, 3, 184, 80, squeeze=False, hardswish=True, stride=1),
    _Block(80, 3, 480, 112, squeeze=True, hardswish=True, stride=1),
    _Block(112, 3, 672, 112, squeeze=True, hardswish=True, stride=1),
    _Block(112, 5, 672, 160, squeeze=True, hardswish=True, stride=2),
    _Block(160, 5, 960, 160, squeeze=True, hardswish=True, stride=1),
    _Block(160, 5, 960, 160, squeeze=True, hardswish=True, stride=1),
)
_DROPOUT = 0.2
WEIGHTS = "weights/mn04_as_mAP_432.pt"
"""Inside the data folder."""
BLOCKS = len(_BLOCKS) + 2
"""Of the tower, with the first and the last convolution."""


def _divisible(channels: float, by: int = 8) -> int:
    """Round to a multiple of eight, never down by more than a tenth."""
    rounded = max(by, int(channels + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * channels else rounded


def _conv(
    channels_in: int,
    channels_out: int,
    kernel: int,
    stride: int = 1,
    *,
    groups: int = 1,
    activation: nn.Module | None = None,
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(
            channels_in,
            channels_out,
            kernel,
            stride,
            padding=(kernel - 1) // 2,
            groups=groups,
            bias=False,
        ),
        nn.BatchNorm2d(channels_out, eps=1e-3, momentum=0.01),
    ]
    if activation is not None:
        layers.append(activation)
    return nn.Sequential(*layers)


class _Squeeze(nn.Module):
    """Squeeze and excitation over channels (Hu et al., arXiv 1709.01507)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, _divisible(channels // 4))
        self.fc2 = nn.Linear(_divisible(channels // 4), channels)

    def forward(self, x: Tensor) -> Tensor:
        scale = torch.relu(self.fc1(x.mean(dim=(2, 3))))
        return x * torch.sigmoid(self.fc2(scale))[:, :, None, None]


class _ConcurrentSqueeze(nn.Module):
    """The published weights name a list of squeezes; this model has one, over channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conc_se_layers = nn.ModuleList([_Squeeze(channels)])

    def forward(self, x: Tensor) -> Tensor:
        squeezed: Tensor = self.conc_se_layers[0](x)
        return squeezed


class _InvertedResidual(nn.Module):
    def __init__(self, block: _Block, width: float) -> None:
        super().__init__()
        channels_in = _divisible(block.channels_in * width)
        expanded = _divisible(block.expanded * width)
        channels_out = _divisible(block.channels_out * width)
        activation = nn.Hardswish if block.hardswish else nn.ReLU
        layers: list[nn.Module] = []
        if expanded != channels_in:
            layers.append(_conv(channels_in, expanded, 1, activation=activation()))
        layers.append(
            _conv(
                expanded,
                expanded,
                block.kernel,
                block.stride,
                groups=expanded,
                activation=activation(),
            )
        )
        if block.squeeze:
            layers.append(_ConcurrentSqueeze(expanded))
        layers.append(_conv(expanded, channels_out, 1))
        self.block = nn.Sequential(*layers)
        self.residual = block.stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x)
        return y + x if self.residual else y


class MobileNetV3(AudioTower):
    """MobileNetV3-Large of a given width on one-channel spectrograms of any length."""

    def __init__(self, width: float = 0.4, classes: int = 527) -> None:
        super().__init__()
        first = _divisible(_BLOCKS[0].channels_in * width)
        last_in = _divisible(_BLOCKS[-1].channels_out * width)
        last = 6 * last_in
        self.classes = classes
        self.hidden_size = _divisible(1280 * width)
        self.features = nn.Sequential(
            _conv(1, first, 3, 2, activation=nn.Hardswish()),
            *(_InvertedResidual(block, width) for block in _BLOCKS),
            _conv(last_in, last, 1, activation=nn.Hardswish()),
        )
        # Numbered as in the published weights: 0 and 1 pool and flatten.
        self.classifier = nn.ModuleDict(
            {
                "2": nn.Linear(last, self.hidden_size),
                "3": nn.Hardswish(),
                "4": nn.Dropout(_DROPOUT),
                "5": nn.Linear(self.hidden_size, classes),
            }
        )

    def stem(self, log_mel: Tensor, blocks: int) -> Tensor:
        """What the first blocks make of normalised log-mels, ``(batch, channels, bands, frames)``.

        The first half of the blocks does nine tenths of the work and holds a fiftieth of the
        weights.
        """
        x = log_mel[:, None]
        for block in list(self.features)[:blocks]:
            x = block(x)
        return x

    def rest(self, x: Tensor, blocks: int) -> Activations:
        """Activations of what :meth:`stem` made with the same number of blocks."""
        for block in list(self.features)[blocks:]:
            x = block(x)
        pooled = x.mean(dim=(2, 3))
        hidden = self.classifier["3"](self.classifier["2"](pooled))
        logits = self.classifier["5"](self.classifier["4"](hidden))
        return Activations(hidden, logits)

    def freeze(self, blocks: int) -> None:
        """Let no training change the first blocks."""
        self.features[:blocks].requires_grad_(requires_grad=False)

    @property
    def class_rows(self) -> Tensor:
        """The last layer's weights, a row for each class, shape ``(classes, hidden_size)``."""
        return self._last.weight

    @property
    def class_biases(self) -> Tensor:
        """The last layer's biases, shape ``(classes,)``."""
        return self._last.bias

    @property
    def _last(self) -> nn.Linear:
        last = self.classifier["5"]
        assert isinstance(last, nn.Linear)  # noqa: S101 - made so above
        return last


def load_mn04(path: Path) -> MobileNetV3:
    """The published ``mn04_as_mAP_432.pt``; every one of its keys is used.

    Raises:
        FileNotFoundError: the file is missing.
        RuntimeError: a key is missing or left over.
    """
    tower = MobileNetV3()
    tower.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return tower.eval()


MN04 = TowerKind(
    name="mn04",
    title="MobileNetV3 (EfficientAT mn04_as)",
    blocks=BLOCKS,
    make=MobileNetV3,
    load=lambda data: load_mn04(data / WEIGHTS),
    attribution=Attribution(
        work="EfficientAT mn04_as (mn04_as_mAP_432.pt)",
        author="Florian Schmid, Khaled Koutini, Gerhard Widmer",
        licence="MIT",
        used_for="weights of the audio tower",
    ),
)
