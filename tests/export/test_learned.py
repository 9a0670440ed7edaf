"""The learned head is added beside the bootstrap's joint view, which stays bit for bit."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from agent.bundle import loading as bundles
from agent.bundle.manifest import FOREGROUND, MANIFEST, MODEL_CARD, SCHEMA, TEXT_HEAD
from agent.core.errors import BundleError
from agent.encoder.audio import Encoder
from agent.encoder.text_encoder import TextEncoder
from export import learned
from export.__main__ import main
from export.learned import WEIGHT, Head, add_to_audio, add_to_text, embedding_size, remove
from tests.export.judged import few
from training.model import kernel
from training.model.text_map import TextMap
from training.train import acoustic
from training.train.learned import LearnedConfig, LearnedHead, Network, fit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.data.lexicon import Entry
    from training.model.text_tower import TextTower

pytestmark = pytest.mark.torch

_FEATURES, _TEXT, _OWN, _SIZE = 864, 384, 256, 8


def network(rng: np.random.Generator, inputs: int) -> Network:
    """Weights of chance, as half precision holds them."""
    shapes = (inputs, 16), (16,), (16, _SIZE), (_SIZE,)
    arrays = [rng.standard_normal(shape).astype(np.float16).astype(np.float32) for shape in shapes]
    return Network(*arrays)


def text_map(rng: np.random.Generator) -> TextMap:
    """A regression of a few texts of chance."""
    texts = rng.standard_normal((12, _TEXT)).astype(np.float32)
    (fitted,) = kernel.fits(
        texts,
        rng.standard_normal((12, _OWN)),
        np.ones(12),
        landmarks=6,
        temperature=1.0,
        ridges=[0.1],
    )
    return TextMap(fitted)


@pytest.fixture(scope="module")
def head() -> Head:
    """One of chance."""
    rng = np.random.default_rng(3)
    roots = rng.standard_normal((_OWN, _OWN)), rng.standard_normal((_SIZE, _SIZE))
    sides = LearnedHead(network(rng, _FEATURES), network(rng, _OWN))
    stored = [root.astype(np.float16).astype(np.float32) for root in roots]
    return Head(sides, text_map(rng), (stored[0], stored[1]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The default bundle's graphs, without a learned head."""
    for name in ("audio.onnx", "audio.x86_64.onnx", TEXT_HEAD):
        shutil.copyfile(bundles.DEFAULT / name, tmp_path / name)
        remove(tmp_path / name)
    return tmp_path


def run(path: Path, feeds: dict[str, np.ndarray], *names: str) -> list[np.ndarray]:
    """Outputs of a graph."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return list(session.run(list(names), feeds))


def unit(rows: np.ndarray) -> np.ndarray:
    """At unit length."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.mark.parametrize("name", ["audio.onnx", "audio.x86_64.onnx"])
def test_a_window_has_both_heads_side_by_side(folder: Path, head: Head, name: str) -> None:
    """The bootstrap's part is what it was; the acoustic view is untouched."""
    path = folder / name
    feeds = {"log_mel": np.random.default_rng(1).standard_normal((3, 128, 120)).astype(np.float32)}
    before, view = run(path, feeds, "embedding", "acoustic")
    add_to_audio(path, head)
    after, same = run(path, feeds, "embedding", "acoustic")
    half = np.float32(np.sqrt(0.5))
    np.testing.assert_array_equal(after[:, :_OWN], before * half)
    np.testing.assert_array_equal(same, view)
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), 1.0, atol=1e-5)
    assert embedding_size(path) == after.shape[1] == _OWN + _SIZE


def test_a_text_has_both_parts_over_their_spread(folder: Path, head: Head) -> None:
    """So that a cosine is a sum of standard deviations."""
    path = folder / TEXT_HEAD
    texts = np.random.default_rng(2).standard_normal((4, _TEXT)).astype(np.float32)
    (first,) = run(path, {"text_embedding": texts}, "embedding")
    add_to_text(path, head)
    (both,) = run(path, {"text_embedding": texts}, "embedding")
    second = head.learned.text(head.text_map(texts))
    parts = [
        weight * part / np.linalg.norm(part @ root, axis=1, keepdims=True)
        for part, root, weight in zip((first, second), head.roots, (1.0, WEIGHT), strict=True)
    ]
    np.testing.assert_allclose(both, unit(np.concatenate(parts, axis=1)), atol=2e-3)


