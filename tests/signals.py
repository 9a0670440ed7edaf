"""Seeded signals and the default frontend, without a bundle and without torch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agent.bundle.manifest import FrontendConstants
from agent.frontend.log_mel import LogMel


def noise(samples: int, seed: int = 7) -> npt.NDArray[np.float32]:
    """White noise well under full scale, shape ``(samples,)``."""
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def mel_filters(constants: FrontendConstants) -> npt.NDArray[np.float64]:
    """Triangles on Kaldi's mel scale, shape ``(n_mels, n_fft // 2 + 1)``."""
    hertz = np.arange(constants.n_fft // 2 + 1) * constants.sample_rate_hz / constants.n_fft
    low, high = (1127.0 * np.log1p(f / 700.0) for f in (constants.f_min_hz, constants.f_max_hz))
    edges = np.linspace(low, high, constants.n_mels + 2)
    mel = 1127.0 * np.log1p(hertz / 700.0)
    rising = (mel - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - mel) / np.diff(edges)[1:, None]
    return np.maximum(0.0, np.minimum(rising, falling))


def frontend() -> LogMel:
    """The log-mel frontend that bundles have by default."""
    constants = FrontendConstants()
    return LogMel(constants, mel_filters(constants), np.hanning(constants.win_length))
