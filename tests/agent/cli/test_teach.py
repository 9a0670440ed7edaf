"""``kikimimi teach``: from a file, from a source where no agent runs, and through one that does."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from agent import cli
from agent.capture.audiofile import read_audio
from agent.capture.scene import RATE_HZ, at_level, glass_broken, machines
from agent.cli.child import running_agent
from agent.core.answers import agreed
from agent.core.records import Origin, Speech, Verdict
from agent.store import Store
from tests.integration.boxes import READY_S, settings_of
from tests.integration.scenes import write_siren
from tests.mosquitto import mosquitto
from tests.schemas import validator

if TYPE_CHECKING:
    from pathlib import Path

# Words that hardly tell what is taught.
DESCRIPTIONS = """\
version: 1
errors:
  - {id: crash, text: a crash}
  - {id: siren, text: a siren wails}
background: [a machine hums]
"""


def pane(path: Path, seed: int) -> Path:
    """A pane that breaks over running machines after a second; no two seeds sound the same."""
    samples = at_level(machines(np.random.default_rng(seed + 10), 6 * RATE_HZ), -42.0)
    breaking = at_level(glass_broken(np.random.default_rng(seed)), -18.0)
    samples[RATE_HZ : RATE_HZ + len(breaking)] += breaking
    soundfile.write(path, samples.astype(np.float32), RATE_HZ, subtype="PCM_16")
    return path


def write_site(folder: Path, port: int = 1, **source: Any) -> dict[str, Any]:
    """A box's settings and descriptions; what ``agent.yaml`` holds."""
    (folder / "descriptions.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    settings = settings_of(folder, port, {"name": "hall", "kind": "file"} | source)
    (folder / "agent.yaml").write_text(json.dumps(settings), encoding="utf-8")
    return settings


def teach(folder: Path, *arguments: object) -> int:
    """The command with the site's configuration."""
    return cli.main(["teach", *map(str, arguments), "--config", str(folder / "agent.yaml")])


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What ``--json`` printed, as the schema wants it."""
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    validator("taught").validate(found)
    return found


def test_a_piece_of_a_file_becomes_an_example(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is kept as a clip of its own, and the second pane speaks for the first."""
    write_site(tmp_path, path=str(tmp_path / "none.wav"))
    first = pane(tmp_path / "first.wav", 1)
    status = teach(tmp_path, "crash", "--file", first, "--from", 0.5, "--to", 4.5, "--json")
    fields = told(capsys)
    assert status == (0 if fields["sure"] else 1)
    assert fields["set_aside"] is None
    assert fields["windows"] > 0
    with closing(Store.reading(tmp_path / "state")) as store:
        alert, clip = store.alert(fields["alert_id"]), store.clip(fields["alert_id"])
        assert alert is not None
        assert clip is not None
        assert (alert.origin, alert.detection.source) == (Origin.TAUGHT, "file")
        assert agreed(store.answers(alert.alert_id)) == (Verdict.CONFIRM, 1)
        assert [one.what for one in store.trail()] == ["taught"]
        assert clip.file is not None
        assert clip.speech is Speech.NONE
        assert 0.0 <= clip.peak_s <= 2.0
    kept = read_audio(tmp_path / "state" / "clips" / clip.file, RATE_HZ)
    whole = read_audio(first, RATE_HZ)
    assert kept == pytest.approx(whole[RATE_HZ // 2 : 9 * RATE_HZ // 2], abs=1e-4)
    teach(tmp_path, "crash", "--file", pane(tmp_path / "second.wav", 2), "--json")
    again = told(capsys)
    assert again["score"] > fields["score"], "another take finds more"
    assert again["sure"]


def test_silence_cannot_be_taught(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a file of it nothing is kept; of a sound with silence after it, the sound is learnt."""
    write_site(tmp_path, path=str(tmp_path / "none.wav"))
    zeros = np.zeros(12 * RATE_HZ, np.float32)
    soundfile.write(tmp_path / "muted.wav", zeros, RATE_HZ)
    assert teach(tmp_path, "crash", "--file", tmp_path / "muted.wav") == 2
    assert "file: holds nothing but digital silence" in capsys.readouterr().err
    sound = read_audio(pane(tmp_path / "pane.wav", 1), RATE_HZ)[: 3 * RATE_HZ]
    soundfile.write(tmp_path / "cut.wav", np.concatenate((sound, zeros)), RATE_HZ)
    teach(tmp_path, "crash", "--file", tmp_path / "cut.wav", "--json")
    fields = told(capsys)
    with closing(Store.reading(tmp_path / "state")) as store:
        (alert,) = store.alerts_since()
        clip = store.clip(alert.alert_id)
        assert clip is not None
        assert clip.peak_s < 3.0, "an example that holds sound"
    assert fields["windows"] <= 5, "the silence is not the rest of the sound"


def test_without_an_agent_the_source_itself_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what was learnt is told in words."""
    siren = write_siren(tmp_path / "siren.wav", before_s=1.0, after_s=2.0)
    write_site(tmp_path, path=str(siren), realtime=False)
    assert teach(tmp_path, "siren", "--seconds", 7) == 0
    output = capsys.readouterr()
    assert "no agent runs; make the sound now: hall listens for 7 s" in output.err
    assert "the box is sure of it" in output.out
    with closing(Store.reading(tmp_path / "state")) as store:
        (alert,) = store.alerts_since()
        assert alert.detection.ends_at - alert.detection.starts_at == pytest.approx(7.0)


@pytest.mark.broker
def test_a_running_agent_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It holds the microphone; and a file is learnt beside it."""
    siren = write_siren(tmp_path / "siren.wav", before_s=1.0, after_s=2.0)
    with mosquitto(tmp_path) as broker:
        settings = write_site(tmp_path, broker.port, path=str(siren), loop=True)
        with running_agent(tmp_path, settings) as child:
            child.wait_for_event("ready", READY_S)
            assert teach(tmp_path, "siren", "--seconds", 7, "--json") == 0
            asked = told(capsys)
            assert asked["source"] == "hall"
            assert asked["sure"]
            teach(tmp_path, "crash", "--file", pane(tmp_path / "pane.wav", 1), "--json")
            beside = told(capsys)
            child.wait_for_event("descriptions_reloaded", READY_S)
        broker.kill()
        with closing(Store.reading(tmp_path / "state")) as store:
            origins = [one.origin for one in store.alerts_since() if one.origin is Origin.TAUGHT]
            assert len(origins) == 2
            assert store.alert(beside["alert_id"]) is not None


def test_an_agent_that_cannot_be_asked_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to do."""
    siren = write_siren(tmp_path / "siren.wav")
    settings = write_site(tmp_path, path=str(siren), loop=True)
    settings["mqtt"]["enabled"] = False
    (tmp_path / "agent.yaml").write_text(json.dumps(settings), encoding="utf-8")
    with running_agent(tmp_path, settings) as child:
        child.wait_for_event("ready", READY_S)
        assert teach(tmp_path, "siren") == 2
    assert "the running agent holds the microphone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["sirens"], "did you mean siren?"),
        (["siren", "--seconds", "90"], "write a number from 1 to 60"),
        (["siren", "--from", "1"], "is given without --file"),
        (["siren", "--file", "{siren}", "--seconds", "3"], "write --from and --to"),
        (["siren", "--file", "{siren}", "--from", "3", "--to", "2"], "not after --from"),
        (["siren", "--file", "{siren}", "--from", "90"], "write --from and --to within"),
        (["siren", "--file", "missing.wav"], "missing.wav"),
        (["siren", "--source", "press"], "write one of hall"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    """And nothing is kept."""
    siren = write_siren(tmp_path / "siren.wav")
    write_site(tmp_path, path=str(siren))
    assert teach(tmp_path, *(one.format(siren=siren) for one in arguments)) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "state" / "clips").exists()


def test_where_no_clips_are_kept_nothing_is_taught(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A site that wants no sound written means this too."""
    siren = write_siren(tmp_path / "siren.wav")
    settings = write_site(tmp_path, path=str(siren)) | {"clips": {"enabled": False}}
    (tmp_path / "agent.yaml").write_text(json.dumps(settings), encoding="utf-8")
    assert teach(tmp_path, "siren", "--file", siren) == 2
    assert "clips.enabled is false" in capsys.readouterr().err
