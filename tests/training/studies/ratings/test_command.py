"""``python -m training analyse`` from tables and sound files to the report."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from tests.signals import noise
from tests.training.small import small_model
from tests.training.typed import arguments_of
from training.data.manifest import write_manifest
from training.data.readers import tau
from training.data.records import Caption, Manifest, Pair, Recording, Split
from training.model import checkpoint
from training.studies.ratings import command, report

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

_LISTS = 2
_PARTS = ("development", "validation", "evaluation")
_RATE_HZ = 32_000


def small_tables(published: Path, folder: Path) -> None:
    """The first lists of each split, with the recordings and captions that they name."""
    for part in _PARTS:
        rated = rows(published / f"relevance_data/{part}_relevances.csv")
        lists = list(dict.fromkeys(row["tid"] for row in rated))[:_LISTS]
        rated = [row for row in rated if row["tid"] in lists]
        clips = {row["fid"] for row in rated}
        for name, key in (
            ("audio_metadata/{}_audio_metadata", "fid"),
            ("text_data/{}_text", "fid"),
        ):
            path = f"{name.format(part)}.csv"
            write(folder / path, [row for row in rows(published / path) if row[key] in clips])
        write(folder / f"relevance_data/{part}_relevances.csv", rated)
        queries = f"query_data/{part}_queries.csv"
        write(folder / queries, [row for row in rows(published / queries) if row["tid"] in lists])


def rows(path: Path) -> list[dict[str, str]]:
    """All rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, lines: list[dict[str, str]]) -> None:
    """A table of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, lines[0].keys())
        writer.writeheader()
        writer.writerows(lines)


def clotho_sounds(tables: Path, folder: Path) -> None:
    """A noise for each rated recording: the higher it is rated, the louder."""
    for part in _PARTS:
        (folder / part).mkdir(parents=True)
        rated = {
            row["fid"]: float(row["rating"])
            for row in rows(tables / f"relevance_data/{part}_relevances.csv")
        }
        for at, row in enumerate(rows(tables / f"audio_metadata/{part}_audio_metadata.csv")):
            gain = 10.0 ** (rated[row["fid"]] / 100.0 - 1.0)
            samples = gain * noise(_RATE_HZ // 4, seed=at)
            soundfile.write(folder / part / row["file_name"], samples, _RATE_HZ, subtype="FLOAT")


def own_recordings(data: Path, folder: Path) -> None:
    """Two classes of tones, six takes each, and a file that is none."""
    recordings, pairs = [], []
    captions = [
        Caption(f"toy/class/{name}", name, language)
        for name, language in (
            ("a low hum", "en"),
            ("低いうなり", "ja"),
            ("a high whistle", "en"),
            ("笛がピーッと鳴る", "ja"),
        )
    ]
    (data / "toy").mkdir(parents=True)
    for kind, hertz in enumerate((120.0, 4_000.0)):
        for take in range(6):
            name = f"toy/{kind}{take}.flac"
            times = np.arange(_RATE_HZ // 2) / _RATE_HZ
            samples = 0.05 * (take + 1) * np.sin(2 * np.pi * (hertz + 20 * take) * times)
            soundfile.write(data / name, samples + 0.01 * noise(len(times), take), _RATE_HZ)
            recordings.append(Recording(name, name, name, Split.TRAIN, "", f"author {take % 2}"))
            pairs += [Pair(captions[2 * kind + n].id, name, True, "class label") for n in (0, 1)]
    (data / "toy" / "torn.flac").write_bytes(b"fLaC")
    recordings.append(Recording("toy/torn", "toy/torn.flac", "toy/torn", Split.TEST))
    write_manifest(Manifest(tuple(recordings), tuple(captions), tuple(pairs)), folder)


@pytest.fixture(scope="module")
def place(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the command reads."""
    folder = tmp_path_factory.mktemp("analyse")
    small_tables(data_dir / tau.NAME, folder / "data" / tau.NAME)
    clotho_sounds(folder / "data" / tau.NAME, folder / "clotho")
    own_recordings(folder / "data", folder / "manifest")
    checkpoint.save(small_model(), folder / "model.pt")
    return folder


