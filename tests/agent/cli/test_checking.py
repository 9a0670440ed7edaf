"""What ``kikimimi check`` finds, on real files, a real bundle folder and a real broker."""

from __future__ import annotations

import json
import re
import subprocess
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent import cli
from agent.bundle.loading import sha256_of
from agent.bundle.manifest import (
    BACKGROUND,
    FOREGROUND,
    FRONTEND,
    MANIFEST,
    SCHEMA,
    TEXT_HEAD,
    TEXT_TOWER,
    TOKENIZER,
    FileEntry,
    FrontendConstants,
    Manifest,
    Rebuild,
    TextSettings,
    Tuning,
    Variants,
)
from agent.cli.check.checking import Probes, Report, check
from agent.cli.check.wording import FOLDER
from agent.cli.words import Language, texts_of
from agent.core import extras
from agent.core.errors import CaptureError, TextError
from agent.core.extras import Extra
from agent.core.reason_texts import ENGLISH
from agent.core.reasons import Reason
from tests.mosquitto import free_port, listener, mosquitto
from tests.secure_broker import Authority, secure_broker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.config import MicrophoneSettings
    from agent.core.records import FloatArray

DESCRIPTIONS = """version: 1
errors:
  - id: air_leak
    text: compressed air leaks with a hiss
    paraphrases: [compressed air leaks from a hose with a hiss]
    unlike: [ventilation]
  - id: glass_broken
    text: glass shatters on the ground
background: [a motor runs]
"""


CUT = (
    "put the text in quotes if that belongs to it, or else write two spaces before '#' and one "
    "behind it"
)


def _write_bundle(folder: Path) -> None:
    """A bundle whose hashes hold; its files are not opened by a check."""
    folder.mkdir()
    names = (FRONTEND, TEXT_TOWER, TEXT_HEAD, TOKENIZER, BACKGROUND, FOREGROUND, "audio.onnx")
    for name in names:
        (folder / name).write_bytes(name.encode())
    manifest = Manifest(
        schema=SCHEMA,
        name="test",
        version="0",
        frontend=FrontendConstants(),
        tuning=Tuning(window_frames=200, hop_frames=50, threshold=3.0),
        text=TextSettings(prefix="query: ", max_tokens=64, languages=("en",)),
        embedding_size=512,
        acoustic_size=256,
        logit_scale=10.0,
        variants=Variants("audio.onnx", "audio.onnx", "audio.onnx"),
        files={
            name: FileEntry(sha256_of(folder / name), (folder / name).stat().st_size)
            for name in names
        },
        metrics=(),
        attributions=(),
        rebuild=Rebuild(commands=(), tolerance="none"),
    )
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")


def embed(bundle: Bundle, texts: Sequence[str]) -> FloatArray:
    """Texts as counts of their letter triples: near where the words are; Latin script only."""
    rows = np.zeros((len(texts), bundle.manifest.embedding_size), np.float32)
    for row, text in enumerate(texts):
        if not text.isascii():
            message = f"text {text!r}: holds characters that the bundle does not know; use Latin"
            raise TextError(message)
        for start in range(len(text) - 2):
            rows[row, zlib.crc32(text[start : start + 3].encode()) % rows.shape[1]] += 1
    unit: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


