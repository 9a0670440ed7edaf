"""Weights in fewer bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.onnx import OPSET, export_audio
from export.quantize import (
    Activations,
    Part,
    Recipe,
    nodes_of,
    q4_blocks,
    quantize_audio,
    quantize_text,
)
from training.model.dual_encoder import DualEncoder
from training.model.heads import ModelConfig

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


def _q4_matrix(inputs: int, outputs: int, seed: int = 0) -> np.ndarray:
    """A matrix as the published blocks give it, ``(inputs, outputs)``."""
    rng = np.random.default_rng(seed)
    nibbles = rng.integers(0, 16, (outputs, inputs // 32, 32))
    nibbles[..., 5] = 0
    scales = rng.uniform(-0.1, 0.1, (outputs, inputs // 32, 1)).astype(np.float16)
    weights = (nibbles - 8.0).astype(np.float32) * scales.astype(np.float32)
    return weights.reshape(outputs, inputs).T.copy()


def test_blocks_are_found_again_without_loss() -> None:
    """Nibbles and scales give back every weight exactly."""
    matrix = _q4_matrix(96, 7)
    packed, scales = q4_blocks(matrix)
    assert packed.shape == (7, 3, 16)
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(7, 3, 32)
    weights = (nibbles.astype(np.float32) - 8.0) * scales.astype(np.float32)[..., None]
    np.testing.assert_array_equal(weights.reshape(7, 96).T, matrix)


def test_block_of_zeros_is_a_block() -> None:
    """Weights that are all zero have no scale to divide by."""
    packed, scales = q4_blocks(np.zeros((32, 2), np.float32))
    assert not scales.any()
    assert packed.shape == (2, 1, 16)


def test_other_weights_are_refused() -> None:
    """A matrix that would lose something is not stored in 4 bits."""
    matrix = np.random.default_rng(0).standard_normal((32, 4)).astype(np.float32)
    with pytest.raises(ValueError, match="not made of Q4_0 blocks"):
        q4_blocks(matrix)


def test_products_stay_the_same_in_four_bits(tmp_path: Path) -> None:
    """The graph with 4-bit matrices computes what the float one does, but for its activations."""
    matrix = _q4_matrix(64, 48)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 48])],
        [numpy_helper.from_array(matrix, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.save(model, str(tmp_path / "float.onnx"))
    quantize_text(tmp_path / "float.onnx", tmp_path / "q4.onnx")
    x = np.random.default_rng(1).standard_normal((5, 64)).astype(np.float32)
    (y,) = onnxruntime.InferenceSession(str(tmp_path / "q4.onnx")).run(None, {"x": x})
    error = np.abs(y - x @ matrix).max() / np.abs(x @ matrix).max()
    assert error < 0.02
    assert (tmp_path / "q4.onnx").stat().st_size < (tmp_path / "float.onnx").stat().st_size / 3


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float audio tower with weights of chance."""
    import torch

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("tower") / "audio.onnx"
    export_audio(DualEncoder(ModelConfig(embedding_size=16, landmarks=4)), path)
    return path


def _log_mels(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((128, 100)).astype(np.float32) for _ in range(count)]


def test_tower_as_onnx_computes_what_torch_does(tmp_path: Path) -> None:
    """For windows of any number and length."""
    import torch

    torch.manual_seed(0)
    model = DualEncoder(ModelConfig(embedding_size=16, landmarks=4)).eval()
    export_audio(model, tmp_path / "audio.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "audio.onnx"))
    for batch, frames in ((1, 200), (3, 57)):
        windows = torch.randn(batch, 128, frames)
        with torch.inference_mode():
            expected = model.encode_audio(windows).numpy()
        (found,) = session.run(None, {"log_mel": windows.numpy()})
        np.testing.assert_allclose(found, expected, atol=2e-5)


def test_export_is_the_same_every_time(tmp_path: Path, tower: Path) -> None:
    """Byte for byte, so that a bundle can be rebuilt."""
    import torch

    torch.manual_seed(0)
    again = tmp_path / "again.onnx"
    export_audio(DualEncoder(ModelConfig(embedding_size=16, landmarks=4)), again)
    assert again.read_bytes() == tower.read_bytes()


@pytest.mark.parametrize(
    ("activations", "element"),
    [(Activations.X86_64, TensorProto.UINT8), (Activations.AARCH64, TensorProto.INT8)],
)
def test_variant_has_the_activations_of_its_processor(
    tmp_path: Path, tower: Path, activations: Activations, element: int
) -> None:
    """U8S8 for x86-64, S8S8 for Arm; what the recipe keeps in float has no quantized weights."""
    recipe = Recipe((Part.FIRST, Part.DEPTHWISE))
    target = tmp_path / "variant.onnx"
    quantize_audio(tower, target, recipe, activations, _log_mels(4))
    graph = onnx.load(str(target)).graph
    stored = {one.name: one for one in graph.initializer}
    made_by = {node.output[0]: node for node in graph.node}
    elements, in_float = set(), 0
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        source = made_by.get(node.input[0])
        if source is not None and source.op_type == "DequantizeLinear":
            elements.add(stored[source.input[2]].data_type)
            weight = made_by[node.input[1]]
            assert stored[weight.input[0]].data_type == TensorProto.INT8
        else:
            in_float += 1
    assert elements == {element}
    assert in_float == len(nodes_of(tower, recipe.in_float))
    (embedding,) = onnxruntime.InferenceSession(str(target)).run(
        None, {"log_mel": np.stack(_log_mels(2))}
    )
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1.0, atol=1e-3)
