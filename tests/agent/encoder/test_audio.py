"""The audio tower on real ONNX sessions, and graphs that must be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from agent.bundle import loading as bundles
from agent.bundle.onnx_graph import Graph, Tensor
from agent.core.errors import BundleError
from agent.core.records import Views
from agent.encoder.audio import Encoder
from tests.bundles import AUDIO, EMBEDDING_SIZE, audio_tower, make_bundle, seal
from tests.signals import frontend, noise

if TYPE_CHECKING:
    from pathlib import Path

    from agent.bundle.loading import Bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A tiny bundle of real parts."""
    return make_bundle(tmp_path_factory.mktemp("bundle"))


def refusal(folder: Path) -> str:
    """What is said about a bundle whose audio tower cannot be used."""
    bundle = seal(folder)
    with pytest.raises(BundleError) as caught:
        Encoder(bundle).encode(np.zeros((1, 128, 200), np.float32))
    message = str(caught.value)
    assert str(folder / AUDIO) in message
    assert "\n" not in message
    return message


def test_windows_become_unit_embeddings(bundle: Bundle) -> None:
    """The result is what the graph's own arithmetic gives."""
    log_mel = np.stack([frontend().whole(noise(64_000, seed)) for seed in range(3)])
    embeddings = Encoder(bundle).encode(log_mel).joint
    assert embeddings.dtype == np.float32
    weights = np.random.default_rng(0).standard_normal((128, EMBEDDING_SIZE)).astype(np.float32)
    expected = log_mel.mean(axis=2) @ weights
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(embeddings, expected, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 50, 200, 1_000])
def test_any_window_length_is_encoded(bundle: Bundle, frames: int) -> None:
    """The tower takes whole files as well as windows, also as a view that is not contiguous."""
    log_mel = np.zeros((2, frames, 128), np.float32).transpose(0, 2, 1)
    log_mel[:] = np.linspace(-1.0, 1.0, 128, dtype=np.float32)[:, None]
    embeddings = Encoder(bundle).encode(log_mel).joint
    assert embeddings.shape == (2, EMBEDDING_SIZE)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("shape", [(128, 200), (1, 64, 200), (0, 128, 200), (1, 128, 0)])
def test_another_shape_is_a_mistake(bundle: Bundle, shape: tuple[int, ...]) -> None:
    """A wrong array is told with both shapes before the graph sees it."""
    with pytest.raises(ValueError, match=r"expected \(windows, 128, frames\)"):
        Encoder(bundle).encode(np.zeros(shape, np.float32))


def test_a_damaged_graph_is_refused(tmp_path: Path) -> None:
    """Bytes that are no graph, under a manifest that vouches for them."""
    make_bundle(tmp_path)
    (tmp_path / AUDIO).write_bytes(b"\x08\x07no graph at all")
    assert "cannot load it" in refusal(tmp_path)


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    """A graph that points to a file outside of the bundle is not opened."""
    make_bundle(tmp_path)
    model = audio_tower(np.random.default_rng(0), 128, EMBEDDING_SIZE)
    onnx.save(
        model, str(tmp_path / AUDIO), save_as_external_data=True, location="w", size_threshold=0
    )
    assert (tmp_path / "w").exists()
    assert "weights in another file" in refusal(tmp_path)


def test_another_embedding_size_is_refused(tmp_path: Path) -> None:
    """The graph's output has to be as wide as the manifest says; both are told."""
    make_bundle(tmp_path)
    onnx.save(audio_tower(np.random.default_rng(0), 128, 8), str(tmp_path / AUDIO))
    message = refusal(tmp_path)
    assert "embedding float (any, 8)" in message
    assert "embedding float (any, 16)" in message


def test_another_input_is_refused(tmp_path: Path) -> None:
    """A graph that takes something else than log-mel of these bands does not fit."""
    make_bundle(tmp_path)
    onnx.save(audio_tower(np.random.default_rng(0), 64, EMBEDDING_SIZE), str(tmp_path / AUDIO))
    assert "log_mel float (any, 64, any)" in refusal(tmp_path)


def test_a_missing_graph_is_told(bundle: Bundle, tmp_path: Path) -> None:
    """A file that went away after the hashes were checked."""
    with pytest.raises(BundleError, match="No such file"):
        Graph(tmp_path / "gone.onnx", [], Tensor("embedding", (None, 4)))


def test_the_default_bundle_listens() -> None:
    """The shipped tower, in every variant's shape: silence, noise, short and long windows."""
    if not bundles.DEFAULT.is_dir():
        pytest.skip("no default bundle in this checkout")
    bundle = bundles.load()
    encoder = Encoder(bundle)
    log_mel = frontend().whole(noise(160_000))
    short, window, whole = log_mel[:, :2], log_mel[:, :200], log_mel
    for part in (short, window, whole):
        embedding = encoder.encode(part[None]).joint
        assert embedding.shape == (1, bundle.manifest.embedding_size)
        assert np.linalg.norm(embedding) == pytest.approx(1.0, abs=1e-3)


def test_a_batch_gives_what_single_windows_give() -> None:
    """Catching up in batches does not change what is heard."""
    if not bundles.DEFAULT.is_dir():
        pytest.skip("no default bundle in this checkout")
    encoder = Encoder(bundles.load())
    log_mel = np.stack([frontend().whole(noise(63_680, seed)) for seed in range(4)])
    alone = Views.concatenate([encoder.encode(window[None]) for window in log_mel])
    np.testing.assert_allclose(encoder.encode(log_mel).joint, alone.joint, atol=1e-4)