@dataclass
class Site:
    """The files of a site, written where a test wants them."""

    folder: Path
    settings: dict[str, object] = field(default_factory=dict)
    descriptions: str = DESCRIPTIONS

    def check(self, probes: Probes | None = None) -> Report:
        """Write the files and check them."""
        path = self.folder / "agent.yaml"
        whole = {
            "descriptions": "d.yaml",
            "bundle": "bundle",
            "state_dir": "state",
            **self.settings,
        }
        path.write_text(json.dumps(whole), encoding="utf-8")
        (self.folder / "d.yaml").write_text(self.descriptions, encoding="utf-8")
        return check(path, None, None, {}, probes or Probes())


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site with which nothing is wrong."""
    _write_bundle(tmp_path / "bundle")
    return Site(tmp_path)


def test_a_site_in_order_has_no_findings(site: Site) -> None:
    """Nothing is found, and the report says what was looked at."""
    report = site.check(Probes(embed=embed, find_microphone=lambda _: None))
    assert (report.ok, report.problems, report.warnings) == (True, (), ())
    assert report.descriptions == 2
    assert report.bundle.startswith("sha256:")
    note, ready = report.lines(Language.EN)
    assert note.startswith("note: not calibrated yet; 2 descriptions go by the bundle's threshold")
    assert ready == f"ready: 2 descriptions, bundle {report.bundle}"


def test_findings_of_all_files_come_together(site: Site) -> None:
    """Wrong descriptions and a damaged bundle are told in one run, as text and as JSON."""
    site.descriptions = "version: 1\nerrors:\n  - id: a\n"
    (site.folder / "bundle" / "audio.onnx").write_bytes(b"AUDIO.ONNX")
    report = site.check()
    assert [problem.where for problem in report.problems] == [
        str(site.folder / "bundle" / "audio.onnx"),
        f"{site.folder / 'd.yaml'}:3 errors[0].text",
    ]
    assert "its SHA-256 starts with" in report.problems[0].found
    assert report.problems[0].remedy == "install the bundle again"
    assert report.descriptions == 0
    assert report.bundle == ""
    plain = json.loads(json.dumps(report.to_json()))
    assert plain["ok"] is False
    assert plain["problems"][1]["found"] == "is missing"
    assert [line.split(":")[0] for line in report.lines(Language.EN)] == [
        "problem",
        "problem",
    ]


def test_wrong_settings_do_not_hide_wrong_descriptions(site: Site) -> None:
    """What the command line names is checked even where agent.yaml is wrong."""
    path = site.folder / "agent.yaml"
    path.write_text("sit: a\n", encoding="utf-8")
    (site.folder / "d.yaml").write_text("version: 1\n", encoding="utf-8")
    report = check(path, site.folder / "d.yaml", site.folder / "bundle", {}, Probes())
    assert [problem.where.partition(" ")[2] for problem in report.problems] == ["sit", "errors"]
    assert report.bundle


def test_the_command_line_goes_before_the_settings(site: Site) -> None:
    """Another descriptions file and bundle are taken instead."""
    site.check()
    other = site.folder / "other.yaml"
    other.write_text(DESCRIPTIONS.replace("glass_broken", "x y"), encoding="utf-8")
    report = check(site.folder / "agent.yaml", other, site.folder / "none", {}, Probes())
    assert [problem.where.partition(" ")[0] for problem in report.problems] == [
        str(site.folder / "none" / MANIFEST),
        f"{other}:7",
    ]


def test_each_text_that_the_bundle_cannot_read_is_told(site: Site) -> None:
    """The unreadable ones are found among the readable, each with its line."""
    site.descriptions = DESCRIPTIONS.replace("ventilation", "вентиляция").replace(
        "a motor runs", "двигатель"
    )
    report = site.check(Probes(embed=embed))
    assert [problem.where for problem in report.problems] == [
        f"{site.folder / 'd.yaml'}:6 errors[0].unlike[0]",
        f"{site.folder / 'd.yaml'}:9 background[0]",
    ]
    assert "вентиляция" in report.problems[0].found


def test_texts_that_are_hardly_meant_so_are_noted_with_their_lines(site: Site) -> None:
    """Half a text, two texts in one, another language: valid, so notes and nothing worse."""
    site.settings["site"] = "hall"
    site.descriptions = """version: 1
errors:
  - id: drop
    text: press #3 drops a part
    paraphrases: [a metal part falls  # a comment
      , 'press #4 drops a part']
    unlike: [音A、音B]  # ordinary
  - id: hum
    text: der Motor brummt sehr laut
    severity: major #the worst
