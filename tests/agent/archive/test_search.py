"""``kikimimi search``: sounds found by words and by a recording, in memory and in Qdrant."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from agent import cli
from agent.archive import index as indices
from agent.archive.index import GraphIndex
from agent.archive.qdrant import QdrantIndex
from agent.archive.search import Query, search
from agent.archive.views import VIEWS, ViewArchive
from agent.bundle import loading as bundles
from agent.capture.scene import RATE_HZ
from tests.agent.archive.archives import said, write_recording
from tests.bundles import make_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.capture.scene import Scene

SCENE = "version: 1\nerrors:\n  - {id: siren, text: a siren wails}\n"


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory, scene: Scene, embedded: None) -> Path:
    """A folder with the demo's scene and its views by the shipped model."""
    folder = tmp_path_factory.mktemp("heard")
    soundfile.write(folder / "scene.flac", scene.samples, RATE_HZ)
    (folder / "d.yaml").write_text(SCENE, encoding="utf-8")
    command = ["scan", "scene.flac", "--descriptions", "d.yaml", "--out", "alerts.parquet"]
    words = [str(folder / word) if "." in word else word for word in command]
    assert cli.main([*words, "--embed", str(folder / "views"), "--workers", "1"]) == 0
    return folder


def found(
    capsys: pytest.CaptureFixture[str], query: object, folder: Path, *options: object
) -> list[dict[str, Any]]:
    """What a search tells programs."""
    told = said(capsys, "search", query, "--archive", folder / "views", *options, "--json")
    assert told.status == 0, told.err
    return [json.loads(line) for line in told.out.splitlines()]


