"""The acoustic view is added to graphs whose joint view stays bit for bit what it was."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest

from export.acoustic import add_head, features_graph
from export.onnx import export_audio
from export.quantize import RECIPES, Activations, quantize_audio
from tests.bundles import audio_tower
from training.model.dual_encoder import DualEncoder, ModelConfig
from training.train.acoustic import ACOUSTIC_SIZE, AcousticHead

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


def run(graph: Path | bytes, windows: np.ndarray, *names: str) -> list[np.ndarray]:
    """Outputs of a graph."""
    content = graph if isinstance(graph, bytes) else graph.read_bytes()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return list(session.run(list(names), {"log_mel": windows}))


def head(features: int, seed: int = 0) -> AcousticHead:
    """A map of chance, as half precision holds it."""
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((features, ACOUSTIC_SIZE)).astype(np.float16)
    bias = rng.standard_normal(ACOUSTIC_SIZE).astype(np.float32)
    return AcousticHead(weight.astype(np.float32), bias)


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    """Log-mels of chance."""
    return np.random.default_rng(1).standard_normal((3, 128, 120)).astype(np.float32)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A float audio tower with weights of chance, and a quantized one."""
    import torch

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("towers")
    found = {"float32": folder / "audio.onnx", "x86_64": folder / "audio.x86_64.onnx"}
    export_audio(DualEncoder(ModelConfig(embedding_size=16, landmarks=4)), found["float32"])
    rng = np.random.default_rng(0)
    calibration = [rng.standard_normal((128, 100)).astype(np.float32) for _ in range(4)]
    quantize_audio(found["float32"], found["x86_64"], RECIPES[0], Activations.X86_64, calibration)
    return found


@pytest.mark.parametrize("variant", ["float32", "x86_64"])
def test_a_graph_gets_an_acoustic_view(
    tmp_path: Path, graphs: dict[str, Path], windows: np.ndarray, variant: str
) -> None:
    """It is the map of the features; the joint view is the same bit for bit."""
    path = tmp_path / "audio.onnx"
    shutil.copyfile(graphs[variant], path)
    (features,) = run(features_graph(path), windows, "acoustic_features")
    made = head(features.shape[1])
    add_head(path, made)
    joint, acoustic = run(path, windows, "embedding", "acoustic")
    np.testing.assert_array_equal(joint, run(graphs[variant], windows, "embedding")[0])
    np.testing.assert_allclose(acoustic, made(features), atol=1e-5)


def test_another_view_takes_the_place_of_the_first(
    tmp_path: Path, graphs: dict[str, Path], windows: np.ndarray
) -> None:
    """As if there had been none before."""
    once, twice = tmp_path / "once.onnx", tmp_path / "twice.onnx"
    for path in (once, twice):
        shutil.copyfile(graphs["float32"], path)
    size = run(features_graph(once), windows, "acoustic_features")[0].shape[1]
    add_head(twice, head(size, seed=5))
    for path in (once, twice):
        add_head(path, head(size, seed=6))
    assert once.read_bytes() == twice.read_bytes()


def test_a_tower_without_these_layers_is_refused(tmp_path: Path) -> None:
    """Another kind of tower has to name its own."""
    path = tmp_path / "audio.onnx"
    onnx.save(audio_tower(np.random.default_rng(0), 128, 16), str(path))
    with pytest.raises(ValueError, match=r"0 tensors features\.3/Add_output_0; name this tower's"):
        add_head(path, head(4))