background: #3 runs all day
"""
    report = site.check()
    path = site.folder / "d.yaml"
    assert (report.ok, report.warnings) == (True, ())
    told = [note.partition("; ") for note in report.notes]
    joined = "is one text and holds an ideographic comma '、' (U+3001)"
    assert [(found, remedy) for found, _, remedy in told if "d.yaml" in found] == [
        (
            f"{path}:4 errors[0].text: ends before '#3 drops a part', since ' #' begins a comment",
            CUT,
        ),
        (
            f"{path}:7 errors[0].unlike[0]: {joined}",
            "were 2 meant? Type ', ' to part them: [音A, 音B], or put the one text in quotes",
        ),
        (f"{path}:11 background: is empty, since '#3 runs all day' is a comment", CUT),
        (
            f"{path}:9 errors[1].text: 'der Motor brummt sehr laut' reads like German",
            "write it in a language that the bundle was made for (en), unless it is",
        ),
    ]


def test_settings_that_lose_their_end_are_noted(site: Site) -> None:
    """Names and topics of agent.yaml; a switch or a number is whole without its comment."""
    path = site.folder / "agent.yaml"
    site.check()
    path.write_text(
        "site: hall #2\nnode: press3  # the left one\ndescriptions: d.yaml\nbundle: bundle\n"
        "state_dir: state\nmqtt:\n  prefix: factory #1\n  keepalive_s: 30 #seconds\n",
        encoding="utf-8",
    )
    report = check(path, None, None, {}, Probes())
    assert report.ok
    told = [note.partition(", since")[0] for note in report.notes if "' #'" in note]
    assert told == [f"{path}:1 site: ends before '#2'", f"{path}:7 mqtt.prefix: ends before '#1'"]


def test_a_text_that_the_bundle_refuses_is_not_noted_again(site: Site) -> None:
    """Its script is a problem already; once is enough."""
    site.descriptions = DESCRIPTIONS.replace("ventilation", "шум вентиляции")
    report = site.check(Probes(embed=embed))
    assert len(report.problems) == 1
    assert "вентиляции" not in "".join(report.notes)


def test_near_duplicates_are_warned_of_once(site: Site) -> None:
    """Two descriptions with nearly the same words give one warning for the pair."""
    site.descriptions += "\n"
    site.descriptions = site.descriptions.replace(
        "glass shatters on the ground", "compressed air leaks with a hiss!"
    )
    report = site.check(Probes(embed=embed))
    (warning,) = report.warnings
    assert report.ok
    assert warning.where == f"{site.folder / 'd.yaml'}:3 errors[0]"
    assert warning.found.startswith("air_leak is nearly the same as glass_broken (0.9")


def test_a_description_that_its_contrast_explains_is_warned_of(site: Site) -> None:
    """A normal sound nearer to the text than its own paraphrase keeps it from ever firing."""
    site.descriptions = DESCRIPTIONS.replace("a motor runs", "compressed air leaks with a hiss.")
    report = site.check(Probes(embed=embed))
    (warning,) = report.warnings
    assert warning.found.startswith("air_leak is explained by 'compressed air leaks with a hiss.'")


def test_a_site_with_nothing_to_listen_for_is_warned_of(site: Site) -> None:
    """Switching every description off is allowed, but hardly meant."""
    site.descriptions = "version: 1\nerrors:\n  - {id: a, text: alpha, enabled: false}\n"
    report = site.check(Probes(embed=embed))
    assert [warning.found for warning in report.warnings] == ["has no enabled description"]


def test_a_missing_example_is_warned_of(site: Site) -> None:
    """A recording that moved is told with its description."""
    site.descriptions = DESCRIPTIONS.replace("unlike:", "examples: [clips/a.flac]\n    unlike:", 1)
    (warning,) = site.check().warnings
    assert warning.where == f"{site.folder / 'd.yaml'}:3 errors[0].examples"
    assert "clips/a.flac is not there" in warning.found


def test_a_missing_microphone_is_warned_of_and_a_missing_file_refused(site: Site) -> None:
    """A microphone may come back; a file that is not there ends the run."""

    def find(microphone: MicrophoneSettings) -> None:
        message = f"no microphone named {microphone.device!r}; plug it in"
        raise CaptureError(message)

    site.settings["sources"] = [
        {"name": "left", "device": "USB"},
        {"name": "tape", "kind": "file", "path": "none.wav"},
    ]
    report = site.check(Probes(find_microphone=find))
    assert [problem.where for problem in report.problems] == ["sources[1] tape"]
    assert "none.wav is not there" in report.problems[0].found
    assert [warning.where for warning in report.warnings] == ["sources[0] left"]
    assert "no microphone named 'USB'" in report.warnings[0].found


def test_a_state_folder_that_cannot_be_written_is_warned_of(site: Site) -> None:
    """The check leaves nothing behind, not even the folder."""
    (site.folder / "file").write_text("", encoding="utf-8")
    site.settings["state_dir"] = "file/state"
    (warning,) = site.check().warnings
    assert warning.where == "state_dir"
    assert "cannot be written (not a directory)" in warning.found
    site.settings["state_dir"] = "state"
    assert site.check().warnings == ()
    assert not (site.folder / "state").exists()


def test_metrics_without_their_extra_are_warned_of(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what installs it; the box runs without."""
    site.settings["metrics"] = {"enabled": True}
    assert site.check().warnings == ()
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    (warning,) = site.check().warnings
    assert warning.where == "metrics"
    assert warning.found == (
        "metrics.enabled needs the extra 'metrics': 'prometheus_client' is not installed"
    )
    assert warning.remedy == f"type: {extras.command(Extra.METRICS)}"


