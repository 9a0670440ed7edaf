"""What is kept of a background: on real files, cut off, damaged, left out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.core.errors import StoreError
from agent.core.records import Views, Window
from agent.watchlist.calibration import index as indices
from agent.watchlist.calibration.index import FILE, Index, Span
from agent.watchlist.calibration.parts import FOLDER, PART_ROWS, PartWriter, stretches
from tests.views import views

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RATE_HZ, HOP_S, DIM, ACOUSTIC = 32_000, 0.5, 8, 6
EMPTY = Index("sha256:ab", DIM, ACOUSTIC, HOP_S, 1, 0.0)


def windows(count: int, source: str = "mic1", first: int = 0) -> list[Window]:
    """Windows that follow on each other; their sound is not looked at."""
    silent = np.zeros((1, 1), np.float32)
    return [
        Window(source, (first + n) * RATE_HZ // 2, 1e9 + (first + n) * HOP_S, 2.0, silent)
        for n in range(count)
    ]


def unit(count: int, seed: int = 0) -> np.ndarray:
    """Random unit embeddings."""
    rows = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def keep(folder: Path, count: int, index: Index = EMPTY, keep_hours: float = 60.0) -> PartWriter:
    """Keep one stream to its end."""
    writer = PartWriter(folder, index, lambda: 2e9, keep_hours)
    writer.take("s1", windows(count), views(unit(count), ACOUSTIC), RATE_HZ)
    writer.finish()
    return writer


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    """Times exactly, embeddings in half precision, part by part."""
    keep(tmp_path, PART_ROWS + 100)
    index = indices.read(tmp_path)
    assert index is not None
    assert [part.rows for part in index.parts] == [PART_ROWS, 100]
    found = list(stretches(tmp_path, index))
    position_s = np.concatenate([one.position_s for one in found])
    np.testing.assert_array_equal(position_s, np.arange(PART_ROWS + 100) * HOP_S)
    heard = Views.concatenate([one.views for one in found])
    kept = views(unit(PART_ROWS + 100), ACOUSTIC)
    np.testing.assert_allclose(heard.joint, kept.joint, atol=1e-3)
    np.testing.assert_allclose(heard.acoustic, kept.acoustic, atol=1e-3)
    assert index.heard_hours == pytest.approx((PART_ROWS + 100) * HOP_S / 3_600)


def test_the_latest_hours_stay(tmp_path: Path) -> None:
    """What is older goes, file and all."""
    writer = keep(tmp_path, 3 * PART_ROWS, keep_hours=2 * PART_ROWS * HOP_S / 3_600)
    assert [part.starts_at for part in writer.index.parts] == [1e9 + 600.0, 1e9 + 1_200.0]
    assert len(list((tmp_path / FOLDER).glob("*.npz"))) == 2


def test_a_recording_that_was_cut_off_is_heard_again(tmp_path: Path) -> None:
    """A kill in the middle of a recording leaves no half of it; a microphone's half stays."""
    writer = PartWriter(tmp_path, EMPTY, lambda: 2e9)
    writer.take("mic", windows(PART_ROWS), views(unit(PART_ROWS), ACOUSTIC), RATE_HZ)
    writer.take(
        "rec", windows(PART_ROWS, "a.wav"), views(unit(PART_ROWS), ACOUSTIC), RATE_HZ, recorded=True
    )
    index = indices.read(tmp_path)
    assert index is not None
    assert index.hearing == "rec"
    again = PartWriter(tmp_path, index, lambda: 2e9)
    assert [part.stream for part in again.index.parts] == ["mic"]


def test_excluded_sound_is_left_out(tmp_path: Path) -> None:
    """Only of the named source, only in the named time."""
    writer = keep(tmp_path, 100)
    spans = (Span("mic1", 1e9 + 10.0, 1e9 + 12.0), Span("mic2", 1e9, 1e9 + 50.0))
    found = list(stretches(tmp_path, replace(writer.index, excluded=spans)))
    left = np.concatenate([one.starts_at for one in found]) - 1e9
    assert len(left) == 95
    assert not ((left >= 10.0) & (left <= 12.0)).any()


def damaged(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    """Changes the index's values in place."""

    def apply(folder: Path) -> None:
        raw = json.loads((folder / FILE).read_text())
        change(raw)
        (folder / FILE).write_text(json.dumps(raw))

    return apply


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: (folder / FILE).write_bytes(b"{"), "kikimimi calibrate"),
        (lambda folder: (folder / FILE).write_bytes(b"[" * 100_000), "kikimimi calibrate"),
        (damaged(lambda raw: raw.update(schema=9)), "schema 9"),
        (damaged(lambda raw: raw.pop("hop_s")), "no field 'hop_s'"),
        (damaged(lambda raw: raw.update(sources=True)), "holds True"),
        (damaged(lambda raw: raw.update(hop_s=float("nan"))), "holds nan"),
        (damaged(lambda raw: raw["parts"][0].update(file="../../x.npz")), "does not write"),
        (damaged(lambda raw: raw["parts"].append(raw["parts"][0])), "twice"),
        (damaged(lambda raw: raw.update(mean=[0.0])), "a mean of 1 values"),
    ],
)
def test_a_damaged_index_is_told(tmp_path: Path, damage: Callable[[Path], None], told: str) -> None:
    """Whatever is in the file, the error names it and says what to do; it can be set aside."""
    keep(tmp_path, 20)
    damage(tmp_path)
    with pytest.raises(StoreError, match=told) as caught:
        indices.read(tmp_path)
    assert FILE in str(caught.value)
    aside = indices.set_aside(tmp_path)
    assert aside is not None
    assert aside.exists()
    assert indices.read(tmp_path) is None


@pytest.mark.parametrize("damage", ["gone", "other bytes", "short"])
def test_a_damaged_part_is_told(tmp_path: Path, damage: str) -> None:
    """Missing, changed, cut short: never half of the truth."""
    index = keep(tmp_path, 20).index
    path = tmp_path / FOLDER / index.parts[0].file
    if damage == "gone":
        path.unlink()
    else:
        raw = path.read_bytes()
        path.write_bytes(raw[:-1] + b"!" if damage == "other bytes" else raw[:50])
    with pytest.raises(StoreError, match=path.name):
        list(stretches(tmp_path, index))
