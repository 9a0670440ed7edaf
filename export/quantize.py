"""Int8 variants: static QDQ for the audio tower, dynamic for the text tower.

x86-64 multiplies unsigned activations by signed weights (U8S8: VNNI, and AVX2 before it), Arm
signed by signed (S8S8); see "Quantize ONNX Models" in ONNX Runtime's documentation.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from typing import TYPE_CHECKING

import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from export.onnx import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.records import FloatArray

_QUANTIZED = ["Conv", "Gemm", "MatMul"]
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
        self._waiting = iter([{"log_mel": one[None]} for one in log_mels])

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
            if any(one.name == "group" and one.i > 1 for one in node.attribute)
        ],
        Part.SQUEEZE: [name for name in matrices if "conc_se" in name],
        Part.CLASSIFIER: [name for name in matrices if "conc_se" not in name],
    }
    return [name for part in parts for name in names[part]]


def quantize_text(source: Path, target: Path) -> None:
    """Write the text tower with int8 weights and activations that are quantized as they come."""
    with _quiet():
        quantize_dynamic(
            str(source),
            str(target),
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul"],
            extra_options={"MatMulConstBOnly": True},
        )
    normalise(target)


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantizer advises what is done here already, and prints its histograms' sizes."""
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
