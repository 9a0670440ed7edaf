"""Exported labels: what people answered becomes pairs and ratings, and every mistake is named."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from training.__main__ import main
from training.data.manifest import ManifestError, load_manifest, write_manifest
from training.data.readers import labels
from training.data.readers.label_lines import Verdict, read_labels
from training.data.records import RatingKind
from training.data.subsets import leaking

if TYPE_CHECKING:
    from training.data.readers.labels import LabelSet

_ULID = "01KE0G5Z3V8Y7Q2M4N6P8R9S"
_SHA = f"sha256:{'0123456789abcdef' * 4}"
_LINE = {
    "schema": 1,
    "label_id": f"{_ULID}00",
    "clip": "clips/a.flac",
    "ts_start": "2026-01-02T03:04:05.678Z",
    "site": "p1",
    "node": "press3",
    "source": "mic1",
    "error_id": "metal_part_dropped",
    "description": "金属部品が床に落ちた音",
    "language": "ja",
    "verdict": "confirm",
    "relevance": None,
    "operator": "shift-a",
    "ts_verdict": "2026-01-02T03:06:00.000Z",
    "score": 5.1,
    "threshold": 4.5,
    "bundle": _SHA,
    "descriptions": _SHA,
}


def export(folder: Path, *changes: dict[str, Any]) -> Path:
    """A folder with a line for each change, each with an id of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps(_LINE | {"label_id": f"{_ULID}{number:02}"} | change, ensure_ascii=False)
        for number, change in enumerate(changes)
    ]
    (folder / "labels.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def read(folder: Path, *changes: dict[str, Any]) -> LabelSet:
    """What is read of such a folder."""
    return labels.read([export(folder, *changes)])


def problems(folder: Path, *changes: dict[str, Any]) -> list[str]:
    """What is wrong with such a folder, without the folder's own name."""
    with pytest.raises(ManifestError) as caught:
        read(folder, *changes)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_description_that_did_not_alarm_has_no_score(tmp_path: Path) -> None:
    """What a sound was instead may have raised nothing."""
    found = read(tmp_path, {"score": None, "threshold": None})
    assert [pair.label for pair in found.manifest.pairs] == [True]


def test_verdicts_become_pairs(tmp_path: Path) -> None:
    """Yes, no, and who said so; unsure and what has no clip are counted."""
    found = read(
        tmp_path,
        {},
        {"clip": "clips/b.flac", "verdict": "reject", "operator": "shift-b"},
        {"clip": "clips/c.flac", "verdict": "unsure"},
        {"clip": None},
    )
    assert [(p.recording, p.label, p.provenance) for p in found.manifest.pairs] == [
        ("labels/p1/press3/a", True, "verdict of shift-a"),
        ("labels/p1/press3/b", False, "verdict of shift-b"),
    ]
    (caption,) = found.manifest.captions
    assert (caption.text, caption.language) == ("金属部品が床に落ちた音", "ja")
    assert (found.labels, found.unsure, found.without_clip) == (4, 1, 1)
    assert found.summary() == (
        (
            "4 labels: 1 without a clip and 1 unsure are not used, 0 were changed later by who "
            "gave them, 0 pairs are left out because people differ"
        ),
    )
    paths = [recording.path for recording in found.manifest.recordings]
    assert paths == [str(tmp_path.resolve() / "clips" / f"{name}.flac") for name in "abc"]


def test_relevance_becomes_a_human_rating(tmp_path: Path) -> None:
    """The operator is the rater; a rating needs no verdict, and raters may differ."""
    found = read(
        tmp_path,
        {"verdict": None, "relevance": 90},
        {"verdict": "unsure", "relevance": 0, "operator": "shift-b"},
    )
    assert [(r.rating, r.rater, r.kind) for r in found.manifest.ratings] == [
        (90.0, "shift-a", RatingKind.HUMAN),
        (0.0, "shift-b", RatingKind.HUMAN),
    ]
    assert not found.manifest.pairs


def test_what_people_differ_on_is_left_out_and_told(tmp_path: Path) -> None:
    """Both sides are named; an unsure one takes no side; the ratings stay."""
    found = read(
        tmp_path,
        {"relevance": 80},
        {"verdict": "reject", "operator": "shift-b"},
        {"verdict": "unsure", "operator": "shift-c"},
        {"clip": "clips/b.flac"},
    )
    assert [p.recording for p in found.manifest.pairs] == ["labels/p1/press3/b"]
    assert len(found.manifest.ratings) == 1
    (one,) = found.disputed
    assert one.verdicts == (("shift-a", Verdict.CONFIRM), ("shift-b", Verdict.REJECT))
    assert found.summary()[1] == (
        f"people differ: {tmp_path.resolve()}/clips/a.flac: shift-a says confirm, shift-b says "
        "reject of '金属部品が床に落ちた音'; listen again and decide"
    )


def test_last_answer_of_an_operator_counts(tmp_path: Path) -> None:
    """In the order of time, not of lines; one who comes to agree is no dispute."""
    found = read(
        tmp_path,
        {"verdict": "reject", "relevance": 10, "ts_verdict": "2026-01-02T09:00:00Z"},
        {"verdict": "confirm", "relevance": 95, "ts_verdict": "2026-01-02T08:00:00.5Z"},
        {"verdict": "reject", "operator": "shift-b"},
    )
    assert [(p.label, p.provenance) for p in found.manifest.pairs] == [
        (False, "verdict of shift-b"),
        (False, "verdict of shift-a"),
    ]
    assert [r.rating for r in found.manifest.ratings] == [10.0]
    assert found.changed == 1
    assert not found.disputed


def test_a_days_sounds_of_a_site_are_in_one_split(tmp_path: Path) -> None:
    """Two microphones hear the same bang; a later day changes nothing of an earlier one."""
    changes = [
        {"clip": f"clips/{day}-{source}.flac", "source": source, "ts_start": f"{day}T03:00:00Z"}
        for day in (f"2026-01-{number:02}" for number in range(1, 29))
        for source in ("mic1", "mic2")
    ]
    found = read(tmp_path / "all", *changes)
    by_day: dict[str, set[str]] = {}
    for one in found.manifest.recordings:
        assert one.source.startswith("labels/p1/press3/mic")
        by_day.setdefault(one.source.rpartition("/")[2], set()).add(one.split)
    assert len(by_day) == 28
    assert all(len(splits) == 1 for splits in by_day.values())
    assert len(set().union(*by_day.values())) == 3
    assert not leaking(found.manifest)
    first = read(tmp_path / "first", *changes[:2])
    assert [r.split for r in first.manifest.recordings] == [
        r.split for r in found.manifest.recordings[:2]
    ]


def test_exports_are_read_together(tmp_path: Path) -> None:
    """The same text is one caption, and operators of two exports may differ on one clip."""
    one = export(tmp_path / "one", {})
    two = export(
        tmp_path / "two",
        {"label_id": f"{_ULID}77", "verdict": "reject", "operator": "shift-b"},
        {"label_id": f"{_ULID}78", "clip": "clips/c.flac", "node": "press4"},
    )
    found = labels.read([one, two])
    assert len(found.manifest.captions) == 1
    assert [r.id for r in found.manifest.recordings] == [
        "labels/p1/press3/a",
        "labels/p1/press4/c",
    ]
    assert len(found.disputed) == 1
    write_manifest(found.manifest, tmp_path / "data")
    assert load_manifest(tmp_path / "data") == found.manifest
    with pytest.raises(ManifestError, match=f"stands at {one}/labels.jsonl:1 too"):
        labels.read([one, one])


def test_embedding_is_read(tmp_path: Path) -> None:
    """Little-endian float32, as it was written."""
    values = np.array([0.6, -0.8], "<f4")
    encoded = base64.b64encode(values.tobytes()).decode()
    (label,) = read_labels(export(tmp_path, {"embedding": encoded}))
    assert label.embedding is not None
    assert label.embedding.tolist() == values.tolist()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema": 2}, "schema: is 2; write 1, or read it with a newer Kikimimi"),
        ({"label_id": "x"}, "label_id: is 'x'; write a ULID: 26 digits and capital letters"),
        ({"relevance": 120}, "relevance: is 120; write a number from 0 to 100"),
        ({"relevance": float("nan")}, "relevance: is NaN; write a number from 0 to 100"),
        ({"relevance": True}, "relevance: is true; write a number from 0 to 100"),
        ({"score": float("inf")}, "score: is Infinity; write a number from -1e+09 to 1e+09"),
        (
            {"verdict": "confirmed"},
            (
                'verdict: is "confirmed"; write one of confirm, reject, unsure '
                "(did you mean 'confirm'?)"
            ),
        ),
        ({"verdict": None}, "verdict: is null, and relevance too; write at least one of the two"),
        (
            {"clip": "../a.flac"},
            "clip: is '../a.flac'; write a path inside the folder: clips/….flac",
        ),
        (
            {"clip": "clips/../../a.flac"},
            "clip: is 'clips/../../a.flac'; write a path inside the folder: clips/….flac",
        ),
        (
            {"clip": "/etc/a.flac"},
            "clip: is '/etc/a.flac'; write a path inside the folder: clips/….flac",
        ),
        (
            {"clip": "clips\\a.flac"},
            "clip: is 'clips\\\\a.flac'; write a path inside the folder: clips/….flac",
        ),
        ({"clip": "clips/a.wav"}, "clip: is 'clips/a.wav'; name a FLAC file: clips/….flac"),
        ({"clip": 7}, "clip: is 7; write a text in double quotes"),
        (
            {"ts_start": "yesterday"},
            "ts_start: is 'yesterday'; write UTC as 2026-01-02T03:04:05.678Z",
        ),
        (
            {"ts_verdict": "2026-02-30T00:00:00Z"},
            "ts_verdict: is '2026-02-30T00:00:00Z'; write a day and a time that exist",
        ),
        ({"site": "a/b"}, "site: is 'a/b'; write at most 64 characters without / + #"),
        ({"language": "Japanese"}, "language: is 'Japanese'; write two or three letters: ja, en"),
        ({"operator": None}, 'operator: is null; write "operator": …'),
        ({"bundle": "sha256:0"}, "bundle: is 'sha256:0'; write sha256: and 64 digits a-f 0-9"),
        ({"opperator": "b"}, "opperator: is not a field; did you mean 'operator'?"),
        (
            {"embedding": "AAAA"},
            (
                "embedding: cannot be decoded (buffer size must be a multiple of element size); "
                "write base64 of little-endian float32 of length 1, or null"
            ),
        ),
        (
            {"embedding": base64.b64encode(np.float32([3.0, 4.0]).tobytes()).decode()},
            "embedding: is of length 5; write base64 of little-endian float32 of length 1, or null",
        ),
        (
            {"embedding": base64.b64encode(np.float32([np.nan]).tobytes()).decode()},
            (
                "embedding: is of length nan; write base64 of little-endian float32 of length 1, "
                "or null"
            ),
        ),
    ],
)
def test_mistake_is_named_with_its_line(
    tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    """File, line, field, what stands there and what to write; the other line is no excuse."""
    second = {"clip": "clips/b.flac"} | change
    assert problems(tmp_path, {}, second) == [f"labels.jsonl:2 {problem}"]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Also a label that stands twice, and one clip of two places."""
    assert problems(
        tmp_path,
        {"relevance": -1},
        {},
        {"label_id": f"{_ULID}01"},
        {"source": "mic2"},
    ) == [
        "labels.jsonl:1 relevance: is -1; write a number from 0 to 100",
        f"labels.jsonl:3 label_id: '{_ULID}01' stands at labels.jsonl:2 too; delete one of the two",
        (
            "labels.jsonl:4 clip: 'clips/a.flac' is of p1/press3/mic2/2026-01-02 here and of "
            "p1/press3/mic1/2026-01-02 at labels.jsonl:2; give each sound a clip of its own"
        ),
    ]


def test_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """What is outside is not read by another name either."""
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "clips").symlink_to(tmp_path)
    assert problems(folder, {}) == [
        "labels.jsonl:1 clip: is 'clips/a.flac'; write a path inside the folder: clips/….flac"
    ]


def test_missing_labels_are_an_error(tmp_path: Path) -> None:
    """The wrong folder does not pass for one without answers."""
    with pytest.raises(FileNotFoundError, match=r"labels\.jsonl: is missing"):
        labels.read([tmp_path])


def test_example_of_the_documentation_is_valid(tmp_path: Path) -> None:
    """What people copy works, and the page names every field."""
    page = (Path(__file__).parents[4] / "docs" / "labels.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"`labels\.jsonl`\n```json\n(.*?)```", page, re.DOTALL)
    (tmp_path / "labels.jsonl").write_text(example, encoding="utf-8")
    found = labels.read([tmp_path])
    assert (found.labels, found.without_clip) == (2, 1)
    assert [(p.label, p.provenance) for p in found.manifest.pairs] == [(True, "verdict of shift-a")]
    fields = page.partition("## Fields")[2].partition("##")[0]
    assert all(f"`{name}`" in fields for name in json.loads(example.splitlines()[0]))


def test_command_adds_labels_to_the_manifest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real sound, no other set, and what was not used is printed."""
    folder = export(tmp_path / "labels", {"relevance": 90}, {"clip": None})
    (folder / "clips").mkdir()
    soundfile.write(folder / "clips" / "a.flac", np.zeros(8_000, np.float32), 8_000)
    arguments = ["manifest", "--data", str(tmp_path), "--output", str(tmp_path / "data")]
    assert main([*arguments, "--labels", str(folder), "--sets"]) == 0
    manifest = load_manifest(tmp_path / "data")
    assert Path(manifest.recordings[0].path).is_file()
    assert (len(manifest.pairs), len(manifest.ratings)) == (1, 1)
    assert "2 labels: 1 without a clip" in capsys.readouterr().out
