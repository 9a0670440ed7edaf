"""Small bundles of real parts: ONNX graphs and a tokenizer, made anew from a seed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.normalizers import NFKC
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing

from agent.bundle import loading as bundles
from agent.bundle.manifest import (
    BACKGROUND,
    FOREGROUND,
    FRONTEND,
    MANIFEST,
    SCHEMA,
    TEXT_HEAD,
    TEXT_TOWER,
    TOKENIZER,
    FileEntry,
    FrontendConstants,
    Manifest,
    Rebuild,
    TextSettings,
    Tuning,
    Variants,
)
from tests.signals import mel_filters

if TYPE_CHECKING:
    from pathlib import Path

    from agent.bundle.loading import Bundle

AUDIO = "audio.onnx"
EMBEDDING_SIZE, ACOUSTIC_SIZE = 16, 24
_TOWER_SIZE = 384

WORDS = ["metal", "part", "dropped", "air", "leak", "belt", "squeal", "金属", "部品", "落ちた"]
CHARACTERS = [*map(chr, range(0x21, 0x7F)), *map(chr, range(0x3041, 0x3097)), "音"]


def make_bundle(folder: Path, *, embedding_size: int = EMBEDDING_SIZE, seed: int = 0) -> Bundle:
    """Write a bundle and read it back, hashes and all.

    Its audio tower projects the mean log-mel, its text tower averages random token vectors.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    constants = FrontendConstants()
    onnx.save(audio_tower(rng, constants.n_mels, embedding_size), str(folder / AUDIO))
    tokenizer = make_tokenizer()
    tokenizer.save(str(folder / TOKENIZER))
    onnx.save(text_tower(rng, tokenizer.get_vocab_size()), str(folder / TEXT_TOWER))
    onnx.save(text_head(rng, embedding_size), str(folder / TEXT_HEAD))
    np.savez(
        folder / FRONTEND,
        mel_filters=mel_filters(constants),
        window=np.hanning(constants.win_length),
    )

    def views(size: int) -> np.ndarray[Any, np.dtype[np.float16]]:
        rows = rng.standard_normal((64, size))
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)

    joint, acoustic = views(embedding_size), views(ACOUSTIC_SIZE)
    np.savez(folder / BACKGROUND, embeddings=joint, acoustic=acoustic)
    np.savez(folder / FOREGROUND, embeddings=views(embedding_size))
    return seal(folder, embedding_size=embedding_size)


def seal(folder: Path, *, embedding_size: int = EMBEDDING_SIZE, max_tokens: int = 64) -> Bundle:
    """Write the manifest over the files as they are now, and read the bundle back."""
    names = [AUDIO, TOKENIZER, TEXT_TOWER, TEXT_HEAD, FRONTEND, BACKGROUND, FOREGROUND]
    manifest = Manifest(
        schema=SCHEMA,
        name="tiny",
        version="1",
        frontend=FrontendConstants(),
        tuning=Tuning(window_frames=200, hop_frames=50, threshold=3.0),
        text=TextSettings(prefix="query: ", max_tokens=max_tokens, languages=("en", "ja")),
        embedding_size=embedding_size,
        acoustic_size=ACOUSTIC_SIZE,
        logit_scale=20.0,
        variants=Variants(reference=AUDIO, x86_64=AUDIO, aarch64=AUDIO),
        files={
            name: FileEntry(bundles.sha256_of(folder / name), (folder / name).stat().st_size)
            for name in names
        },
        metrics=(),
        attributions=(),
        rebuild=Rebuild(commands=(), tolerance="exact"),
    )
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return bundles.load(folder)


def renamed(bundle: Bundle, sha256: str) -> Bundle:
    """The same folder under another identity, as when it was replaced meanwhile."""
    return replace(bundle, sha256=sha256)


def audio_tower(rng: np.random.Generator, n_mels: int, size: int) -> onnx.ModelProto:
    """Mean over time, for each view a projection of it, unit length."""
    return _model(
        [
            helper.make_node("ReduceMean", ["log_mel"], ["mean"], axes=[2], keepdims=0),
            helper.make_node("MatMul", ["mean", "weights"], ["projected"]),
            _unit_length("projected", "embedding"),
            helper.make_node("MatMul", ["mean", "acoustic.weights"], ["acoustic.projected"]),
            _unit_length("acoustic.projected", "acoustic"),
        ],
        inputs=[_value("log_mel", TensorProto.FLOAT, ["batch", n_mels, "n_frames"])],
        outputs=[
            _value("embedding", TensorProto.FLOAT, ["batch", size]),
            _value("acoustic", TensorProto.FLOAT, ["batch", ACOUSTIC_SIZE]),
        ],
        weights={
            "weights": rng.standard_normal((n_mels, size)).astype(np.float32),
            "acoustic.weights": (
                np.random.default_rng(0).standard_normal((n_mels, ACOUSTIC_SIZE)).astype(np.float32)
            ),
        },
    )


def text_tower(rng: np.random.Generator, vocabulary: int) -> onnx.ModelProto:
    """Masked mean of token vectors, unit length."""
    table = rng.standard_normal((vocabulary, _TOWER_SIZE)).astype(np.float32)
    return _model(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["vectors"]),
            helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["weights"]),
            helper.make_node("Mul", ["vectors", "weights"], ["masked"]),
            helper.make_node("ReduceSum", ["masked", "middle"], ["sum"], keepdims=0),
            _unit_length("sum", "text_embedding"),
        ],
        inputs=[
            _value("input_ids", TensorProto.INT64, ["batch", "tokens"]),
            _value("attention_mask", TensorProto.INT64, ["batch", "tokens"]),
        ],
        outputs=[_value("text_embedding", TensorProto.FLOAT, ["batch", _TOWER_SIZE])],
        weights={
            "table": table,
            "last": np.array([2], np.int64),
            "middle": np.array([1], np.int64),
        },
    )


def text_head(rng: np.random.Generator, size: int) -> onnx.ModelProto:
    """Projection, unit length."""
    return _model(
        [
            helper.make_node("MatMul", ["text_embedding", "weights"], ["projected"]),
            _unit_length("projected", "embedding"),
        ],
        inputs=[_value("text_embedding", TensorProto.FLOAT, ["batch", _TOWER_SIZE])],
        outputs=[_value("embedding", TensorProto.FLOAT, ["batch", size])],
        weights={"weights": rng.standard_normal((_TOWER_SIZE, size)).astype(np.float32)},
    )


def make_tokenizer() -> Tokenizer:
    """A unigram tokenizer of a few words, ASCII and hiragana; the rest is unknown."""
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0)]
    pieces += [(word, -4.0) for word in WORDS]
    pieces += [(character, -8.0) for character in dict.fromkeys(CHARACTERS)]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = NFKC()
    tokenizer.pre_tokenizer = Metaspace(replacement="▁", prepend_scheme="always", split=False)
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _unit_length(source: str, target: str) -> onnx.NodeProto:
    return helper.make_node("LpNormalization", [source], [target], axis=-1, p=2)


def _value(name: str, element: int, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, element, shape)


def _model(
    nodes: list[onnx.NodeProto],
    *,
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    weights: dict[str, np.ndarray],
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "tiny",
        inputs,
        outputs,
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model
