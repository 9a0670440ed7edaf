"""The dual encoder's own layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agent.bundle.manifest import FrontendConstants
from training.data.frontend import LogMel
from training.model import kernel
from training.model.audio_tower import Activations
from training.model.dual_encoder import DualEncoder
from training.model.heads import AudioHead, KernelHead, LevelNorm, ModelConfig
from training.model.mobilenet import MobileNetV3

pytestmark = pytest.mark.torch

_CONFIG = ModelConfig(embedding_size=32, landmarks=16)


def _noise(level: float, seed: int = 0) -> torch.Tensor:
    samples = level * np.random.default_rng(seed).standard_normal(32_000).astype(np.float32)
    return LogMel()(torch.from_numpy(samples)[None])


def test_level_does_not_change_what_the_tower_hears() -> None:
    """The same sound 30 dB quieter comes to the same log-mel."""
    level = LevelNorm(_CONFIG, FrontendConstants())
    loud, quiet = level(_noise(0.3)), level(_noise(0.3 * 10 ** (-30 / 20)))
    assert float((loud - quiet).abs().max()) < 0.02


def test_silence_is_not_amplified_without_bound() -> None:
    """Digital silence stays finite and quiet."""
    silent = LevelNorm(_CONFIG, FrontendConstants())(_noise(0.0))
    assert bool(torch.isfinite(silent).all())
    assert float(silent.max()) < float(LevelNorm(_CONFIG, FrontendConstants())(_noise(0.3)).max())


def test_audio_embeddings_keep_the_cosines_of_both_views() -> None:
    """Texts lie in the projection's span: their cosine with a window is that of the whole."""
    torch.manual_seed(0)
    tower = MobileNetV3()
    head = AudioHead(tower, _CONFIG)
    with torch.no_grad():
        rows = torch.linalg.qr(torch.randn(tower.classes + tower.hidden_size, 31))[0].T
        head.project.weight.copy_(rows)
        heard = Activations(torch.randn(5, tower.hidden_size), 3.0 * torch.randn(5, tower.classes))
        embedded = head(heard)
        views = torch.nn.functional.normalize(head.views(heard), dim=-1)
    torch.testing.assert_close(embedded.norm(dim=-1), torch.ones(5))
    text = torch.nn.functional.normalize(torch.randn(4, 31), dim=-1)
    padded = torch.nn.functional.pad(text, (0, 1))
    torch.testing.assert_close(embedded @ padded.T, views @ (text @ rows).T, atol=1e-5, rtol=1e-5)


def test_text_head_computes_the_fitted_regression() -> None:
    """The module and the NumPy regression agree in direction."""
    rng = np.random.default_rng(0)
    texts = rng.standard_normal((40, 384)).astype(np.float32)
    targets = rng.standard_normal((40, 32))
    fitted = kernel.fits(texts, targets, np.ones(40), landmarks=16, temperature=0.7, ridges=[0.01])[
        0
    ]
    head = KernelHead(_CONFIG)
    head.temperature = 0.7
    with torch.no_grad():
        head.mean.copy_(torch.from_numpy(fitted.mean))
        head.landmarks.copy_(torch.from_numpy(fitted.landmarks))
        head.output.weight.copy_(torch.from_numpy(fitted.coefficients.T))
        head.output.bias.copy_(torch.from_numpy(fitted.intercept))
        found = head(torch.from_numpy(texts)).numpy()
    np.testing.assert_allclose(found, kernel.unit(fitted.predict(texts)), atol=1e-4)


def test_both_sides_give_unit_embeddings() -> None:
    """What crosses to the matcher has length one."""
    torch.manual_seed(0)
    model = DualEncoder(_CONFIG).eval()
    with torch.inference_mode():
        audio = model.encode_audio(torch.randn(3, 128, 200))
        text = model.encode_text(torch.randn(2, 384))
    torch.testing.assert_close(audio.norm(dim=-1), torch.ones(3))
    assert text.shape == (2, 32)
