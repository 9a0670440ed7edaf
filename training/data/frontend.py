"""The log-mel frontend in torch, and the arrays that the agent's own frontend works with.

The constants are those of EfficientAT (Schmid et al., arXiv 2211.04772) and live in
:class:`agent.bundle.manifest.FrontendConstants`; mel bands are Kaldi's.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from agent.bundle.manifest import FrontendConstants

CONSTANTS = FrontendConstants()
"""Of recordings as they are decoded once, for every tower."""


def hertz_to_mel(hertz: float) -> float:
    """Kaldi's mel scale."""
    return 1127.0 * math.log1p(hertz / 700.0)


def mel_filters(constants: FrontendConstants) -> npt.NDArray[np.float64]:
    """Triangular mel bands as Kaldi draws them, linear in mel, shape ``(n_mels, n_fft // 2 + 1)``.

    The bin at the Nyquist frequency belongs to no band.
    """
    bins = constants.n_fft // 2
    low, high = hertz_to_mel(constants.f_min_hz), hertz_to_mel(constants.f_max_hz)
    step = (high - low) / (constants.n_mels + 1)
    left = low + step * np.arange(constants.n_mels)[:, None]
    centre, right = left + step, left + 2 * step
    hertz = np.arange(bins) * (constants.sample_rate_hz / constants.n_fft)
    mel = 1127.0 * np.log1p(hertz / 700.0)[None, :]
    rising = (mel - left) / (centre - left)
    falling = (right - mel) / (right - centre)
    filters = np.maximum(0.0, np.minimum(rising, falling))
    return np.pad(filters, ((0, 0), (0, 1)))


def hann_window(constants: FrontendConstants) -> npt.NDArray[np.float64]:
    """The symmetric Hann window, shape ``(win_length,)``."""
    return np.hanning(constants.win_length)


class LogMel(nn.Module):
    """Samples to normalised log-mel, for training and as the reference of the agent's.

    Computed in float64: beside loud bands float32 leaves less than the 1e-4 that the two
    frontends have to agree within.
    """

    filters: Tensor
    window: Tensor

    def __init__(self, constants: FrontendConstants | None = None) -> None:
        super().__init__()
        self.constants = constants or CONSTANTS
        self.register_buffer("filters", torch.from_numpy(mel_filters(self.constants)), False)
        self.register_buffer("window", torch.from_numpy(hann_window(self.constants)), False)

    def forward(self, samples: Tensor) -> Tensor:
        """Normalised log-mel of whole recordings.

        Args:
            samples: mono at the constants' rate, shape ``(batch, samples)``.

        Returns:
            float32, shape ``(batch, n_mels, n_frames)``, a frame every hop, the first centred
            on the first sample (reflected at both ends).
        """
        constants = self.constants
        wave = samples.to(torch.float64)
        # A recording of less than half a transform has nothing to reflect.
        shortest = constants.n_fft // 2 + 2
        if wave.shape[-1] < shortest:
            wave = functional.pad(wave, (0, shortest - wave.shape[-1]))
        wave = wave[:, 1:] - constants.preemphasis * wave[:, :-1]
        spectrum = torch.stft(
            wave,
            constants.n_fft,
            hop_length=constants.hop_length,
            win_length=constants.win_length,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        log_mel = torch.log(self.filters @ power + constants.log_offset)
        return ((log_mel + constants.shift) / constants.scale).to(torch.float32)


def to_power(log_mel: Tensor, constants: FrontendConstants = CONSTANTS) -> Tensor:
    """Mel power of a normalised log-mel."""
    power = torch.exp(log_mel * constants.scale - constants.shift) - constants.log_offset
    return power.clamp(min=0.0)


def to_log_mel(power: Tensor, constants: FrontendConstants = CONSTANTS) -> Tensor:
    """The normalised log-mel of a mel power."""
    return (torch.log(power + constants.log_offset) + constants.shift) / constants.scale
