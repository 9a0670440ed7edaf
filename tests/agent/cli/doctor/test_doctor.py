"""``kikimimi doctor`` as a whole: on a real microphone, in both languages, and its exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent import cli
from agent.capture.microphone import Microphone
from agent.cli import install, reasons
from agent.cli.doctor import sources
from agent.cli.doctor.findings import Outcome, Part, fail
from agent.cli.doctor.telling import FOLDER, Telling
from agent.cli.words import Language, language_of, texts_of
from agent.config import MicrophoneSettings
from agent.core.clock import SystemClock
from agent.core.errors import CaptureError
from agent.core.reason_texts import ENGLISH
from agent.core.reasons import Reason
from agent.store import FolderLock, holder_of
from tests.bundles import make_bundle
from tests.integration.pulse import pulse_server
from tests.integration.scenes import write_siren
from tests.mosquitto import free_port, mosquitto

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[4]
RATE_HZ = 32_000
DESCRIPTIONS = "version: 1\nerrors:\n  - {id: drop, text: metal part dropped}\n"
# Of the machine that tests, not of the site.
_MACHINE = {Part.CLOCK, Part.PROCESSOR, Part.MEMORY}
_PLACE = re.compile(r"\{(\w+)\}")


def write_site(folder: Path, **settings: Any) -> Path:
    """A site with a small bundle; gives its ``agent.yaml``."""
    if not (folder / "bundle").exists():
        make_bundle(folder / "bundle")
    (folder / "d.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    whole = {
        "site": "p1",
        "node": "press3",
        "bundle": "bundle",
        "descriptions": "d.yaml",
        "state_dir": "state",
        "clips": {"quota": "10MB"},
        **settings,
    }
    path = folder / "agent.yaml"
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def examine(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    """The command with ``--json``."""
    status = cli.main(["doctor", "--json", *map(str, arguments)])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["ok"] == (status == 0)
    return status, found


@pytest.mark.broker
@pytest.mark.device
def test_a_box_with_a_microphone_and_a_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing fails while sound comes; digital silence fails."""
    with pulse_server(tmp_path / "pulse", monkeypatch) as server, mosquitto(tmp_path) as running:
        path = write_site(tmp_path, mqtt={"host": "127.0.0.1", "port": running.port})
        with server.playing(write_siren(tmp_path / "siren.wav")):
            _, found = examine(capsys, "--config", path)
        site = [one for one in found["findings"] if one["part"] not in _MACHINE]
        assert {one["outcome"] for one in site} == {"ok"}
        assert [one["code"] for one in site] == [
            *("configuration_read", "bundle_whole", "descriptions_read", "telemetry_off"),
            *("state_fine", "sound_heard", "broker_port", "broker_login", "broker_rights"),
        ]
        assert not (tmp_path / "state").exists(), "a look makes nothing"
        silent, level = sources.source(MicrophoneSettings("mic1"), RATE_HZ, SystemClock(), None)
    assert (silent.outcome, silent.code, level) == (Outcome.FAIL, "microphone_silent", None)
    assert Telling(Language.JA).found(silent).startswith("mic1：3 秒間、完全な無音です。")


def test_failures_end_with_1_and_say_what_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part by itself, on lines that are not wrapped; ``--language`` overrides the locale."""
    path = write_site(
        tmp_path,
        sources=[
            {"name": "mic1", "device": "nothing like this"},
            {"name": "tape", "kind": "file", "path": "none.wav"},
        ],
        mqtt={"host": "127.0.0.1", "port": free_port()},
    )
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    monkeypatch.setenv("COLUMNS", "40")
    assert cli.main(["doctor", "--config", str(path), "--language", "en"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"ok    configuration  {path}: site p1, node press3"
    failed = [number for number, line in enumerate(lines) if line.startswith("fail")]
    assert [lines[number].split()[1] for number in failed][-3:] == ["sound", "sound", "broker"]
    assert lines[failed[-3] + 1].split("→ ")[1] == "kikimimi devices"
    assert "none.wav is not there" in lines[failed[-2]]
    assert "systemctl status mosquitto" in lines[failed[-1] + 1]
    assert re.fullmatch(r"[3-6] failures, \d warnings\..*", lines[-1])


def test_wrong_files_are_told_with_their_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the configuration, the model and the descriptions."""
    path = write_site(tmp_path, nod="press3")
    status, found = examine(capsys, "--config", path, "--language", "en")
    assert status == 1
    texts = [one["found"] for one in found["findings"] if one["part"] == "configuration"]
    assert "nod: is not a field" in texts[0]
    assert "were not looked at" in texts[1]
    assert {one["part"] for one in found["findings"]}.isdisjoint({"state", "sound", "broker"})
    path = write_site(tmp_path, mqtt={"enabled": False}, sources=[{"name": "in", "kind": "stdin"}])
    (tmp_path / "d.yaml").write_text("version: 1\nerrors: [{id: a, txt: b}]\n")
    (tmp_path / "bundle" / "audio.onnx").write_bytes(b"x")
    status, found = examine(capsys, "--config", path)
    assert status == 1
    failed = {one["part"]: one["found"] for one in found["findings"] if one["outcome"] == "fail"}
    assert "1 bytes, but the manifest says" in failed["bundle"]
    assert "txt" in failed["descriptions"]


