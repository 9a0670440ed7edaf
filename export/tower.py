"""Weights of an exported audio tower, read back and written again.

The export folds each batch norm into the convolution before it. Read back, the norm is one that
only adds the bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from training.model.dual_encoder import DualEncoder
from training.model.heads import ModelConfig

_CONV = "Conv"
_SCOPE = "tower"
_WHOLE = "model.tower."
"""What the names of weights begin with that the export left as they were."""


@dataclass(frozen=True, slots=True)
class _Folded:
    """A convolution of the graph and the layers that it is made of."""

    weight: str
    bias: str
    convolution: nn.Conv2d
    norm: nn.BatchNorm2d


@torch.no_grad()
def read_tower(path: Path) -> DualEncoder:
    """A model whose audio tower is that of a float graph, ready for inference.

    Its heads have no weights: a graph's own are read by nothing here.

    Raises:
        ValueError: the graph is of another tower.
    """
    graph = onnx.load(str(path)).graph
    stored = {part.name: numpy_helper.to_array(part) for part in graph.initializer}
    model = DualEncoder(ModelConfig(embedding_size=2, landmarks=1)).eval()
    for folded in _folded(graph, model.tower, path):
        norm = folded.norm
        folded.convolution.weight.copy_(_tensor(stored[folded.weight]))
        norm.weight.fill_(1.0)
        norm.bias.copy_(_tensor(stored[folded.bias]))
        mean, variance = _statistics(norm)
        mean.zero_()
        variance.fill_(1.0 - norm.eps)
    for name, weights in model.tower.state_dict().items():
        if f"{_WHOLE}{name}" in stored:
            weights.copy_(_tensor(stored[f"{_WHOLE}{name}"]))
    return model


@torch.no_grad()
def write_tower(model: DualEncoder, path: Path) -> None:
    """Give a float graph the weights of a tower, in place; all else stays.

    Raises:
        ValueError: the graph is of another tower.
    """
    whole = onnx.load(str(path))
    graph = whole.graph
    stored = {part.name: part for part in graph.initializer}
    for folded in _folded(graph, model.tower, path):
        norm = folded.norm
        mean, variance = _statistics(norm)
        factor = norm.weight / torch.sqrt(variance + norm.eps)
        _put(stored[folded.weight], folded.convolution.weight * factor[:, None, None, None])
        _put(stored[folded.bias], norm.bias - mean * factor)
    for name, weights in model.tower.state_dict().items():
        if f"{_WHOLE}{name}" in stored:
            _put(stored[f"{_WHOLE}{name}"], weights)
    path.write_bytes(whole.SerializeToString(deterministic=True))


def _folded(graph: onnx.GraphProto, tower: nn.Module, path: Path) -> list[_Folded]:
    """Every convolution of the graph, by the names of what it computes."""
    modules = dict(tower.named_modules())
    found = []
    for node in graph.node:
        if node.op_type != _CONV:
            continue
        name = _module_name(node.output[0])
        parent, _, number = name.rpartition(".")
        convolution = modules.get(name)
        norm = modules.get(f"{parent}.{int(number) + 1}") if number.isdigit() else None
        if not isinstance(convolution, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
            raise ValueError(  # noqa: TRY004 - the file is wrong, no argument
                f"{path}: computes {node.output[0]}, which this audio tower does not have; name "
                "a bundle that was made with it"
            )
        found.append(_Folded(node.input[1], node.input[2], convolution, norm))
    return found


def _statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Running mean and variance, which every norm of the tower keeps."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None and variance is not None  # noqa: S101, PT018 - made so by the tower
    return mean, variance


def _module_name(tensor: str) -> str:
    """Of ``/tower/features.7/block/block.0/block.0.0/Conv_output_0``: ``features.7.block.0.0``."""
    scope, top, *inner, _ = tensor.strip("/").split("/")
    if scope != _SCOPE or not inner:
        return tensor
    return inner[-1] if inner[-1].startswith(f"{top}.") else f"{top}.{inner[-1]}"


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.copy())


def _put(stored: onnx.TensorProto, values: Tensor) -> None:
    stored.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values.numpy()), stored.name))
