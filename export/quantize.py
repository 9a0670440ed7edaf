"""Static int8 QDQ variants of the audio tower; the text tower in its published 4 bits.

x86-64 multiplies unsigned activations by signed weights (U8S8: VNNI, and AVX2 before it), Arm
signed by signed (S8S8); see "Quantize ONNX Models" in ONNX Runtime's documentation.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from agent.core.records import FloatArray
from export.onnx import normalise

_QUANTIZED = ["Conv", "Gemm", "MatMul"]
_CONTRIB = "com.microsoft"
_MATRIX, _BLOCK = 2, 32
# ``accuracy_level`` of MatMulNBits.
_INT8_ACTIVATIONS = 4
# The loudest activations are clipped: a range that holds every outlier leaves the rest too coarse.
_PERCENTILE = 99.99


class Activations(StrEnum):
    """How activations are kept, by the processor that multiplies them."""

    X86_64 = "x86_64"
    AARCH64 = "aarch64"


class Part(StrEnum):
    """Parts of the audio tower that may stay in float."""

    FIRST = "first convolution"
    DEPTHWISE = "depthwise convolutions"
    SQUEEZE = "squeeze and excitation"
    CLASSIFIER = "classifier and projection"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What stays in float."""

    in_float: tuple[Part, ...]

    def __str__(self) -> str:
        return ", ".join(self.in_float) or "nothing"


RECIPES = (
    Recipe((Part.FIRST, Part.DEPTHWISE, Part.SQUEEZE)),
    Recipe((Part.FIRST, Part.DEPTHWISE)),
    Recipe(()),
    Recipe((Part.FIRST, Part.DEPTHWISE, Part.SQUEEZE, Part.CLASSIFIER)),
)
"""In the order in which they are preferred: ONNX Runtime's int8 kernels of the small layers are
slower than its float ones, so what is gained by quantizing those is size alone."""


class _Windows(CalibrationDataReader):  # type: ignore[misc]
    """Feeds calibration windows one by one."""

    def __init__(self, log_mels: Sequence[FloatArray]) -> None:
        self._waiting = iter([{"log_mel": log_mel[None]} for log_mel in log_mels])

    def get_next(self) -> dict[str, FloatArray] | None:
        return next(self._waiting, None)


def quantize_audio(
    source: Path,
    target: Path,
    recipe: Recipe,
    activations: Activations,
    calibration: Sequence[FloatArray],
) -> None:
    """Write an int8 variant of the audio tower.

    Args:
        source: the float32 graph.
        target: where to write.
        recipe: what stays in float.
        activations: the processor that it is for.
        calibration: log-mels of ordinary sound, ``(n_mels, n_frames)``, all of one shape.
    """
    prepared = target.with_suffix(".prepared.onnx")
    with _quiet():
        quant_pre_process(str(source), str(prepared))
        quantize_static(
            str(prepared),
            str(target),
            _Windows(calibration),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8
            if activations is Activations.X86_64
            else QuantType.QInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=CalibrationMethod.Percentile,
            op_types_to_quantize=_QUANTIZED,
            nodes_to_exclude=nodes_of(prepared, recipe.in_float),
            extra_options={"CalibPercentile": _PERCENTILE},
        )
    prepared.unlink()
    normalise(target)


def nodes_of(path: Path, parts: Sequence[Part]) -> list[str]:
    """Names of the nodes that make up some parts of the audio tower."""
    graph = onnx.load(str(path)).graph
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    matrices = [node.name for node in graph.node if node.op_type in {"Gemm", "MatMul"}]
    names = {
        Part.FIRST: [convolutions[0].name],
        Part.DEPTHWISE: [
            node.name
            for node in convolutions
            if any(attribute.name == "group" and attribute.i > 1 for attribute in node.attribute)
        ],
        Part.SQUEEZE: [name for name in matrices if "conc_se" in name],
        Part.CLASSIFIER: [name for name in matrices if "conc_se" not in name],
    }
    return [name for part in parts for name in names[part]]


def quantize_text(source: Path, target: Path) -> None:
    """Write the text tower with its matrices in the 4-bit blocks that they were published in.

    Nothing is lost by it; int8 weights would be larger and round what has been rounded once.
    Activations are quantized to int8 as they come, where the processor has the kernels for it.

    Raises:
        ValueError: a matrix is not made of Q4_0 blocks.
    """
    model = onnx.load(str(source))
    graph = model.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        matrix = stored.get(node.input[1]) if node.op_type == "MatMul" else None
        if matrix is None or len(matrix.dims) != _MATRIX:
            nodes.append(node)
            continue
        graph.initializer.remove(matrix)
        nibbles, scales = q4_blocks(onnx.numpy_helper.to_array(matrix))
        names = [f"{matrix.name}.{part}" for part in ("nibbles", "scales", "half")]
        graph.initializer.append(onnx.numpy_helper.from_array(nibbles, names[0]))
        graph.initializer.append(onnx.numpy_helper.from_array(scales.reshape(-1), names[2]))
        cast = onnx.helper.make_node("Cast", names[2:], names[1:2], to=onnx.TensorProto.FLOAT)
        product = onnx.helper.make_node(
            "MatMulNBits",
            [node.input[0], *names[:2]],
            node.output,
            name=node.name,
            domain=_CONTRIB,
            K=matrix.dims[0],
            N=matrix.dims[1],
            bits=4,
            block_size=_BLOCK,
            accuracy_level=_INT8_ACTIVATIONS,
        )
        nodes += [cast, product]
    del graph.node[:]
    graph.node.extend(nodes)
    model.opset_import.append(onnx.helper.make_opsetid(_CONTRIB, 1))
    target.write_bytes(model.SerializeToString())
    normalise(target)


def q4_blocks(matrix: FloatArray) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16]]:
    """The blocks that a dequantised Q4_0 matrix was made of: weight = scale * (nibble - 8).

    Args:
        matrix: float32, shape ``(inputs, outputs)``, inputs a multiple of 32.

    Returns:
        Pairs of nibbles, the earlier one low, ``(outputs, blocks, 16)``, and scales
        ``(outputs, blocks)``.

    Raises:
        ValueError: it was not made of such blocks.
    """
    blocks = np.ascontiguousarray(matrix.T).reshape(matrix.shape[1], -1, _BLOCK)
    # The weight that is farthest from zero has the nibble 0.
    farthest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=-1, keepdims=True), axis=-1)
    scales = (farthest / -8.0).astype(np.float16)
    wide = scales.astype(np.float32)
    nibbles = np.rint(blocks / np.where(wide == 0.0, 1.0, wide)) + 8.0
    in_range = nibbles.min() >= 0 and nibbles.max() < 2**4
    if not in_range or not np.array_equal((nibbles - 8.0) * wide, blocks):
        raise ValueError(f"a matrix of shape {matrix.shape} is not made of Q4_0 blocks")
    whole = nibbles.astype(np.uint8)
    packed = np.bitwise_or(whole[..., ::2], np.left_shift(whole[..., 1::2], 4), dtype=np.uint8)
    return packed, scales[..., 0]


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantizer advises what is done here already, and prints its histograms' sizes."""
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
