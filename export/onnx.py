"""The towers as ONNX graphs."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn

from training.model.dual_encoder import DualEncoder
from training.model.text_tower import E5Encoder

OPSET = 17
WINDOW_FRAMES, HOP_FRAMES = 200, 50
"""That the model is tuned for: two seconds every half."""
_PRODUCER = "kikimimi"
_MATRIX = 2


class _Audio(nn.Module):
    """The audio side from log-mel to embedding, as one graph."""

    def __init__(self, model: DualEncoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, log_mel: Tensor) -> Tensor:
        return self.model.encode_audio(log_mel)


def export_audio(model: DualEncoder, path: Path) -> None:
    """Write the audio tower with its level normalisation and projection.

    Input ``log_mel`` float32 ``(batch, n_mels, n_frames)``; output ``embedding`` float32
    ``(batch, embedding_size)``, unit length.
    """
    _export(
        _Audio(model),
        (torch.zeros(2, model.tower.frontend.n_mels, WINDOW_FRAMES),),
        path,
        inputs={"log_mel": {0: "batch", 2: "n_frames"}},
        output="embedding",
    )


def export_text_head(model: DualEncoder, path: Path) -> None:
    """Write the projection of text embeddings, ``text_embedding`` to ``embedding``.

    Its weights are half precision already and are stored as such; the arithmetic is float32.
    """
    _export(
        model.text_head,
        (torch.ones(2, model.config.text_size),),
        path,
        inputs={"text_embedding": {0: "batch"}},
        output="embedding",
    )
    _store_in_half(path)


def export_text_tower(encoder: E5Encoder, path: Path) -> None:
    """Write the text tower, its embedding table in 4-bit blocks, the rest float32.

    Inputs ``input_ids`` and ``attention_mask`` int64 ``(batch, tokens)``; output
    ``text_embedding`` float32 ``(batch, hidden)``, unit length.
    """
    axes = {0: "batch", 1: "tokens"}
    ids = torch.ones((2, 8), dtype=torch.int64)
    _export(
        encoder,
        (ids, ids),
        path,
        inputs={"input_ids": axes, "attention_mask": axes},
        output="text_embedding",
    )


def _export(
    module: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    inputs: dict[str, dict[int, str]],
    output: str,
) -> None:
    with warnings.catch_warnings():
        # The exporter without onnxscript works well here and is the one that folds batch norms;
        # torch says that another will be the default.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            example,
            str(path),
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes={**inputs, output: {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
    normalise(path)


def _store_in_half(path: Path) -> None:
    """Keep the matrices that lose nothing by it in float16, cast as the graph is loaded."""
    model = onnx.load(str(path))
    graph = model.graph
    for stored in list(graph.initializer):
        values = onnx.numpy_helper.to_array(stored)
        half = values.astype(np.float16)
        if values.ndim != _MATRIX or not np.array_equal(half.astype(values.dtype), values):
            continue
        graph.initializer.remove(stored)
        kept, cast = half_matrix(values, f"{stored.name}.half", stored.name)
        graph.initializer.append(kept)
        graph.node.insert(0, cast)
    path.write_bytes(model.SerializeToString())
    normalise(path)


def half_matrix(
    values: npt.NDArray[np.floating], stored: str, wide: str
) -> tuple[onnx.TensorProto, onnx.NodeProto]:
    """A matrix in half precision, and the node that makes it float32 as the graph is loaded."""
    kept = onnx.numpy_helper.from_array(values.astype(np.float16), stored)
    return kept, onnx.helper.make_node("Cast", [stored], [wide], to=onnx.TensorProto.FLOAT)


def normalise(path: Path) -> None:
    """Check a graph and leave out what differs between two equal exports."""
    graph = onnx.load(str(path))
    graph.producer_name = _PRODUCER
    graph.producer_version = ""
    graph.doc_string = ""
    for node in graph.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(graph, full_check=True)
    path.write_bytes(graph.SerializeToString(deterministic=True))