def test_a_discovery_that_reaches_nobody_is_warned_of(site: Site) -> None:
    """Home Assistant is told by the broker."""
    site.settings["home_assistant"] = {"discovery": True}
    site.settings["mqtt"] = {"enabled": False}
    (warning,) = site.check().warnings
    assert warning.where == "home_assistant.discovery"
    site.settings["mqtt"] = {}
    assert site.check().warnings == ()


def test_a_password_that_others_can_read_is_warned_of(site: Site) -> None:
    """Neither on the disk nor on the wire."""
    secret = site.folder / "password"
    secret.write_text("hush", encoding="utf-8")
    secret.chmod(0o644)
    site.settings["mqtt"] = {"host": "broker", "username": "a", "password_file": "password"}
    report = site.check()
    assert [warning.where for warning in report.warnings] == ["mqtt.password_file", "mqtt.tls"]
    assert "hush" not in "".join(report.lines(Language.EN))
    secret.chmod(0o600)
    site.settings["mqtt"] = {"host": "localhost", "username": "a", "password_file": "password"}
    assert site.check().warnings == ()
    secret.write_text("\nhush", encoding="utf-8")
    (problem,) = site.check().warnings
    assert problem.where == f"mqtt.password_file {secret}"
    assert "its first line is empty" in problem.found


def test_a_state_folder_that_everybody_may_write_is_warned_of(site: Site) -> None:
    """The folder itself, or what lies in it, with the command that closes it."""
    folder = site.folder / "open"
    (folder / "levels").mkdir(parents=True)
    site.settings["state_dir"] = str(folder)
    assert site.check().warnings == ()
    for path in (folder / "levels", folder):
        path.chmod(0o777)
        (warning,) = site.check().warnings
        assert warning.found == f"{path} can be written by every user"
        assert warning.remedy == f"run chmod -R o-w {folder}"


def test_the_broker_is_only_asked_when_online(site: Site) -> None:
    """Without --online a missing broker is no finding."""
    site.settings["mqtt"] = {"host": "127.0.0.1", "port": free_port()}
    assert site.check().warnings == ()
    (warning,) = site.check(Probes(online=True)).warnings
    assert warning.where == "mqtt"
    assert "no connection to 127.0.0.1:" in warning.found
    site.settings["mqtt"] = {"enabled": False, "port": free_port()}
    assert site.check(Probes(online=True)).warnings == ()


@pytest.mark.broker
def test_a_running_broker_is_found_and_one_without_tls_told(site: Site) -> None:
    """The certificate is part of the connection; nobody is told of the check."""
    with mosquitto(site.folder) as broker, listener(broker.port) as heard:
        for protocol in ("auto", "5", "3.1.1"):
            mqtt = {"host": "127.0.0.1", "port": broker.port, "protocol": protocol}
            site.settings["mqtt"] = mqtt
            assert site.check(Probes(online=True)).warnings == ()
        assert heard.messages == []
        site.settings["mqtt"] = {
            "host": "127.0.0.1",
            "port": broker.port,
            "tls": {"enabled": True},
        }
        (warning,) = site.check(Probes(online=True)).warnings
        assert "no connection to 127.0.0.1:" in warning.found


