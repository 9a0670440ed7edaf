"""``kikimimi labels``: the commands on a real state folder, with real sound files."""

from __future__ import annotations

import base64
import json
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from agent.cli import main
from agent.cli.labels import box
from agent.cli.labels.export import language
from agent.core.records import Candidate, Verdict
from agent.store import CLIPS_FOLDER, FILE_NAME, Store
from tests.agent.cli.labels.boxes import RATE_HZ, heard, make_box, sha256
from tests.agent.store.answers import answer, clip, give

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The ``agent.yaml`` of a box with three alerts."""
    return make_box(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    """Exit code, output and errors of ``kikimimi labels``."""
    try:
        code = main(["labels", *map(str, words)])
    except SystemExit as end:
        code = int(end.code or 0)
    output = capsys.readouterr()
    return code, output.out, output.err


def lines(folder: Path) -> list[dict[str, Any]]:
    """What was exported."""
    text = (folder / "labels.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_answers_are_listed_with_what_became_of_them(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The oldest first; replaced and taken back ones are told as such."""
    code, output, _ = run(capsys, "list", "--config", config)
    assert code == 0
    told = output.splitlines()
    assert len(told) == 5
    assert "shift-a: reject 90 (replaced) of drop (金属部品が床に落ちた音)" in told[0]
    assert "shift-a: confirm 90 of drop" in told[1]
    assert "unsure 90 (taken back)" in told[4]
    code, output, _ = run(capsys, "list", "--config", config, "--json", "--since", "2026/1/3")
    assert code == 0
    first, second = json.loads(output)
    assert (first["verdict"], first["holds"], first["clip"]) == ("reject", True, None)
    assert (second["holds"], second["ts_undone"]) == (False, "2026-01-04T03:05:14.000Z")


