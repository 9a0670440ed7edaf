"""The learned head, put beside the bootstrap's joint view in graphs that are written already.

A window's embedding is both heads' side by side. A text's is both side by side too, each over the
spread of its cosines with ordinary sound: the cosine of the two is then the sum of both cosines,
told in standard deviations, up to a factor of the text's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from agent.core.records import FloatArray
from export.acoustic import FEATURES
from export.onnx import half_matrix, normalise
from export.sounds import Ordinary
from training.data.arrays import Values
from training.data.sentences import LANGUAGES
from training.data.wordings import TakeMeanings
from training.model.text_map import TextMap
from training.model.text_tower import TextTower
from training.train.acoustic import Material
from training.train.learned import LabelledWindows, LearnedConfig, LearnedHead, Network, fit

_LEARNED = "learned"
"""What the names of all that it is made with begin with."""
_BOOTSTRAP = f"{_LEARNED}.bootstrap"
_EMBEDDING = "embedding"
WEIGHT = 1.0
"""Of the learned head beside the bootstrap's: docs/benchmarks.md compares others."""


@dataclass(frozen=True, slots=True)
class Head:
    """All that the graphs need."""

    learned: LearnedHead
    text_map: TextMap
    roots: tuple[FloatArray, FloatArray]
    """Of the covariances of ordinary sound, bootstrap's and learned head's ``(size, size)``: a
    text's embedding times its root is as long as its cosines with ordinary sound are spread."""


def learn(
    material: Material,
    meant: TakeMeanings,
    ordinary: Ordinary,
    *,
    tower: TextTower,
    text_map: TextMap,
    config: LearnedConfig | None = None,
) -> Head:
    """Fit the head to recordings whose meaning is known.

    Args:
        material: windows of recordings.
        meant: the meaning of each recording.
        ordinary: sound that no text is about.
        tower: embeds the wordings.
        text_map: what texts sound like.
        config: how.
    """
    texts = [
        [text_map(tower.embed(meaning.wordings[language])) for language in LANGUAGES]
        for meaning in meant.meanings
    ]
    windows = LabelledWindows(
        material.features,
        material.recording,
        meant.of_take[material.recording],
        ordinary.features,
    )
    learned = fit(windows, texts, config)
    roots = _root(ordinary.embeddings), _root(learned.audio(ordinary.features))
    return Head(learned, text_map, roots)


def add_to_audio(path: Path, head: Head) -> None:
    """Give an audio graph that has an acoustic view the learned head, in place.

    Raises:
        ValueError: the graph has no acoustic view.
    """
    model = onnx.load(str(path))
    graph = model.graph
    if not any(FEATURES in node.output for node in graph.node):
        raise ValueError(f"{path}: has no acoustic view; add that first")
    _rename(graph)
    mapped = _network(graph, "audio", FEATURES, head.learned.audio)
    both = f"{_LEARNED}.both"
    half = _constant(graph, "half", np.float32(np.sqrt(0.5)))
    graph.node.extend(
        [
            helper.make_node("Concat", [_BOOTSTRAP, mapped], [both], axis=1),
            helper.make_node("Mul", [both, half], [_EMBEDDING]),
        ]
    )
    _resize(graph, sum(len(root) for root in head.roots))
    _write(model, path)


def add_to_text(path: Path, head: Head) -> None:
    """Give the graph of the text head the learned head, in place."""
    model = onnx.load(str(path))
    graph = model.graph
    _rename(graph)
    told = _network(graph, "text", _mapped(graph, head.text_map), head.learned.text)
    parts = []
    for name, embedded, root in zip(
        ("first", "second"), (_BOOTSTRAP, told), head.roots, strict=True
    ):
        stored = _matrix(graph, f"{name}.root", root)
        spread, length, part = (
            f"{_LEARNED}.{name}.{what}" for what in ("spread", "length", "part")
        )
        graph.node.extend(
            [
                helper.make_node("MatMul", [embedded, stored], [spread]),
                helper.make_node("ReduceL2", [spread], [length], axes=[1], keepdims=1),
                helper.make_node("Div", [embedded, length], [part]),
            ]
        )
        parts.append(part)
    weight, weighted = _constant(graph, "weight", np.float32(WEIGHT)), f"{_LEARNED}.weighted"
    graph.node.append(helper.make_node("Mul", [parts[1], weight], [weighted]))
    parts[1] = weighted
    both = f"{_LEARNED}.both"
    graph.node.extend(
        [
            helper.make_node("Concat", parts, [both], axis=1),
            helper.make_node("LpNormalization", [both], [_EMBEDDING], axis=-1, p=2),
        ]
    )
    _resize(graph, sum(len(root) for root in head.roots))
    _write(model, path)


