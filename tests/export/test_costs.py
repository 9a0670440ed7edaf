"""A quantized graph that costs too much is not shipped; that machine runs float32."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from agent.bundle import loading as bundles
from agent.bundle.manifest import Metric
from export import renewal
from export.acoustic import AGREES
from export.costs import costs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


def metric(variant: str, value: float, *, name: str = "top-1", dataset: str = "many") -> Metric:
    """One figure of English texts."""
    return Metric(name, dataset, "en", variant, value, "a command")


def test_the_worst_figure_counts_with_sets_pooled_by_their_files() -> None:
    """A fall on a small set weighs little; agreement is no figure that can fall."""
    found = costs(
        [
            *(metric("float32", 0.8), metric("x86_64", 0.8), metric("aarch64", 0.7)),
            metric("float32", 0.5, dataset="few"),
            metric("x86_64", 0.3, dataset="few"),
            metric("aarch64", 0.5, dataset="few"),
            *(metric("float32", 0.6, name="mAP@10"), metric("x86_64", 0.7, name="mAP@10")),
            metric("aarch64", 0.6, name="mAP@10"),
            *(metric("float32", 1.0, name=AGREES), metric("x86_64", 0.1, name=AGREES)),
        ],
        {"many": 900, "few": 100},
    )
    assert found == {"x86_64": pytest.approx(0.02), "aarch64": pytest.approx(0.09)}


def test_a_machine_without_a_graph_of_its_own_runs_float32(tmp_path: Path) -> None:
    """The manifest says so, and the bundle is read."""
    shutil.copytree(bundles.DEFAULT, tmp_path, dirs_exist_ok=True)
    known = bundles.load(tmp_path).manifest
    (tmp_path / known.variants.x86_64).unlink()
    renewed = renewal.Renewed(known.metrics, "a command", costs=None)
    renewal._write(known, tmp_path, "9.0.0", renewed)
    made = bundles.load(tmp_path).manifest
    assert made.variants.x86_64 == made.variants.reference == "audio.onnx"
    assert known.variants.x86_64 not in made.files