@pytest.mark.parametrize("name", ["audio.onnx", TEXT_HEAD])
def test_a_head_is_removed_as_if_it_had_never_been(folder: Path, head: Head, name: str) -> None:
    """What is computed is what was, and a head that is added after it is as the first one was."""
    path, add = folder / name, add_to_text if name == TEXT_HEAD else add_to_audio
    rng = np.random.default_rng(1)
    feeds = {"log_mel": rng.standard_normal((2, 128, 120)).astype(np.float32)}
    if name == TEXT_HEAD:
        feeds = {"text_embedding": rng.standard_normal((2, _TEXT)).astype(np.float32)}
    (before,) = run(path, feeds, "embedding")
    add(path, head)
    once = path.read_bytes()
    remove(path)
    (after,) = run(path, feeds, "embedding")
    np.testing.assert_array_equal(after, before)
    assert b"learned" not in path.read_bytes()
    add(path, head)
    assert path.read_bytes() == once


def test_a_bundle_of_the_schema_before_gets_its_heads(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent refuses it and says why; the command makes a bundle that is read."""

    def quick_map(_data: Path, tower: TextTower, entries: Sequence[Entry]) -> TextMap:
        texts = tower.embed([entry.en[0] for entry in entries[::100]])
        targets = np.random.default_rng(0).standard_normal((len(texts), _OWN))
        weights = np.ones(len(texts))
        (fitted,) = kernel.fits(
            texts, targets, weights, landmarks=10, temperature=1.0, ridges=[0.1]
        )
        return TextMap(fitted)

    view, words = acoustic.AcousticConfig(steps=20), LearnedConfig(steps=5, meanings=20)
    monkeypatch.setattr("export.heads.fit", lambda material: acoustic.fit(material, view))
    monkeypatch.setattr(learned, "fit", lambda some, texts, _config: fit(some, texts, words))
    monkeypatch.setattr("export.heads.text_map.fit", quick_map)
    monkeypatch.setattr("export.heads._retrieval_sets", lambda data, embed: (few(data, embed),))
    monkeypatch.setattr("export.sounds._COHORT", 16)
    monkeypatch.setattr("export.sounds._FOREGROUND", 8)
    monkeypatch.setattr("export.sounds._ORDINARY", 24)
    # Of so short a training the quantized graph may make what it will.
    monkeypatch.setattr("export.heads.MOST_COST", 2.0)
    monkeypatch.setattr("export.acoustic._NOISES", 8)
    before, after = tmp_path / "before", tmp_path / "after"
    shutil.copytree(bundles.DEFAULT, before)
    raw = json.loads((before / MANIFEST).read_text(encoding="utf-8"))
    raw["schema"] = SCHEMA - 1
    del raw["files"][FOREGROUND]
    (before / FOREGROUND).unlink()
    (before / MANIFEST).write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(BundleError, match="schema 2 is not the schema 3"):
        bundles.load(before)
    command = ["--bundle", str(before), "--output", str(after), "--version", "9.0.0"]
    options = ["--data", str(data_dir), "--every", "240", "--threshold", "5.5"]
    assert main([*command, *options]) == 0
    made, known = bundles.load(after), bundles.load()
    assert made.manifest.version == "9.0.0"
    assert made.manifest.rebuild.commands[-1].endswith("--version 9.0.0 --threshold 5.5")
    assert made.manifest.tuning.threshold == 5.5
    card = made.path(MODEL_CARD).read_text(encoding="utf-8")
    assert card.count("## Acoustic view") == 1
    assert {metric.variant for metric in made.manifest.metrics if metric.dataset == "few"} == {
        *("float32", "x86_64")
    }
    windows = np.random.default_rng(1).standard_normal((3, 128, 120)).astype(np.float32)
    heard, was = (Encoder(one).encode(windows) for one in (made, known))
    np.testing.assert_array_equal(heard.joint[:, :_OWN], was.joint[:, :_OWN])
    assert heard.joint.shape == (3, made.manifest.embedding_size)
    assert TextEncoder(made).encode(["a siren"]).shape == (1, made.manifest.embedding_size)
    assert heard.acoustic.shape == was.acoustic.shape