def remove(path: Path) -> None:
    """Make a graph what it was before it got a learned head, in place."""
    model = onnx.load(str(path))
    graph = model.graph
    if not any(_BOOTSTRAP in node.output for node in graph.node):
        return
    nodes = [
        node
        for node in graph.node
        if not node.output[0].startswith(f"{_LEARNED}.") or node.output[0] == _BOOTSTRAP
    ]
    nodes = [node for node in nodes if node.output[0] != _EMBEDDING]
    for node in nodes:
        node.output[:] = [_EMBEDDING if name == _BOOTSTRAP else name for name in node.output]
    weights = [part for part in graph.initializer if not part.name.startswith(f"{_LEARNED}.")]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    _resize(graph, None)
    _write(model, path)


def embedding_size(path: Path) -> int:
    """Of the joint view that a graph gives."""
    (size,) = [
        output.type.tensor_type.shape.dim[1].dim_value
        for output in onnx.load(str(path)).graph.output
        if output.name == _EMBEDDING
    ]
    return int(size)


def _root(embeddings: FloatArray) -> FloatArray:
    """Of the covariance of embeddings, as it is stored."""
    values, vectors = np.linalg.eigh(np.cov(embeddings.astype(np.float64).T))
    root: FloatArray = (vectors * np.sqrt(np.maximum(values, 0.0))).astype(np.float32)
    return root


def _mapped(graph: onnx.GraphProto, text_map: TextMap) -> str:
    """Nodes of the text map; the name of what it gives."""
    fitted = text_map.fitted
    names = [f"{_LEARNED}.map.{step}" for step in ("less", "unit", "cos", "one", "wide", "kernel")]
    less, unit, cosine, one, wide, kernel = names
    landmarks = _matrix(graph, "map.landmarks", fitted.landmarks.T)
    mean = _constant(graph, "map.mean", fitted.mean.astype(np.float32))
    top = _constant(graph, "map.top", np.float32(1.0))
    width = _constant(graph, "map.width", np.float32(fitted.temperature))
    output = _matrix(graph, "map.output", fitted.coefficients)
    bias = _constant(graph, "map.bias", fitted.intercept.astype(np.float32))
    mapped, result = f"{_LEARNED}.map.sum", f"{_LEARNED}.map.result"
    graph.node.extend(
        [
            helper.make_node("Sub", ["text_embedding", mean], [less]),
            helper.make_node("LpNormalization", [less], [unit], axis=-1, p=2),
            helper.make_node("MatMul", [unit, landmarks], [cosine]),
            helper.make_node("Sub", [cosine, top], [one]),
            helper.make_node("Div", [one, width], [wide]),
            helper.make_node("Exp", [wide], [kernel]),
            helper.make_node("Gemm", [kernel, output, bias], [mapped]),
            helper.make_node("LpNormalization", [mapped], [result], axis=-1, p=2),
        ]
    )
    return result


def _network(graph: onnx.GraphProto, side: str, source: str, network: Network) -> str:
    """Nodes of a network; the name of what it gives."""
    inner, positive, mapped, result = (
        f"{_LEARNED}.{side}.{step}" for step in ("inner", "positive", "mapped", "result")
    )
    first = _matrix(graph, f"{side}.first", network.first)
    second = _matrix(graph, f"{side}.second", network.second)
    first_bias = _constant(graph, f"{side}.first_bias", network.first_bias)
    second_bias = _constant(graph, f"{side}.second_bias", network.second_bias)
    graph.node.extend(
        [
            helper.make_node("Gemm", [source, first, first_bias], [inner]),
            helper.make_node("Relu", [inner], [positive]),
            helper.make_node("Gemm", [positive, second, second_bias], [mapped]),
            helper.make_node("LpNormalization", [mapped], [result], axis=-1, p=2),
        ]
    )
    return result


def _matrix(graph: onnx.GraphProto, name: str, values: FloatArray | Values) -> str:
    wide = f"{_LEARNED}.{name}.wide"
    stored, cast = half_matrix(values, f"{_LEARNED}.{name}", wide)
    graph.initializer.append(stored)
    graph.node.append(cast)
    return wide


def _constant(graph: onnx.GraphProto, name: str, values: object) -> str:
    whole = f"{_LEARNED}.{name}"
    graph.initializer.append(numpy_helper.from_array(np.asarray(values), whole))
    return whole


def _rename(graph: onnx.GraphProto) -> None:
    """What was the embedding becomes the bootstrap's part of it."""
    for node in graph.node:
        node.output[:] = [_BOOTSTRAP if name == _EMBEDDING else name for name in node.output]


def _resize(graph: onnx.GraphProto, size: int | None) -> None:
    for output in graph.output:
        if output.name == _EMBEDDING:
            output.CopyFrom(
                helper.make_tensor_value_info(_EMBEDDING, TensorProto.FLOAT, ["batch", size])
            )


def _write(model: onnx.ModelProto, path: Path) -> None:
    path.write_bytes(model.SerializeToString())
    normalise(path)