@pytest.mark.parametrize("text", ["サイレンが鳴り響く音", "a siren wails"])
def test_words_find_what_they_say(
    heard: Path, scene: Scene, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """The scene's siren, in both languages; windows that overlap are told once."""
    event = next(one for one in scene.events if "siren" in one.error_ids)
    hits = found(capsys, text, heard, "--top", "3")
    assert len(hits) == 3
    assert hits[0]["file"] == str(heard / "scene.flac")
    assert event.starts_s - 1.5 <= hits[0]["start"] <= event.ends_s
    assert hits[0]["cosine"] == max(one["cosine"] for one in hits)
    spans = sorted((one["start"], one["end"]) for one in hits)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_a_recording_finds_where_it_was_made(
    heard: Path, scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The horn of the scene, cut out at another rate of windows: its own place first."""
    event = next(one for one in scene.events if "vehicle_horn" in one.error_ids)
    first = round(event.starts_s * RATE_HZ)
    clip = tmp_path / "horn.wav"
    soundfile.write(clip, scene.samples[first : first + 2 * RATE_HZ], RATE_HZ)
    (best, second) = found(capsys, clip, heard, "--top", "2")
    assert abs(best["start"] - event.starts_s) <= 0.5
    assert best["cosine"] > 0.9 > second["cosine"]
    told = said(capsys, "search", "gone.wav", "--archive", heard / "views")
    assert told.status == 2
    assert "gone.wav: no such file; name one that is there, or write words" in told.err


def test_an_archive_of_another_bundle_is_refused_by_name(
    heard: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """By search, and by a scan that would add to it."""
    own = bundles.load()
    options = ("--archive", heard / "views", "--bundle", small_bundle.folder)
    told = said(capsys, "search", "a siren", *options)
    assert told.status == 2
    expected = (
        f"{heard / 'views'}: was embedded by bundle {own.title} ({own.digest[:19]}), not by "
        f"{small_bundle.title} ({small_bundle.digest[:19]})"
    )
    assert expected in told.err
    scan = ("scan", heard / "scene.flac", "--descriptions", heard / "d.yaml", "--workers", "1")
    into = ("--bundle", small_bundle.folder, "--out", heard / "b.parquet")
    told = said(capsys, *scan, *into, "--embed", heard / "views")
    assert (told.status, expected in told.err) == (2, True)
    told = said(capsys, "search", "a siren", "--archive", heard)
    assert "name the folder of kikimimi scan --embed" in told.err


@pytest.fixture
def kept(tmp_path: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> ViewArchive:
    """Views of three recordings by a small model."""
    return _scanned(tmp_path, small_bundle, capsys, range(3))


def _scanned(
    folder: Path, bundle: Bundle, capsys: pytest.CaptureFixture[str], seeds: range
) -> ViewArchive:
    (folder / "recordings").mkdir(exist_ok=True)
    for seed in seeds:
        write_recording(folder / "recordings" / f"{seed}.wav", seed)
    (folder / "d.yaml").write_text("version: 1\nerrors:\n  - {id: leak, text: air leak}\n")
    words = ("scan", folder / "recordings", "--descriptions", folder / "d.yaml", "--bundle")
    options = ("--out", folder / "a.parquet", "--embed", folder / "views", "--workers", "1")
    assert said(capsys, *words, bundle.folder, *options).status == 0
    return ViewArchive.open(folder / "views", bundle)


def _queries(archive: ViewArchive) -> Iterator[Query]:
    rng = np.random.default_rng(1)
    for view in VIEWS:
        rows = rng.standard_normal((2, archive.size(view))).astype(np.float32)
        yield Query(view, rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_graph_and_qdrant_find_what_comparing_all_finds(
    kept: ViewArchive,
    small_bundle: Bundle,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also after a recording was added and one was taken away; the graph is built once."""
    for change in ("none", "added", "gone"):
        if change == "added":
            kept = _scanned(tmp_path, small_bundle, capsys, range(3, 5))
        elif change == "gone":
            kept.parts()[0].path.unlink()
        monkeypatch.setattr(indices, "EXACT_WINDOWS", 1_000)
        exact = [search(GraphIndex.of(kept, print), query, 6) for query in _queries(kept)]
        assert [len(hits) for hits in exact] == [6, 6]
        monkeypatch.setattr(indices, "EXACT_WINDOWS", 10)
        remarks: list[str] = []
        for _ in range(2):
            graph = GraphIndex.of(kept, remarks.append)
            for query, expected in zip(_queries(kept), exact, strict=True):
                _assert_same(search(graph, query, 6), expected)
        added = {"none": 3, "added": 2, "gone": 4}[change] * 17
        assert remarks == [f"indexing {added} windows, once"] * 2
        remarks.clear()
        with QdrantIndex.opened(kept, str(tmp_path / "qdrant"), remarks.append) as index:
            for query, expected in zip(_queries(kept), exact, strict=True):
                _assert_same(search(index, query, 6), expected)
        assert len(remarks) == (change != "gone")


def _assert_same(hits: list[Any], expected: list[Any]) -> None:
    assert [hit.place for hit in hits] == [hit.place for hit in expected]
    cosines = [hit.cosine for hit in expected]
    assert [hit.cosine for hit in hits] == pytest.approx(cosines, abs=2e-3)


def test_qdrant_that_is_not_there_is_told(
    kept: ViewArchive, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a line, with what to write instead."""
    options = ("--bundle", small_bundle.folder, "--qdrant", "http://127.0.0.1:1")
    told = said(capsys, "search", "air leak", "--archive", kept.folder, *options)
    assert told.status == 2
    assert "http://127.0.0.1:1: Qdrant does not answer as it should" in told.err
    assert "QDRANT_API_KEY" in told.err


def test_views_that_are_damaged_are_named(
    kept: ViewArchive, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not half an archive is searched in silence."""
    part = kept.parts()[1].path
    part.write_bytes(part.read_bytes()[:100])
    options = ("--archive", kept.folder, "--bundle", small_bundle.folder)
    told = said(capsys, "search", "air leak", *options)
    assert told.status == 2
    assert f"{part}: cannot be read" in told.err


def test_an_empty_archive_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing was embedded yet nothing is searched."""
    bundle = make_bundle(tmp_path / "bundle")
    ViewArchive.begin(tmp_path / "views", bundle)
    options = ("--archive", tmp_path / "views", "--bundle", bundle.folder)
    told = said(capsys, "search", "air leak", *options)
    assert told.status == 2
    assert "holds no window yet; scan with --embed" in told.err