@pytest.mark.broker
def test_certificates_are_checked_as_the_agent_checks_them(site: Site) -> None:
    """The broker's by the CA that is named; this box's own without asking for a passphrase."""
    with secure_broker(site.folder, {"press3": "secret"}) as (broker, authority):
        stranger = Authority.create(site.folder / "stranger")
        certificate, key = stranger.issue("box")
        locked = site.folder / "locked.key"
        password = site.folder / "press3.txt"
        password.write_text("secret\n")
        password.chmod(0o600)
        command = ["openssl", "ec", "-in", str(key), "-aes256", "-passout", "pass:hush"]
        subprocess.run([*command, "-out", str(locked)], check=True, capture_output=True)

        def warnings(ca: Path, key_file: Path = key) -> list[str]:
            """What is said of a CA and a key of this box."""
            files = {"ca_file": ca, "cert_file": certificate, "key_file": key_file}
            tls = {"enabled": True} | {name: str(path) for name, path in files.items()}
            login = {"username": "press3", "password_file": str(password)}
            where = {"host": "127.0.0.1", "port": broker.port}
            site.settings["mqtt"] = {**where, **login, "tls": tls}
            return [str(one) for one in site.check(Probes(online=True)).warnings]

        assert warnings(authority.certificate) == []
        password.write_text("wrong\n")
        (refused,) = warnings(authority.certificate)
        assert refused.startswith(f"mqtt: 127.0.0.1:{broker.port}: the broker refused: Not author")
        assert "mqtt.password_file" in refused
        password.write_text("secret\n")
        (untrusted,) = warnings(stranger.certificate)
        assert "certificate verify failed" in untrusted
        (asked_for,) = warnings(authority.certificate, locked)
        assert asked_for.startswith(f"mqtt.tls.cert_file {certificate} with key_file {locked}: ")
        assert asked_for.endswith("as PEM without passphrase")


def test_both_languages_have_the_same_texts_and_places() -> None:
    """No code is one of the box's, whose Japanese stands elsewhere; a kind is told in English."""
    english, japanese = (texts_of(FOLDER, one) for one in (Language.EN, Language.JA))
    assert english.keys() == japanese.keys()
    assert not english.keys() & ENGLISH.keys()
    for code, text in english.items():
        places = set(re.findall(r"\{(\w+)\}", text)) - {"kind"}
        assert set(re.findall(r"\{(\w+)\}", japanese[code])) == places, code


def test_findings_are_told_in_japanese_and_the_json_stays(site: Site) -> None:
    """What has a code; what comes as a sentence follows a Japanese heading in English."""
    site.descriptions = DESCRIPTIONS.replace("a motor runs", "compressed air leaks with a hiss.")

    def find(_: MicrophoneSettings) -> None:
        raise CaptureError(Reason.of("device_none", device="USB"))

    site.settings["sources"] = [{"name": "left", "device": "USB"}]
    report = site.check(Probes(embed=embed, find_microphone=find))
    before = json.dumps(report.to_json())
    microphone, explained, calibration, ready = report.lines(Language.JA)
    assert microphone.startswith("警告：sources[0] left：デバイス「USB」が見つかりません。")
    assert microphone.endswith(" → kikimimi devices で確かめる")
    assert "air_leak は 'compressed air leaks with a hiss.' と区別できません（0.9" in explained
    assert calibration.startswith("補足：較正がまだなので、2 件はモデルのしきい値で判定します。")
    assert ready == f"準備ができています：聞く音 2 件、モデル {report.bundle}"
    assert json.dumps(report.to_json()) == before
    assert "is explained by" in before
    site.settings["sit"] = "a"
    (wrong,) = site.check().lines(Language.JA)
    assert wrong.startswith("問題：")
    assert wrong.endswith(" sit：is not a field → did you mean 'site'?")


@pytest.mark.parametrize(
    ("environ", "heading"),
    [
        ({"LANG": "ja_JP.UTF-8"}, "問題："),
        ({"LC_ALL": "xx_XX", "LANG": "ja_JP.UTF-8"}, "problem: "),
        ({"LANG": "C"}, "problem: "),
        ({}, "problem: "),
    ],
)
def test_command_speaks_the_language_of_the_locale(
    environ: dict[str, str],
    heading: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Installed or not; ``--language`` goes before it."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    wrong = ("check", "--descriptions", str(tmp_path / "none.yaml"))
    assert cli.main(wrong) == 1
    assert capsys.readouterr().out.startswith(heading)
    assert cli.main((*wrong, "--language", "ja")) == 1
    assert capsys.readouterr().out.startswith("問題：")
