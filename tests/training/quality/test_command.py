"""``python -m training quality``, from labels to its files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from ulid import ULID

from training.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.torch

_EACH = 20


def _line(number: int, operator: str, verdict: str, relevance: float | None = None) -> str:
    values = {
        "schema": 1,
        "label_id": str(ULID()),
        "clip": f"clips/{number}.flac",
        "ts_start": "2026-01-02T03:04:05.678Z",
        "site": "p1",
        "node": "press3",
        "source": "mic1",
        "error_id": "drop",
        "description": "a metal part drops",
        "language": "en",
        "verdict": verdict,
        "relevance": relevance,
        "operator": operator,
        "ts_verdict": f"2026-01-02T{8 + number // 3:02d}:{number % 3 * 20:02d}:00.000Z",
        "score": 5.1,
        "threshold": 4.5,
        "bundle": "sha256:" + "a" * 64,
        "descriptions": "sha256:" + "b" * 64,
    }
    return json.dumps(values) + "\n"


def _write(folder: Path, says: Mapping[str, str]) -> None:
    """Each operator says ``y`` or ``n`` of each clip; odd clips are what was described."""
    folder.mkdir()
    words = {"y": "confirm", "n": "reject"}
    lines = [
        _line(number, operator, words[one])
        for operator, answers in says.items()
        for number, one in enumerate(answers)
    ]
    (folder / "labels.jsonl").write_text("".join(lines), encoding="utf-8")


def test_somebody_who_always_says_yes_is_told_of(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Status 1, with the name; the clips on which people differ are listed with file and line."""
    right = "yn" * (_EACH // 2)
    _write(tmp_path / "labels", {"a": right, "b": right, "c": right, "x": "y" * _EACH})
    output = tmp_path / "out"
    arguments = ["--labels", str(tmp_path / "labels"), "--output", str(output), "--json"]
    assert main(["quality", *arguments]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((output / "quality.json").read_text(encoding="utf-8"))
    assert {one["operator"] for one in found["suspicious"]} == {"x"}
    assert "always the same answer" in {one["reason"] for one in found["suspicious"]}
    # Of 20 clips, ten are three against one: of six pairs three differ.
    assert found["agreement"]["verdicts"]["units"] == _EACH
    lines = (output / "second-look.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == found["second_look"] == _EACH // 2
    assert all(one["verdicts"]["x"] == "confirm" for one in rows)
    assert all(one["suspicion"] == 0.5 for one in rows)
    assert rows[0]["where"][0].startswith(str(tmp_path / "labels" / "labels.jsonl"))


def test_people_who_agree_are_left_in_peace(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Status 0, alpha 1, nothing listed; said in words."""
    right = "yn" * (_EACH // 2)
    _write(tmp_path / "labels", dict.fromkeys("abc", right))
    arguments = ["--labels", str(tmp_path / "labels"), "--output", str(tmp_path / "out")]
    assert main(["quality", *arguments]) == 0
    told = capsys.readouterr().out
    assert "agreement of verdicts: alpha 1.00" in told
    assert "nobody is conspicuous" in told
    assert "nothing for a second look" in told
    assert (tmp_path / "out" / "second-look.jsonl").read_bytes() == b""


def test_wrong_level_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With the option and what to write."""
    assert main(["quality", "--labels", str(tmp_path), "--level", "2"]) == 1
    assert "--level: is 2; write a number between 0 and 1" in capsys.readouterr().err
