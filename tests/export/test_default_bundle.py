"""The bundle that ships inside the package."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agent.bundle import loading as bundles
from agent.bundle.manifest import MANIFEST, MODEL_CARD
from agent.cli.score import variants_of
from agent.encoder.audio import Encoder
from agent.encoder.text_encoder import TextEncoder
from export.costs import MOST_COST, costs

pytestmark = pytest.mark.torch

_MOST_BYTES = 45_000_000
_FILES = {"esc50-40, folds 3 and 5": 569, "everyday-cc, test": 99}
"""Recordings of each set that words are measured on."""


@pytest.fixture(scope="module")
def bundle() -> bundles.Bundle:
    """Loaded with its hashes checked."""
    return bundles.load(None)


def test_it_is_small_enough(bundle: bundles.Bundle) -> None:
    """All its files together."""
    assert sum(entry.size_bytes for entry in bundle.manifest.files.values()) <= _MOST_BYTES


def test_shipped_variants_cost_no_more_than_allowed(bundle: bundles.Bundle) -> None:
    """As the manifest's own figures say, each quantized variant against float32, data pooled."""
    manifest = bundle.manifest
    found = costs(manifest.metrics, _FILES)
    files = {"x86_64": manifest.variants.x86_64, "aarch64": manifest.variants.aarch64}
    # What would cost more runs in float32.
    quantized = {name for name, file in files.items() if file != manifest.variants.reference}
    assert quantized == found.keys()
    assert all(cost <= MOST_COST for cost in found.values())


def test_variants_hear_alike(bundle: bundles.Bundle) -> None:
    """On windows of noise and tones, every variant is close to float32."""
    rng = np.random.default_rng(0)
    windows = rng.normal(0.2, 0.5, (4, 128, 200)).astype(np.float32)
    found = {name: Encoder(one).encode(windows) for name, one in variants_of(bundle, "all").items()}
    for views in found.values():
        assert (views.joint * found["reference"].joint).sum(axis=1).min() > 0.9
        assert (views.acoustic * found["reference"].acoustic).sum(axis=1).min() > 0.8


def test_both_languages_say_the_same(bundle: bundles.Bundle) -> None:
    """A Japanese text is nearest to its English translation."""
    encoder = TextEncoder(bundle)
    english = encoder.encode(["breaking glass", "a siren", "a dog barks", "running water"])
    japanese = encoder.encode(["ガラスが割れる音", "サイレン", "犬が吠える", "水が流れる音"])
    assert (japanese @ english.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_it_tells_how_to_rebuild_it_and_what_it_is_made_of(bundle: bundles.Bundle) -> None:
    """No path of the machine that made it, every licence in the card."""
    manifest = (bundle.folder / MANIFEST).read_text(encoding="utf-8")
    assert "/tmp" not in manifest  # noqa: S108 - looked for, not used
    commands = json.loads(manifest)["rebuild"]["commands"]
    assert any("script/train" in command for command in commands)
    assert any("export" in command for command in commands)
    card = bundle.path(MODEL_CARD).read_text(encoding="utf-8")
    assert all(one.work in card for one in bundle.manifest.attributions)
