"""The manifest: what is read is what was written, and every mistake is named."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from training.data.manifest import ManifestError, load_manifest, write_manifest
from training.data.records import Caption, Manifest, Pair, Rating, RatingKind, Recording, Split

MANIFEST = Manifest(
    recordings=(
        Recording("r1", "press/one.flac", "press", Split.TRAIN, "CC0", "Works 1"),
        Recording("r2", " two  spaces.flac", "lathe", Split.TEST),
    ),
    captions=(
        Caption("c1", "金属部品が床に落ちてガシャンと鳴る", "ja", "r1"),
        Caption("c2", 'a "hiss" \\ of air', "en"),
    ),
    pairs=(
        Pair("c2", "r1", label=False, provenance="verdict of a"),
        Pair("c2", "r1", label=False, provenance="verdict of b"),
        Pair("c2", "r2", label=True, provenance="verdict of a"),
    ),
    ratings=(
        Rating("c1", "r1", 92.5, "tanaka", RatingKind.HUMAN),
        Rating("c1", "r1", 0.0, "suzuki", RatingKind.HUMAN),
        Rating("c1", "r2", 100.0, "model-1", RatingKind.SIMULATED),
    ),
)


def spoil(folder: Path, file: str, line: int, **values: Any) -> None:
    """Write the manifest with some fields of one line changed."""
    write_manifest(MANIFEST, folder)
    path = folder / file
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[line - 1] = json.dumps({**json.loads(lines[line - 1]), **values})
    path.write_text("\n".join(lines), encoding="utf-8")


def problems(folder: Path) -> list[str]:
    """What is wrong with a folder, without the folder's own name."""
    with pytest.raises(ManifestError) as caught:
        load_manifest(folder)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Both languages, quotes, spaces in paths, halves of points and what is left out."""
    write_manifest(MANIFEST, tmp_path / "new" / "folder")
    assert load_manifest(tmp_path / "new" / "folder") == MANIFEST


def test_files_are_plain_json_lines(tmp_path: Path) -> None:
    """Readable for people: Japanese as it is, nothing where nothing was said."""
    write_manifest(MANIFEST, tmp_path)
    lines = (tmp_path / "captions.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines[0] == (
        '{"id": "c1", "text": "金属部品が床に落ちてガシャンと鳴る", '
        '"language": "ja", "recording": "r1"}'
    )
    assert json.loads(lines[1]) == {"id": "c2", "text": 'a "hiss" \\ of air', "language": "en"}
    pairs = (tmp_path / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(pairs[0])["label"] == 0


def test_positives_are_labelled_or_written_for_the_recording() -> None:
    """A 0 is none."""
    assert MANIFEST.positives() == {("c1", "r1"), ("c2", "r2")}


def test_pairs_and_ratings_may_be_left_out(tmp_path: Path) -> None:
    """Who has no ratings yet needs no empty file."""
    write_manifest(MANIFEST, tmp_path)
    (tmp_path / "pairs.jsonl").unlink()
    (tmp_path / "ratings.jsonl").unlink()
    assert load_manifest(tmp_path) == replace(MANIFEST, pairs=(), ratings=())


def test_files_from_a_spreadsheet_program_are_read(tmp_path: Path) -> None:
    """A byte-order mark, Windows line ends and empty lines are no mistakes."""
    write_manifest(MANIFEST, tmp_path)
    for path in tmp_path.iterdir():
        content = path.read_bytes().replace(b"\n", b"\r\n\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + content)
    assert load_manifest(tmp_path) == MANIFEST


def test_example_of_the_documentation_is_valid(tmp_path: Path) -> None:
    """What people copy works."""
    page = (Path(__file__).parents[3] / "docs" / "manifest.md").read_text(encoding="utf-8")
    examples = re.findall(r"`(\w+\.jsonl)`\n```json\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 4
    for name, content in examples:
        (tmp_path / name).write_text(content, encoding="utf-8")
    manifest = load_manifest(tmp_path)
    assert [len(manifest.recordings), len(manifest.captions)] == [2, 2]
    assert [len(manifest.pairs), len(manifest.ratings)] == [1, 2]


@pytest.mark.parametrize(
    ("file", "line", "values", "message"),
    [
        ("recordings", 2, {"id": "r1"}, "id: 'r1' stands at recordings.jsonl:1 too; write an id"),
        ("recordings", 2, {"id": ""}, "id: is empty; write a text"),
        ("recordings", 1, {"id": 7}, "id: is 7; write a text in double quotes"),
        (
            "recordings",
            2,
            {"path": "press/one.flac"},
            "path: 'press/one.flac' stands at recordings.jsonl:1 too; list each file once",
        ),
        ("recordings", 1, {"path": "a\nb"}, 'path: is "a\\nb"; delete the control character U+0'),
        (
            "recordings",
            2,
            {"source": "press"},
            "source: 'press' is in test here and in train at recordings.jsonl:1; keep a source",
        ),
        ("recordings", 1, {"source": None}, 'source: is null; write "source": …'),
        (
            "recordings",
            1,
            {"split": "trian"},
            "split: is \"trian\"; write one of train, validation, test (did you mean 'train'?)",
        ),
        ("recordings", 1, {"split": ["train"]}, 'split: is ["train"]; write one of train,'),
        ("recordings", 1, {"licence": 4}, "licence: is 4; write a text"),
        ("recordings", 1, {"license": "CC0"}, "license: is not a field; did you mean 'licence'?"),
        ("captions", 2, {"id": "c1"}, "id: 'c1' stands at captions.jsonl:1 too"),
        ("captions", 2, {"text": " \u3000"}, "text: is empty; write a text"),
        ("captions", 2, {"language": "English"}, "language: is 'English'; write two or three"),
        (
            "captions",
            1,
            {"recording": "r9"},
            "recording: 'r9' is unknown; write an id of recordings.jsonl, or add it there",
        ),
        ("pairs", 1, {"label": 2}, "label: is 2; write 0 or 1"),
        ("pairs", 1, {"label": True}, "label: is true; write 0 or 1"),
        ("pairs", 1, {"label": 0.0}, "label: is 0.0; write 0 or 1"),
        ("pairs", 1, {"caption": "c9"}, "caption: 'c9' is unknown; write an id of captions.jsonl"),
        ("pairs", 1, {"recording": "r9"}, "recording: 'r9' is unknown; write an id of recordings"),
        ("pairs", 1, {"provenance": None}, 'provenance: is null; write "provenance": …'),
        (
            "pairs",
            2,
            {"provenance": "verdict of a"},
            "caption: the same pair stands at pairs.jsonl:1; delete one of the two",
        ),
        (
            "pairs",
            2,
            {"label": 1},
            "label: is 1 here and 0 at pairs.jsonl:1; decide for one, or rate the pair",
        ),
        ("ratings", 2, {"rating": 120}, "rating: is 120; write a number from 0 to 100"),
        ("ratings", 2, {"rating": -0.5}, "rating: is -0.5; write a number from 0 to 100"),
        ("ratings", 2, {"rating": math.nan}, "rating: is NaN; write a number from 0 to 100"),
        ("ratings", 2, {"rating": math.inf}, "rating: is Infinity; write a number from 0 to 100"),
        ("ratings", 2, {"rating": "80"}, 'rating: is "80"; write a number from 0 to 100'),
        ("ratings", 2, {"rating": True}, "rating: is true; write a number from 0 to 100"),
        ("ratings", 2, {"rating": None}, 'rating: is null; write "rating": …'),
        ("ratings", 2, {"caption": "c9"}, "caption: 'c9' is unknown; write an id of captions"),
        ("ratings", 2, {"recording": "r9"}, "recording: 'r9' is unknown; write an id of recordi"),
        (
            "ratings",
            2,
            {"rater": "tanaka"},
            "rater: 'tanaka' rated this pair at ratings.jsonl:1 already; keep one of the two",
        ),
        (
            "ratings",
            3,
            {"rater": "tanaka"},
            "kind: 'tanaka' is simulated here and human at ratings.jsonl:1; give each kind",
        ),
        ("ratings", 3, {"kind": "guessed"}, 'kind: is "guessed"; write one of human, simulated,'),
    ],
)
def test_each_mistake_is_named(
    tmp_path: Path, file: str, line: int, values: dict[str, Any], message: str
) -> None:
    """One problem: file and line, field, what was found, what to write instead."""
    spoil(tmp_path, f"{file}.jsonl", line, **values)
    found = problems(tmp_path)
    # What referred to a spoilt id is rightly unknown; nothing else follows from anything.
    assert len(found) == 1 or ("id" in values and all("unknown" in one for one in found[1:]))
    assert found[0].startswith(f"{file}.jsonl:{line} {message}")
    assert "\n" not in found[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id": "r1", ', "recordings.jsonl:1: is no JSON ("),
        (b'["r1"]', 'recordings.jsonl:1: is ["r1"]; write an object'),
        (b'\n{"id": "r\xff1"}', "recordings.jsonl:2: byte 10 of the line is not UTF-8; save the"),
        (b'{"id": "r1", "id": "r2"}', "recordings.jsonl:1 id: stands twice; delete one of the two"),
        (b"[" * 100_000, "recordings.jsonl:1: is no JSON ("),
    ],
)
def test_damaged_lines_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    """What is no JSON object in UTF-8 has no fields to name, but a line."""
    (tmp_path / "recordings.jsonl").write_bytes(content)
    (tmp_path / "captions.jsonl").write_bytes(b"")
    found = problems(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(message)


def test_missing_field_is_named(tmp_path: Path) -> None:
    """Left out is told from null."""
    (tmp_path / "recordings.jsonl").write_text('{"id": "r1"}', encoding="utf-8")
    (tmp_path / "captions.jsonl").write_text("", encoding="utf-8")
    assert problems(tmp_path) == [
        f'recordings.jsonl:1 {field}: is missing; write "{field}": …'
        for field in ("path", "source", "split")
    ]


def test_missing_files_are_named(tmp_path: Path) -> None:
    """Both at once."""
    assert problems(tmp_path) == [
        f"{name}.jsonl: is missing; write it, or name the manifest's folder"
        for name in ("recordings", "captions")
    ]


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    """In the order of the files; what a broken line defines is not unknown as well."""
    spoil(tmp_path, "recordings.jsonl", 1, split="?")
    ratings = tmp_path / "ratings.jsonl"
    ratings.write_text(
        ratings.read_text(encoding="utf-8").replace("92.5", "101").replace("c1", "c0"),
        encoding="utf-8",
    )
    assert [problem.split(":", 2)[1] for problem in problems(tmp_path)] == [
        "1 split",
        "1 caption",
        "1 rating",
        "2 caption",
        "3 caption",
    ]


def test_long_lists_of_mistakes_are_cut_in_the_message(tmp_path: Path) -> None:
    """A message that fills the terminal is read by nobody; all are in ``problems``."""
    write_manifest(MANIFEST, tmp_path)
    (tmp_path / "ratings.jsonl").write_text("{}\n" * 100, encoding="utf-8")
    with pytest.raises(ManifestError, match="and 450 more problems") as caught:
        load_manifest(tmp_path)
    assert len(caught.value.problems) == 500


def test_wrong_manifest_is_not_written(tmp_path: Path) -> None:
    """The files of before stay as they are."""
    write_manifest(MANIFEST, tmp_path)
    wrong = replace(MANIFEST.ratings[0], rating=math.nan)
    with pytest.raises(ManifestError, match=r"ratings\.jsonl:1 rating: is NaN"):
        write_manifest(replace(MANIFEST, ratings=(wrong,)), tmp_path)
    with pytest.raises(ManifestError, match=r"recordings\.jsonl:1: byte 9 of the line"):
        write_manifest(
            Manifest(recordings=(replace(MANIFEST.recordings[0], id="\udcff"),)), tmp_path
        )
    assert load_manifest(tmp_path) == MANIFEST
    assert len(list(tmp_path.iterdir())) == 4


def test_manifests_add_up() -> None:
    """Data sets are read one by one and trained on together."""
    assert Manifest() + MANIFEST == MANIFEST
    assert len((MANIFEST + MANIFEST).ratings) == 2 * len(MANIFEST.ratings)
