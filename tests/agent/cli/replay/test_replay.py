"""``kikimimi replay`` with real bundles: the shipped one, and the same with another threshold."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from agent import cli
from agent.bundle import loading as bundles
from agent.bundle.manifest import MANIFEST
from agent.capture.scene import RATE_HZ
from agent.core.answers import Entry, Through
from agent.core.operator_thresholds import OperatorThreshold
from agent.core.records import Verdict
from agent.store import CLIPS_FOLDER, Store
from tests.agent.store.answers import answer, clip, give
from tests.agent.store.records import ALERT

if TYPE_CHECKING:
    from pathlib import Path

    from agent.capture.scene import Scene

# In the scene the shipped bundle finds the siren by these words with 7.2 at most, the glass 8.1.
_STRICT = 7.6
_DESCRIPTIONS = """\
version: 1
errors:
  - id: glass_broken
    text: breaking glass
    hits: 1 of 2
  - id: siren
    text: a horn and a siren far away
    hits: 4 of 6
background:
  [a conveyor running, a compressor running, machines humming, people talking, footsteps,
  wind of an air conditioner or ventilator, a forklift driving by, a trolley being pushed,
  an electric screwdriver, opening a cardboard box, a radio or an announcement,
  rain and traffic outside, a quiet room]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, scene: Scene) -> Path:
    """Descriptions, a stricter bundle, and two clips of the scene: the glass and the siren."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "descriptions.yaml").write_text(_DESCRIPTIONS, encoding="utf-8")
    strict = shutil.copytree(bundles.DEFAULT, folder / "strict")
    manifest = bundles.load(strict).manifest
    tuned = replace(manifest, version="strict", tuning=replace(manifest.tuning, threshold=_STRICT))
    (strict / MANIFEST).write_text(tuned.to_json(), encoding="utf-8")
    (folder / "labels" / "clips").mkdir(parents=True)
    for name, starts_s, ends_s in (("glass", 22, 33), ("siren", 40, 54)):
        path = folder / "labels" / "clips" / f"{name}.flac"
        soundfile.write(path, scene.samples[starts_s * RATE_HZ : ends_s * RATE_HZ], RATE_HZ)
    return folder


def _label(error_id: str, clip_name: str, verdict: str, operator: str = "shift-a") -> str:
    values = {
        "schema": 1,
        "clip": f"clips/{clip_name}.flac",
        "error_id": error_id,
        "description": "breaking glass",
        "operator": operator,
        "ts_verdict": "2026-01-02T03:06:00.000Z",
        "verdict": verdict,
    }
    return json.dumps(values) + "\n"


def _replay(
    capsys: pytest.CaptureFixture[str], site: Path, *arguments: object
) -> tuple[int, dict[str, Any]]:
    bundle = ["--bundle", str(site / "strict"), "--json"]
    status = cli.main(["replay", *bundle, *map(str, arguments)])
    return status, json.loads(capsys.readouterr().out)


def test_confirmed_alert_that_is_lost_is_told(
    capsys: pytest.CaptureFixture[str], site: Path
) -> None:
    """Status 1, and the clip by name; a rejected alert that stays is told too."""
    labels = _label("siren", "siren", "confirm") + _label("glass_broken", "glass", "reject")
    (site / "labels" / "labels.jsonl").write_text(labels, encoding="utf-8-sig")
    described = ("--descriptions", site / "descriptions.yaml")
    status, found = _replay(capsys, site, "--labels", site / "labels", *described)
    assert status == 1
    assert [one["error_id"] for one in found["confirmed_lost"]] == ["siren"]
    glass, siren = found["descriptions"]
    assert (siren["lost"], siren["confirmed"]["lost"]) == (1, 1)
    assert (glass["kept"], glass["rejected"]["both"]) == (1, 1)
    assert found["candidate"]["uncalibrated_threshold"] == _STRICT
    (lost,) = [one for one in found["alerts"] if one["change"] == "lost"]
    assert 4.5 <= lost["current"]["score"] < _STRICT
    assert lost["candidate"] is None
    # The window that counts first begins less than 2 s before the siren, at 4.7 s of the clip.
    assert 2.7 <= lost["current"]["start"] <= 4.7


def test_the_same_threshold_changes_nothing(capsys: pytest.CaptureFixture[str], site: Path) -> None:
    """With --threshold both bundles, which differ in nothing else, hear the same; for people.

    A recording that cannot be read is told, and the status says that one is missing.
    """
    files = sorted((site / "labels" / "clips").glob("*.flac"))
    broken = site / "broken.flac"
    broken.write_bytes(b"no sound")
    options = ("--descriptions", site / "descriptions.yaml", "--threshold", 4.5)
    bundle = ("--bundle", site / "strict")
    assert cli.main(["replay", *map(str, (*files, broken, *bundle, *options))]) == 1
    told = capsys.readouterr()
    assert f"threshold {_STRICT:g}" in told.out
    assert "broken.flac" in told.err
    rows = {line.split()[0]: line.split()[1:5] for line in told.out.splitlines() if line}
    assert rows["glass_broken"] == rows["siren"] == ["1", "0", "0", "+0.00"]
    assert "3 sounds, 1 of them unread; 0 confirmed alerts lost" in told.out


def test_clips_of_a_box_are_replayed(
    capsys: pytest.CaptureFixture[str], site: Path, tmp_path: Path
) -> None:
    """What its store says holds: an answer that was taken back does not, a threshold does."""
    state = tmp_path / "state"
    (state / CLIPS_FOLDER).mkdir(parents=True)
    shutil.copy(site / "labels" / "clips" / "siren.flac", state / CLIPS_FOLDER)
    heard = replace(ALERT, detection=replace(ALERT.detection, error_id="siren"))
    with closing(Store.open(state)) as store:
        store.record(heard, ())
        store.keep_clip(clip(heard.alert_id, file="siren.flac", picture=None))
        give(store, answer(1, verdict=Verdict.CONFIRM))
        give(store, answer(2, verdict=Verdict.REJECT, operator="shift-b", undone_at=9e9))
        # The strict bundle would lose it: what an operator set counts in both.
        said = OperatorThreshold("t1", "siren", 5.0, "shift-a", 1.0, 1.0, Through.MQTT)
        store.set_threshold(said, Entry(1.0, "threshold", "shift-a", {}))
    config = tmp_path / "agent.yaml"
    described = site / "descriptions.yaml"
    config.write_text(f"descriptions: {described}\nstate_dir: {state}\n", encoding="utf-8")
    status, found = _replay(capsys, site, "--config", config)
    assert (status, found["sounds"], found["confirmed_lost"]) == (0, 1, [])
    (alert,) = found["alerts"]
    assert (alert["error_id"], alert["verdict"]) == ("siren", "confirm")
    assert (alert["current"]["threshold"], alert["candidate"]["threshold"]) == (5.0, 5.0)
    assert found["reworded"] == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "labels.jsonl:1: is no JSON"),
        (_label("siren", "../../secret", "confirm"), "labels.jsonl:1 clip: is "),
        (
            _label("siren", "siren", "perhaps"),
            'labels.jsonl:1 verdict: is "perhaps"; write one of confirm, reject, unsure, or null',
        ),
        (_label("", "siren", "confirm"), "labels.jsonl:1 error_id: is empty; write a text"),
        ('{"clip": null}', 'labels.jsonl:1 error_id: is missing; write "error_id": …'),
    ],
)
def test_wrong_labels_are_told(
    capsys: pytest.CaptureFixture[str], site: Path, tmp_path: Path, line: str, told: str
) -> None:
    """With file, line and field; nothing is replayed then."""
    (tmp_path / "labels.jsonl").write_text(line, encoding="utf-8")
    arguments = ["--labels", tmp_path, "--descriptions", site / "descriptions.yaml"]
    assert cli.main(["replay", "--bundle", str(site / "strict"), *map(str, arguments)]) == 2
    assert told in capsys.readouterr().err


def test_nothing_to_replay_is_wrong_usage(capsys: pytest.CaptureFixture[str], site: Path) -> None:
    """Status 2, and what to name."""
    assert cli.main(["replay", "--bundle", str(site / "strict")]) == 2
    assert "nothing to replay" in capsys.readouterr().err


def test_the_chosen_channel_of_recordings_is_heard(
    capsys: pytest.CaptureFixture[str], site: Path, tmp_path: Path
) -> None:
    """One side has the glass, the other nothing; of both, the side that has it is taken."""
    samples, _ = soundfile.read(site / "labels" / "clips" / "glass.flac", dtype="float32")
    path = tmp_path / "sides.wav"
    soundfile.write(path, np.stack((0.0 * samples, samples), axis=1), RATE_HZ)
    options = ("--bundle", site / "strict", "--descriptions", site / "descriptions.yaml", "--json")
    found, told = [], []
    for channels in ((), ("--channels", "1")):
        cli.main(["replay", *map(str, (path, *options, *channels))])
        output = capsys.readouterr()
        found.append([one["error_id"] for one in json.loads(output.out)["alerts"]])
        told.append(output.err)
    assert found == [["glass_broken"], []]
    remark = "channel 1 has no sound; channel 2 alone is heard; choose with --channels"
    assert told == [f"kikimimi replay: {path}: {remark}\n", ""]
