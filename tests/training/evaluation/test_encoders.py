"""Checkpoints and bundles, behind one face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from agent.bundle.manifest import TEXT_HEAD, TEXT_TOWER, TOKENIZER
from agent.core.errors import BundleError
from agent.encoder.text import embed_texts
from export.acoustic import add_head
from export.onnx import export_audio, export_text_head
from tests.bundles import ACOUSTIC_SIZE, AUDIO, make_bundle, seal
from tests.training.small import small_model
from training.data.frontend import LogMel
from training.evaluation.encoders import BundleEncoder, CheckpointEncoder, load_model
from training.evaluation.evaluate import encode
from training.model import checkpoint
from training.train.acoustic import AcousticHead

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import FloatArray

pytestmark = pytest.mark.torch

_FEATURES = 864
"""Of mn04's acoustic view: averages and maxima of five blocks, and 512 of the hidden layer."""
_TEXTS = ("metal part dropped", "air leak", "金属部品が落ちた")


def _sounds() -> list[FloatArray]:
    """Tones and noise, of three lengths."""
    random, frontend = np.random.default_rng(0), LogMel()
    found = []
    for seconds, hertz in ((1.0, 300.0), (1.0, 3_000.0), (0.4, 900.0), (1.7, 120.0)):
        time_s = np.arange(round(32_000 * seconds)) / 32_000
        wave = 0.2 * np.sin(2 * np.pi * hertz * time_s) + 0.02 * random.standard_normal(len(time_s))
        found.append(frontend(torch.from_numpy(wave)[None])[0].numpy())
    return found


def test_a_bundle_and_its_checkpoint_agree(tmp_path: Path) -> None:
    """Both sides of a small model, exported, on generated sounds and the same text tower."""
    model = small_model()
    model.text_head.round_to_half()
    folder = tmp_path / "bundle"
    make_bundle(folder)
    tower = _tower_of(folder, _TEXTS)
    export_audio(model, folder / AUDIO)
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((_FEATURES, ACOUSTIC_SIZE)).astype(np.float32)
    add_head(folder / AUDIO, AcousticHead(weight, np.zeros(ACOUSTIC_SIZE, np.float32)))
    export_text_head(model, folder / TEXT_HEAD)
    seal(folder)
    checkpoint.save(model, tmp_path / "model.pt")
    hidden = dict(zip(_TEXTS, tower, strict=True))
    of_checkpoint = CheckpointEncoder(checkpoint.load(tmp_path / "model.pt"), hidden)
    of_bundle = load_model(str(folder), _TEXTS, tmp_path / "cache").encoder
    assert isinstance(of_bundle, BundleEncoder)
    sounds = _sounds()
    heard, expected = encode(of_bundle, sounds), encode(of_checkpoint, sounds)
    np.testing.assert_allclose(heard, expected, atol=1e-4)
    assert (heard @ heard.T).min() < 0.999
    read, expected = of_bundle.encode_texts(_TEXTS), of_checkpoint.encode_texts(_TEXTS)
    np.testing.assert_allclose(read, expected, atol=1e-5)
    assert np.abs(read[0] - read[1:]).max(axis=1).min() > 1e-3


def _tower_of(folder: Path, texts: tuple[str, ...]) -> FloatArray:
    """What a bundle's text tower says before any head, ``(texts, 384)``."""
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    session = onnxruntime.InferenceSession(
        str(folder / TEXT_TOWER), providers=["CPUExecutionProvider"]
    )
    rows = []
    for text in texts:
        ids = np.array([tokenizer.encode(f"query: {text}").ids], np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        rows.append(session.run(None, feeds)[0][0])
    return np.stack(rows)


def test_recordings_together_are_heard_as_alone() -> None:
    """Those of one length share a batch."""
    encoder = CheckpointEncoder(small_model(), {})
    sounds = [*_sounds(), *_sounds()]
    alone = np.concatenate([encoder.encode_audio(one[None]) for one in sounds])
    np.testing.assert_allclose(encode(encoder, sounds), alone, atol=1e-5)


def test_variants_of_a_bundle(tmp_path: Path) -> None:
    """The float tower by its own name; the digest is the manifest's."""
    bundle = make_bundle(tmp_path / "b")
    found = load_model(f"{tmp_path / 'b'}:reference", _TEXTS, tmp_path / "cache")
    assert found.sha256 == bundle.sha256
    np.testing.assert_array_equal(
        found.encoder.encode_texts(_TEXTS), embed_texts(bundle, _TEXTS, None)
    )


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    """With what could be written instead."""
    for name in (str(tmp_path / "missing"), f"{tmp_path}:float16"):
        with pytest.raises(FileNotFoundError, match="neither a checkpoint nor a bundle"):
            load_model(name, (), tmp_path)
    with pytest.raises(FileNotFoundError, match="no such checkpoint"):
        load_model(str(tmp_path / "missing.pt"), (), tmp_path)
    with pytest.raises(BundleError, match="name a folder that holds a bundle"):
        load_model(str(tmp_path), (), tmp_path)


def test_texts_have_to_be_embedded_first() -> None:
    """The message names one that was not."""
    encoder = CheckpointEncoder(small_model(), {})
    with pytest.raises(ValueError, match="1 texts were not embedded, such as 'a bell'"):
        encoder.encode_texts(["a bell"])
