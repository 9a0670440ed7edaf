"""A box runs the tower that is faster on its processor, as long as it loses no more than it may."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.bundle import loading
from agent.bundle.manifest import Metric
from agent.encoder.choice import KEPT, measured_ms, with_fastest_tower

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from agent.bundle.loading import Bundle

REFERENCE, OWN = "audio.onnx", "audio.x86_64.onnx"


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    """The bundle of the package, which holds two towers for x86-64."""
    return loading.load()


@pytest.fixture(autouse=True)
def on_x86_64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine is."""
    monkeypatch.setattr("agent.bundle.loading.platform.machine", lambda: "x86_64")


def costing(reference_ms: float, own_ms: float) -> Callable[[Bundle, int], Mapping[str, float]]:
    """A processor on which the towers take so long."""
    return lambda _bundle, _threads: {REFERENCE: reference_ms, OWN: own_ms}


def never(_bundle: Bundle, _threads: int) -> Mapping[str, float]:
    """What was found before is gone by."""
    pytest.fail("measured again")


@pytest.mark.parametrize(
    ("reference_ms", "own_ms", "chosen"),
    [(2.0, 1.5, OWN), (2.0, 1.95, REFERENCE), (1.5, 2.0, REFERENCE)],
)
def test_the_faster_one_is_taken_and_kept(
    shipped: Bundle, tmp_path: Path, reference_ms: float, own_ms: float, chosen: str
) -> None:
    """One that is hardly faster is not worth what it loses."""
    state = tmp_path / "state"
    found = with_fastest_tower(shipped, state, costs_ms=costing(reference_ms, own_ms))
    assert found.audio_tower == shipped.folder / chosen
    kept = json.loads((state / KEPT).read_text(encoding="utf-8"))
    assert kept["milliseconds"] == {REFERENCE: reference_ms, OWN: own_ms}
    again = with_fastest_tower(shipped, state, costs_ms=never)
    assert again == found
    assert again.digest == shipped.digest


def test_another_bundle_or_number_of_threads_is_measured_anew(
    shipped: Bundle, tmp_path: Path
) -> None:
    """What was found holds for what it was found with."""
    with_fastest_tower(shipped, tmp_path, costs_ms=costing(2.0, 1.0))
    others = ((replace(shipped, sha256="0" * 64), 1), (shipped, 2))
    for bundle, threads in others:
        found = with_fastest_tower(
            bundle, tmp_path, threads=threads, keep=False, costs_ms=costing(1.0, 2.0)
        )
        assert found.audio_tower.name == REFERENCE
    assert with_fastest_tower(shipped, tmp_path, costs_ms=never).audio_tower.name == OWN


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 1}', '{"schema": 1, "tower": "../x"}'])
def test_a_damaged_finding_is_told_and_made_again(
    shipped: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    """It never ends a start."""
    (tmp_path / KEPT).write_text(content, encoding="utf-8")
    found = with_fastest_tower(shipped, tmp_path, costs_ms=costing(2.0, 1.0))
    assert found.audio_tower.name == OWN
    assert "tower_unreadable" in caplog.messages
    assert with_fastest_tower(shipped, tmp_path, costs_ms=never) == found


def test_a_state_folder_that_takes_nothing_ends_no_start(
    shipped: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told, and measured again the next time."""
    file = tmp_path / "file"
    file.write_bytes(b"")
    found = with_fastest_tower(shipped, file / "state", costs_ms=costing(2.0, 1.0))
    assert found.audio_tower.name == OWN
    assert "tower_not_kept" in caplog.messages


def test_one_that_loses_more_than_it_may_is_never_taken(shipped: Bundle, tmp_path: Path) -> None:
    """However fast it is; by how much is in the manifest, with the figures."""
    figures = [
        Metric("top-1", "a set", "en", variant, value, "a command")
        for variant, value in (("float32", 0.8), ("x86_64", 0.78))
    ]
    for most_lost, chosen in ((0.01, REFERENCE), (0.03, OWN)):
        manifest = replace(
            shipped.manifest,
            metrics=tuple(figures),
            tuning=replace(shipped.manifest.tuning, most_lost=most_lost),
        )
        bundle = replace(shipped, manifest=manifest)
        found = with_fastest_tower(bundle, tmp_path, keep=False, costs_ms=costing(2.0, 1.0))
        assert found.audio_tower.name == chosen


def test_real_towers_are_measured(shipped: Bundle) -> None:
    """Each that this machine may run."""
    found = measured_ms(shipped, 1)
    assert tuple(found) == shipped.towers == (REFERENCE, OWN)
    assert all(cost_ms > 0.0 for cost_ms in found.values())
