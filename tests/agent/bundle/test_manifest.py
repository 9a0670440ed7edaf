"""The manifest of a bundle: what does not fit is named, with what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agent.bundle.manifest import MANIFEST, Manifest
from agent.core.errors import BundleError
from tests.bundles import AUDIO, make_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Raw = dict[str, Any]


def files(name: str) -> Callable[[Raw], object]:
    """Gives a file another name."""
    return lambda raw: raw["files"].update({name: raw["files"].pop(AUDIO)})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda raw: raw.update(schema=2), "schema 2 is not the schema 3 that this agent reads"),
        (lambda raw: raw.pop("tuning"), "no field 'tuning'"),
        (lambda raw: raw["tuning"].pop("hop_frames"), "no field 'tuning.hop_frames'"),
        (
            lambda raw: raw["frontend"].update(n_mel=1),
            "unknown field 'frontend.n_mel' (did you mean 'n_mels'?)",
        ),
        (lambda raw: raw.update(text=[]), "text holds [] in the place of a table"),
        (
            lambda raw: raw["frontend"].update(n_fft=True),
            "frontend.n_fft holds True in the place of a whole number",
        ),
        (
            lambda raw: raw["text"].update(languages=["en", 1]),
            "text.languages[1] holds 1 in the place of a text",
        ),
        (lambda raw: raw.update(metrics={}), "metrics holds {} in the place of a list"),
        (
            lambda raw: raw.update(logit_scale=float("nan")),
            "logit_scale holds nan in the place of a number",
        ),
        (lambda raw: raw.update(files=[]), "files holds [] in the place of a table"),
        (lambda raw: raw.update(files={}), "audio.onnx is not among its files"),
        (
            lambda raw: raw["files"][AUDIO].update(size_bytes="1"),
            "files.audio.onnx.size_bytes holds '1' in the place of a whole number",
        ),
        (lambda raw: raw.update(logit_scale=0), "logit_scale is 0.0, which is not positive"),
        (files("../x"), "file name '../x' leaves the bundle; do not use this bundle"),
        (files(MANIFEST), "file name 'manifest.json' leaves the bundle"),
        (files("other"), "audio.onnx is not among its files; export the bundle again"),
    ],
)
def test_a_damaged_manifest_is_told(
    tmp_path: Path, change: Callable[[Raw], object], told: str
) -> None:
    """File, field, what stands there and what belongs there."""
    raw = json.loads(make_bundle(tmp_path).manifest.to_json())
    change(raw)
    with pytest.raises(BundleError) as caught:
        Manifest.from_json(json.dumps(raw), "manifest.json")
    assert str(caught.value).startswith(f"manifest.json: {told}")


@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "not valid JSON"), ("[" * 100_000, "not valid JSON"), ("[]", "schema None is not")],
)
def test_what_is_no_manifest_is_told(text: str, told: str) -> None:
    """Also where it is no JSON at all."""
    with pytest.raises(BundleError, match=told):
        Manifest.from_json(text, "manifest.json")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """To the letter."""
    text = make_bundle(tmp_path).manifest.to_json()
    assert Manifest.from_json(text, "manifest.json").to_json() == text