def words(place: Path, output: str, *more: str) -> list[str]:
    """The arguments that are always the same."""
    named = {name: str(place / name) for name in ("data", "manifest", "cache")}
    named |= {"model": str(place / "model.pt"), "output": str(place / output)}
    return [*(word for name, value in named.items() for word in (f"--{name}", value)), *more]


@pytest.fixture(scope="module")
def whole(place: Path) -> Path:
    """What the command writes with Clotho's recordings, and documents of it."""
    clotho, docs = str(place / "clotho"), str(place / "docs")
    arguments = arguments_of("analyse", *words(place, "whole", "--clotho", clotho, "--docs", docs))
    assert command.run(arguments) == 0
    return place / "whole"


def test_with_clotho_everything_is_told(whole: Path) -> None:
    """Louder was rated higher here, and that is what the findings say."""
    content = (whole / "analysis.json").read_text(encoding="utf-8")
    found = json.loads(content, parse_constant=pytest.fail)
    assert found["human"]["lists"]["lists"] == 3 * _LISTS
    items = {(one["property"], one["outcome"]): one for one in found["human"]["items"]}
    outcome = "first five, rating where above 0"
    assert items["level", outcome]["association"]["value"] > 0.9
    assert abs(items["spectral centroid", outcome]["association"]["value"]) < 0.7
    assert ("similarity of sound and caption", "all, above 0 or not") in items
    assert found["model"]["recordings"] == 12
    assert {one["name"] for one in found["model"]["languages"]} == {"en", "ja", "en less ja"}


def test_report_and_documents(whole: Path, place: Path) -> None:
    """The same text and figures in both places; every figure is there; what is missing is told."""
    text = (whole / "report.md").read_text(encoding="utf-8")
    assert "- 1 of 13 recordings" in text
    assert "- toy/torn: " in text
    assert command.NO_CLOTHO not in text
    assert "--clotho FOLDER" in text
    assert "nan" not in text.split()
    assert (place / "docs" / "ratings.md").read_text(encoding="utf-8") == text
    figures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert len(figures) == 8
    for name in figures:
        assert (whole / name).read_bytes().startswith(b"\x89PNG")
        assert (whole / name).read_bytes() == (place / "docs" / name).read_bytes()


def test_without_clotho_says_what_is_left_out(whole: Path, place: Path) -> None:
    """And finds the same in all else, to the last digit."""
    found = command.analyse(arguments_of("analyse", *words(place, "texts")))
    assert command.NO_CLOTHO in found.left_out
    assert "1 of 13 recordings" in found.left_out
    assert not any(one.property == "level" for one in found.human.items)
    before = json.loads((whole / "analysis.json").read_text(encoding="utf-8"))
    report.write_findings(found.human, found.model, place / "again.json")
    again = json.loads((place / "again.json").read_text(encoding="utf-8"))
    assert again["model"] == before["model"]
    assert again["human"]["captions"] == before["human"]["captions"]


def test_incomplete_clotho_is_refused(place: Path, tmp_path: Path) -> None:
    """With what to download and where to put it."""
    with pytest.raises(FileNotFoundError, match=r"recordings are missing, such as .*; download"):
        command.analyse(arguments_of("analyse", *words(place, "none", "--clotho", str(tmp_path))))


def test_damaged_cut_is_named(place: Path, tmp_path: Path) -> None:
    """Table, line, column, what was found and what to write."""
    data = tmp_path / "data"
    for path in (place / "data" / tau.NAME).rglob("*.csv"):
        copy = data / path.relative_to(place / "data")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    broken = data / tau.NAME / "audio_metadata" / "validation_audio_metadata.csv"
    lines = rows(broken)
    lines[0]["start_end_samples"] = "[1024, many]"
    write(broken, lines)
    with pytest.raises(ValueError, match=r"csv:2 start_end_samples: is '\[1024, many\]'; write \["):
        command.analyse(arguments_of("analyse", *words(place, "none")[2:], "--data", str(data)))