def test_an_export_holds_what_counts_and_its_sounds(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each field as the documentation says; nothing of what was replaced or taken back."""
    folder = tmp_path / "labels"
    code, output, _ = run(capsys, "export", folder, "--config", config)
    assert code == 0
    assert "3 labels, 1 clips (1 labels without one)" in output
    assert "left out: 2 that were replaced or taken back" in output
    first, second, third = lines(folder)
    alert_id = heard(0).alert_id
    embedding = first.pop("embedding")
    np.testing.assert_array_equal(
        np.frombuffer(base64.b64decode(embedding), "<f4"), clip().views.joint[0]
    )
    assert first == {
        "schema": 1,
        "label_id": answer(2).label_id,
        "clip": f"clips/{alert_id}.flac",
        "ts_start": "2026-01-02T03:04:05.000Z",
        "site": "p1",
        "node": "press3",
        "source": "mic1",
        "error_id": "drop",
        "description": "金属部品が床に落ちた音",
        "language": "ja",
        "verdict": "confirm",
        "relevance": 90.0,
        "operator": "shift-a",
        "ts_verdict": "2026-01-02T03:05:10.000Z",
        "score": 4.5,
        "threshold": 4.0,
        "bundle": sha256("bundle"),
        "descriptions": sha256("descriptions"),
    }
    assert (second["operator"], second["clip"]) == ("shift-b", f"clips/{alert_id}.flac")
    assert (third["clip"], third["language"], third["relevance"]) == (None, "en", None)
    sound, rate_hz = soundfile.read(folder / first["clip"])
    assert (len(sound), rate_hz) == (RATE_HZ, RATE_HZ)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_sound_that_was_another_one_is_two_labels(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A no to the alert's description, a yes to the other in its words; the same ids each time."""
    gong = Candidate("gong", 4.75, 4.25, "銅鑼の音")
    alert = replace(
        heard(1),
        alert_id=heard(3).alert_id,
        detection=replace(heard(1).detection, candidates=(gong,)),
    )
    said = {"verdict": Verdict.REJECT, "operator": "shift-c", "alert_id": alert.alert_id}
    with closing(Store.open(tmp_path / "state")) as store:
        store.record(alert, [])
        one = answer(8, error_id="gong", description="銅鑼の音", **said)
        give(store, replace(one, received_at=9e9))
        other = answer(9, error_id="hiss", description="air hisses", **said | {"operator": "d"})
        give(store, replace(other, received_at=9e9))
    code, output, _ = run(capsys, "list", "--config", config, "--since", "2030-01-01")
    assert code == 0
    assert "of drop (a person shouts for help), it was gong 01KE" in output
    exported = []
    for name in ("one", "two"):
        code, output, _ = run(
            capsys, "export", tmp_path / name, "--config", config, "--since", "2030-01-01"
        )
        assert code == 0
        assert "4 labels" in output
        exported.append(lines(tmp_path / name))
    assert exported[0] == exported[1]
    first, second, third, fourth = exported[0]
    assert (first["error_id"], first["verdict"], first["relevance"]) == ("drop", "reject", 90.0)
    assert first["label_id"] == answer(8).label_id
    assert (second["error_id"], second["verdict"], second["relevance"]) == ("gong", "confirm", None)
    assert (second["description"], second["language"]) == ("銅鑼の音", "ja")
    assert (second["score"], second["threshold"]) == (4.75, 4.25)
    assert second["label_id"][:10] == first["label_id"][:10] != second["label_id"]
    assert (fourth["error_id"], fourth["score"], fourth["threshold"]) == ("hiss", None, None)
    assert len({one["label_id"] for one in exported[0]}) == 4
    assert third["operator"] == fourth["operator"] == "d"


def test_an_export_overwrites_nothing(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that holds something is refused; one that is empty is filled."""
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "mine").write_text("kept")
    code, _, errors = run(capsys, "export", folder, "--config", config)
    assert code == 2
    assert "is not empty; name a new folder" in errors
    assert [path.name for path in folder.iterdir()] == ["mine"]
    (folder / "mine").unlink()
    code, output, _ = run(capsys, "export", folder, "--config", config, "--json")
    assert code == 0
    assert json.loads(output)["labels"] == len(lines(folder)) == 3
    code, _, errors = run(capsys, "export", config, "--config", config)
    assert code == 2
    assert "is a file" in errors


def test_a_clip_that_is_missing_is_told(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its labels have none, the rest is written, and the exit code says so."""
    name = clip(heard(0).alert_id).file
    assert name is not None
    (tmp_path / "state" / CLIPS_FOLDER / name).unlink()
    code, output, _ = run(capsys, "export", tmp_path / "labels", "--config", config)
    assert code == 1
    assert "is missing; its label has no clip" in output
    assert [one["clip"] for one in lines(tmp_path / "labels")] == [None] * 3


def test_a_clip_outside_of_its_folder_is_not_copied(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A database that somebody changed opens no other files, and nothing half done is left."""
    with closing(sqlite3.connect(tmp_path / "state" / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE clips SET file = '../../agent.yaml' WHERE file IS NOT NULL")
    code, _, errors = run(capsys, "export", tmp_path / "labels", "--config", config)
    assert code == 2
    assert "lies outside of" in errors
    assert {path.name for path in tmp_path.iterdir()} == {"state", "agent.yaml"}
    code, _, errors = run(capsys, "purge", "--before", "1d", "--yes", "--config", config)
    assert code == 2
    assert config.is_file()


def test_a_purge_deletes_old_sounds_and_names_and_says_so(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files, embeddings and names of before; alerts, verdicts and what is newer stay."""
    state = tmp_path / "state"
    code, output, _ = run(
        capsys, "purge", "--before", "2026-01-03", "--yes", "--json", "--config", config
    )
    assert code == 0
    told = json.loads(output)
    assert (told["clips"], told["verdicts"]) == ([heard(0).alert_id], 3)
    assert told["size_bytes"] == 1_000
    assert told["journal_cleared"]
    files = {path.name for path in (state / CLIPS_FOLDER).rglob("*.*")}
    kept = {f"{heard(1).alert_id}.png", f"{heard(2).alert_id}.png", f"{heard(2).alert_id}.flac"}
    assert files == kept
    with closing(Store.open(state)) as store:
        assert store.clip(heard(0).alert_id) is None
        assert store.alert(heard(0).alert_id) == heard(0)
        said = [(one.verdict, one.operator) for one in store.answers(heard(0).alert_id)]
        assert said == [(Verdict.CONFIRM, None), (Verdict.REJECT, None)]
        assert [one.operator for one in store.answers(heard(1).alert_id)] == ["shift-a"]
        assert [one.what for one in store.trail()][-2:] == ["clip_purged", "purge"]
        assert store.trail()[-2].detail["alert_id"] == heard(0).alert_id
    code, output, _ = run(capsys, "export", tmp_path / "labels", "--config", config)
    assert "left out: 2 whose operator's name was purged" in output
    assert [one["error_id"] for one in lines(tmp_path / "labels")] == ["drop"]
    code, output, _ = run(capsys, "purge", "--before", "2026-01-03", "--yes", "--config", config)
    assert "0 clips (0 bytes) and the names of 0 verdicts" in output


def test_a_purge_can_leave_the_verdicts(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the sounds go then."""
    code, _, _ = run(
        capsys, "purge", "--before", "1d", "--yes", "--keep-verdicts", "--config", config
    )
    assert code == 0
    assert list((tmp_path / "state" / CLIPS_FOLDER).rglob("*.*")) == []
    with closing(Store.open(tmp_path / "state")) as store:
        assert store.clips() == []
        assert len(store.answers_since()) == 5
        assert {one.operator for one in store.answers_since()} == {"shift-a", "shift-b"}


def test_a_purge_that_nobody_can_confirm_deletes_nothing(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nobody sits at a terminal it has to be said beforehand."""
    code, _, errors = run(capsys, "purge", "--before", "1d", "--config", config)
    assert code == 2
    assert "add --yes" in errors
    with closing(Store.open(tmp_path / "state")) as store:
        assert len(store.clips()) == 3


def test_a_purge_beside_a_running_agent(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The agent has the database open, reads the change and goes on writing."""
    with closing(Store.open(tmp_path / "state")) as agent:
        before = agent.others_changes
        code, _, _ = run(capsys, "purge", "--before", "1d", "--yes", "--config", config)
        assert code == 0
        assert agent.others_changes != before
        assert agent.clips() == []
        assert give(agent, answer(9, alert_id=heard(2).alert_id))


def test_the_trail_is_printed(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verdicts, exports and purges with who did them, in order."""
    run(capsys, "export", tmp_path / "labels", "--config", config)
    run(capsys, "purge", "--before", "2026-01-03", "--yes", "--config", config)
    code, output, _ = run(capsys, "audit", "--config", config, "--json")
    assert code == 0
    trail = json.loads(output)
    assert [one["sequence"] for one in trail] == list(range(1, 9))
    assert [one["what"] for one in trail][-3:] == ["export", "clip_purged", "purge"]
    assert {one["who"] for one in trail[-3:]} == {box.who()}
    assert trail[-1]["detail"] == {"before": "2026-01-03T00:00:00.000Z", "clips": 1, "verdicts": 3}
    code, output, _ = run(capsys, "audit", "--config", config, "--since", "1h")
    assert len(output.splitlines()) == 3


def test_a_wrong_folder_and_a_wrong_date_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No database is made where there is none."""
    config = tmp_path / "agent.yaml"
    config.write_text(json.dumps({"state_dir": str(tmp_path / "none")}))
    code, _, errors = run(capsys, "list", "--config", config)
    assert code == 2
    assert "is missing; name the box's own settings" in errors
    assert not (tmp_path / "none").exists()
    code, _, errors = run(capsys, "list", "--config", config, "--since", "yesterday")
    assert code == 2
    assert "'yesterday' is no time; write a duration such as 30d or 12h, or" in errors
    assert "a day such as 2026-05-01" in errors


def test_the_language_is_told_by_the_script() -> None:
    """Kana or Chinese characters are Japanese, all else English."""
    for text in ("ブザー", "金属音", "alarmの音", "ﾌﾞｻﾞｰ"):
        assert language(text) == "ja"
    assert language("a buzzer (2 kHz) – très fort") == "en"