def test_a_locale_that_is_not_installed_is_spoken_all_the_same(tmp_path: Path) -> None:
    """In Japanese, in UTF-8, whatever the C library makes of the locale."""
    path = write_site(tmp_path, nod="press3")
    done = subprocess.run(
        [sys.executable, "-m", "agent", "doctor", "--config", str(path)],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "LC_ALL": "ja_JP.UTF-8",
        },
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    lines = done.stdout.decode("utf-8").splitlines()
    assert lines[0].startswith(f"異常  設定        {path}:1 nod: is not a field")
    assert (
        lines[2]
        == "異常  設定        このままでは起動しません。保存先・音・ブローカーは調べていません"
    )
    assert lines[3].endswith(f"→ 上の行を直してから：kikimimi check --config {path}")


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja"}, "ja"),
        ({"LANG": "ja_JP.eucJP@x"}, "ja"),
        ({"LANG": "japanese"}, "ja"),
        ({"LANG": "jam_JM.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "ja_JP.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "ja_JP.UTF-8"}, "ja"),
    ],
)
def test_the_locale_says_which_language(environ: Mapping[str, str], language: str) -> None:
    """As POSIX has it: the first of three variables that is set."""
    assert language_of(environ) == language


def test_every_finding_has_its_words_in_both_languages() -> None:
    """With the same values in it, and a remedy wherever it is not well."""
    english, japanese = (texts_of(FOLDER, language) for language in (Language.EN, Language.JA))
    assert list(english) == list(japanese)
    for key, text in english.items():
        assert sorted(_PLACE.findall(text)) == sorted(_PLACE.findall(japanese[key])), key
    source = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "agent/cli/doctor").glob("*.py")
    )
    told = set(re.findall(r'\b(ok|warn|fail)\(\s*Part\.\w+,\s*f?"([\w{}.]+)"', source))
    kinds = {"kind": ("microphone", "stream"), "code": ("microphone", "stream")}
    steps = {"error.step": ("files", "name", "port", "tls", "login")}
    asked = set()
    for outcome, code in told:
        (place,) = re.findall(r"\{(.+)\}", code) or [""]
        for filled in (kinds | steps).get(place, ("",)):
            name = code.replace(f"{{{place}}}", filled)
            asked |= {name} if outcome == "ok" else {name, f"{name}_remedy"}
    asked |= {*Part, *Outcome, "problem", "problem_remedy"}
    asked |= {"broker_deaf", "broker_deaf_remedy", "broker_mute", "broker_mute_remedy"}
    asked |= {"descriptions_more", "descriptions_more_remedy", "all_ok", "some_warn", "some_fail"}
    assert asked == set(english)


def test_reasons_are_worded_as_on_the_page() -> None:
    """Each code that the box knows; what has none stays as it is."""
    assert reasons.japanese().keys() == ENGLISH.keys()
    reason = Reason.joined([Reason.of("signal_silent", seconds=3), Reason.of("channels_dead")])
    assert reasons.told(reason, Language.EN) == str(reason)
    told = reasons.told(reason, Language.JA)
    assert told.startswith("3 秒間、完全な無音です。")
    assert reasons.told("plain text", Language.JA) == "plain text"


def test_remedies_name_the_file_that_was_given(tmp_path: Path) -> None:
    """So that they can be typed as they are."""
    finding = fail(Part.CONFIGURATION, "configuration_wrong")
    path = tmp_path / "a b.yaml"
    assert Telling(Language.EN, path).remedy(finding).endswith(f"kikimimi check --config '{path}'")
    assert Telling(Language.JA).remedy(finding).endswith("kikimimi check")


def test_a_running_agent_may_have_the_microphone_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is known by its lock, which the look neither takes nor makes."""
    assert holder_of(tmp_path / "state") is None
    lock = FolderLock(tmp_path / "state")
    lock.take()
    holder = holder_of(tmp_path / "state")
    assert holder == f"process {os.getpid()}"

    def busy(_: Microphone) -> None:
        raise CaptureError(Reason.of("device_busy", device="USB", detail="-9985"))

    monkeypatch.setattr(Microphone, "open", busy)
    settings = MicrophoneSettings("mic1")
    held, level = sources.source(settings, RATE_HZ, SystemClock(), holder)
    assert (held.outcome, held.code, level) == (Outcome.OK, "sound_held", None)
    lock.release()
    assert holder_of(tmp_path / "state") is None
    alone, _ = sources.source(settings, RATE_HZ, SystemClock(), None)
    assert (alone.outcome, alone.code) == (Outcome.FAIL, "microphone_unheard")


def test_the_services_own_configuration_is_seen_as_by_the_service() -> None:
    """Its state folder and its passwords are where systemd has them."""
    seen = install.environment_of(install.CONFIG, {"A": "b"})
    assert seen["STATE_DIRECTORY"] == "/var/lib/kikimimi"
    assert seen["CREDENTIALS_DIRECTORY"] == "/etc/kikimimi"
    assert seen["A"] == "b"
    assert install.environment_of(Path("agent.yaml"), {}) == {}
    assert install.environment_of(None, {}) == {}
    unit = (ROOT / "systemd/kikimimi.service").read_text(encoding="utf-8")
    assert "\nStateDirectory=kikimimi\n" in unit
    assert "\nLoadCredential=mqtt-password:/etc/kikimimi/mqtt-password\n" in unit
