"""``kikimimi init`` without a terminal, and each question by itself."""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import cli
from agent.capture.devices import Device, lasting_name
from agent.cli.child import running_agent
from agent.cli.doctor.telling import Telling
from agent.cli.init import answers as given_answers
from agent.cli.init import listening, microphone
from agent.cli.init.answers import Answers, Broker
from agent.cli.init.asking import Terminal
from agent.cli.init.broker import ask_broker
from agent.cli.init.command import FOLDER
from agent.cli.init.writing import PASSWORD, Place, text_of, write
from agent.cli.install import CONFIG
from agent.cli.words import Language, Words, texts_of
from agent.config import MicrophoneSettings, load_settings
from tests.bundles import make_bundle
from tests.integration.scenes import DESCRIPTIONS, write_siren
from tests.mosquitto import free_port
from tests.secure_broker import secure_broker
from tests.signals import noise

if TYPE_CHECKING:
    from agent.core.errors import Problem

RATE_HZ = 16_000
ENGLISH = Words(Language.EN, texts_of(FOLDER, Language.EN))
JAPANESE = Words(Language.JA, texts_of(FOLDER, Language.JA))
_PLACE = re.compile(r"\{(\w+)\}")


class Scripted(Terminal):
    """A terminal at which somebody types what was written down before."""

    def __init__(self, *typed: str) -> None:
        super().__init__(ENGLISH)
        self.typed = list(typed)
        self.asked: list[str] = []

    def line(self, question: str, default: str) -> str:
        """The next answer."""
        self.asked.append(question)
        return self.typed.pop(0) or default

    def secret(self, key: str, **values: object) -> str:
        """Likewise."""
        return self.line(self.words(key, **values), "")


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input as a script has it."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


class Typed(io.StringIO):
    """Standard input as a terminal has it, at which some lines were typed; then it is closed."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_file_that_is_there_is_asked_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where options answer all else; it stays by default and where nobody answers."""
    output = tmp_path / "agent.yaml"
    output.write_text("site: mine\n")
    whole = ["--site", "a", "--node", "b", "--device", "c", "--broker", "none", "--language", "en"]

    def typing(text: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", Typed(text))
        status = cli.main(["init", "--output", str(output), *whole])
        return status, capsys.readouterr().out

    status, told = typing("perhaps\n\n")
    assert (status, "Overwrite it? (y/n) [n]" in told) == (1, True)
    assert "'perhaps' is neither" in told
    assert "was left as it is" in told
    status, told = typing("")
    assert (status, "nothing was written" in told) == (1, True)
    assert output.read_text() == "site: mine\n"
    assert list(tmp_path.iterdir()) == [output]
    status, told = typing("y\n")
    assert (status, "Listen for a minute" in told) == (0, False)
    found = load_settings(output, {})
    assert (found.site, found.node, found.mqtt.enabled) == ("a", "b", False)


def test_without_a_terminal_it_says_what_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, and nothing is made."""
    output = str(tmp_path / "agent.yaml")
    assert cli.main(["init", "--output", output, "--site", "p1", "--broker", "none"]) == 2
    told = capsys.readouterr().err
    assert "--language, --node, --device; or --yes" in told
    assert "configs/agent.yaml" in told
    assert list(tmp_path.iterdir()) == []


def test_options_and_defaults_answer_without_questions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is one that the agent takes; the next time it is not touched."""
    output = tmp_path / "new" / "agent.yaml"
    secret = tmp_path / "secret.txt"
    secret.write_text("pa:ss #1\n")
    words = ["init", "--output", str(output), "--yes", "--site", "p1", "--language", "ja"]
    login = ["--broker", "mqtts://broker.local:9000", "--username", "u", "--password-file"]
    assert cli.main([*words, *login, str(secret)]) == 0
    found = load_settings(output, {})
    assert found.site == "p1"
    assert found.node == given_answers.default_node()
    assert found.descriptions.name == "descriptions.ja.yaml"
    mqtt = found.mqtt
    assert (mqtt.host, mqtt.port, mqtt.username) == ("broker.local", 9000, "u")
    assert mqtt.tls is not None
    assert mqtt.password() == "pa:ss #1"
    assert (output.parent / PASSWORD).stat().st_mode & 0o077 == 0
    before = output.read_bytes()
    capsys.readouterr()
    assert cli.main(["init", "--output", str(output), "--yes"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert output.read_bytes() == before


def test_wrong_options_are_all_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its remedy; status 2."""
    wrong = ["--site", "a b", "--node", "x/y", "--broker", "http://b", "--password-file", "none"]
    assert cli.main(["init", "--output", str(tmp_path / "a"), "--yes", *wrong]) == 2
    lines = capsys.readouterr().err.splitlines()
    for name in ("--site", "--node", "--broker", "--password-file"):
        assert any(line.startswith(f"kikimimi: {name}") for line in lines), lines
    assert cli.main(["init", "--yes", "--broker", "none", "--username", "u"]) == 2
    assert "--username: is given without a broker" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told_before_any_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its name."""
    (tmp_path / "file").write_text("")
    assert cli.main(["init", "--yes", "--output", str(tmp_path / "file" / "agent.yaml")]) == 2
    assert f"{tmp_path / 'file'}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("localhost", Broker("localhost", 1883)),
        (" broker.local:1884 ", Broker("broker.local", 1884)),
        ("mqtt://10.0.0.1", Broker("10.0.0.1", 1883)),
        ("MQTTS://broker", Broker("broker", 8883, tls=True)),
        ("ssl://broker:1/", Broker("broker", 1, tls=True)),
        ("[::1]:1883", Broker("::1", 1883)),
        ("none", None),
        ("なし", None),
    ],
)
def test_addresses_of_brokers(raw: str, expected: Broker | None) -> None:
    """As people write them."""
    assert given_answers.broker(raw) == expected


@pytest.mark.parametrize(
    "raw",
    ["", "b:0", "b:70000", "b:x", "http://b", "user@b", "b/topic", "a b", "mqtt://", "[::1", "://"],
)
def test_what_is_no_address_is_refused(raw: str) -> None:
    """With what to write."""
    with pytest.raises(ValueError, match="write"):
        given_answers.broker(raw)


_names = st.text(min_size=1, max_size=40)


@settings(max_examples=25)
@given(_names, _names, _names, _names, st.sampled_from(Language))
def test_whatever_is_answered_is_what_the_agent_reads(
    site: str, node: str, device: str, username: str, language: Language
) -> None:
    """A quote, a colon or a hash in a name is part of the name."""
    try:
        answers = Answers(
            language,
            given_answers.site(site),
            given_answers.node(node),
            given_answers.device(device),
            Broker("broker", 1883, username=given_answers.device(username)),
        )
    except ValueError:
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder) / "agent.yaml")
        words = ENGLISH if language is Language.EN else JAPANESE
        place.config.write_text(text_of(answers, place, words), encoding="utf-8")
        notes: list[Problem] = []
        found = load_settings(place.config, {}, notes)
    assert notes == []
    assert (found.site, found.node) == (answers.site, answers.node)
    (source,) = found.sources
    assert isinstance(source, MicrophoneSettings)
    assert source.device == answers.device
    assert answers.broker is not None
    assert found.mqtt.username == answers.broker.username


def test_what_stands_beside_the_configuration_stays(tmp_path: Path) -> None:
    """Descriptions that somebody has worded, and a password that may not be replaced."""
    place = Place(tmp_path / "agent.yaml")
    described = place.descriptions("en")
    described.write_text(DESCRIPTIONS, encoding="utf-8")
    place.password.write_text("old\n")
    broker = Broker("b", 1883, username="u", password="new")  # noqa: S106
    answers = Answers(Language.EN, "s", "n", "default", broker)
    assert write(answers, place, ENGLISH, lambda _: False) == [place.config]
    assert described.read_text(encoding="utf-8") == DESCRIPTIONS
    assert place.password.read_text() == "old\n"
    assert write(answers, place, ENGLISH, lambda _: True) == [place.password, place.config]
    assert load_settings(place.config, {}).mqtt.password() == "new"


def test_the_services_password_is_handed_over_by_systemd(tmp_path: Path) -> None:
    """Its user may not read what root alone may."""
    broker = Broker("b", 1883, username="u", password="secret")  # noqa: S106
    answers = Answers(Language.EN, "s", "n", "default", broker)
    text = text_of(answers, Place(CONFIG), ENGLISH)
    assert 'password_file: "${CREDENTIALS_DIRECTORY}/mqtt-password"' in text
    assert "secret" not in text


def test_where_there_is_no_microphone_one_may_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After another look."""
    monkeypatch.setattr(microphone, "list_devices", tuple)
    terminal = Scripted("x", "", "s")
    assert microphone.ask_microphone(terminal) == "default"
    told = capsys.readouterr().out
    assert told.count("this machine shows no input device") == 2
    assert "'x' is neither" in told


@pytest.mark.broker
def test_the_broker_is_tried_until_it_lets_the_box_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its certificate and its rights too; or somebody keeps it as it is, or wants none."""
    telling = Telling(Language.EN)
    with secure_broker(tmp_path, {"press3": "right", "other": "o"}) as (running, authority):
        terminal = Scripted(
            *(f"mqtts://127.0.0.1:{running.port}", "c", str(tmp_path / "none.pem")),
            *(str(authority.certificate), "l", "other", "o", "l", "press3", "right"),
        )
        found = ask_broker(terminal, telling, "p1", "press3")
    assert found == Broker(
        "127.0.0.1", running.port, True, authority.certificate, "press3", "right"
    )
    assert "right" not in repr(found)
    assert terminal.typed == []
    told = capsys.readouterr().out
    assert "no encrypted connection" in told
    assert "none.pem' is no file that can be read" in told
    assert "other may not publish" in told
    assert "may publish below kikimimi/p1/press3" in told
    port = free_port()
    kept = ask_broker(Scripted(f"127.0.0.1:{port}", "k"), telling, "p1", "press3")
    assert kept == Broker("127.0.0.1", port)
    again = Scripted(f"127.0.0.1:{port}", "", "none")
    assert ask_broker(again, telling, "p1", "press3") is None


def test_a_device_keeps_its_name_when_others_come_and_go() -> None:
    """Its own, else what tells two of one kind apart."""
    one = Device(0, "USB Mic", "ALSA", 1, 48_000, False, "card=Device usb=1-1.2 serial=A1")
    two = Device(1, "USB Mic", "ALSA", 1, 48_000, False, "card=Device_1 usb=1-1.3 serial=A1")
    line = Device(2, "Line In", "ALSA", 2, 48_000, True, "card=PCH")
    assert lasting_name([one, two, line], line) == "Line In"
    assert lasting_name([one, line], one) == "USB Mic"
    assert lasting_name([one, two, line], two) == "usb=1-1.3"
    bare = Device(3, "USB Mic", "OSS", 1, 48_000, False)
    assert lasting_name([one, bare], bare) == "USB Mic, OSS"


def test_what_alarms_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the real agent, in the words of the descriptions, and what becomes of the source."""
    make_bundle(tmp_path / "bundle")
    described = tmp_path / "d.yaml"
    error = "{id: drop, text: metal part dropped, threshold: 0.3, hits: 1 of 2}"
    described.write_text(f"version: 1\nerrors: [{error}]\n", encoding="utf-8")
    sound = 0.2 * noise(10 * RATE_HZ)
    sound[4 * RATE_HZ : 5 * RATE_HZ] += 0.5 * np.sin(np.arange(RATE_HZ) / 3.0)
    soundfile.write(tmp_path / "hall.wav", sound, RATE_HZ)
    source = {"name": "mic1", "kind": "file", "path": str(tmp_path / "hall.wav"), "realtime": False}
    terminal, texts = Scripted(), {"drop": "metal part dropped"}
    with running_agent(
        tmp_path,
        {**listening.apart(tmp_path, described, source), "bundle": str(tmp_path / "bundle")},
    ) as child:
        alerts = listening.show(terminal, child, texts, listening.SECONDS)
    told = capsys.readouterr().out
    assert alerts == told.count("metal part dropped  drop ") > 0
    assert "mic1 lost: the sound is at its end" in told


@pytest.mark.full
def test_listening_for_a_minute(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the shipped model, to the end of a file; nothing is left of it."""
    described = tmp_path / "d.yaml"
    described.write_text(DESCRIPTIONS, encoding="utf-8")
    path = str(write_siren(tmp_path / "siren.wav"))
    source = {"name": "mic1", "kind": "file", "path": path, "realtime": False}
    assert listening.listen(Scripted(), described, source) == 1
    told = capsys.readouterr().out
    assert "Reading 2 descriptions" in told
    assert "サイレンが鳴り響く音  siren" in told


def test_every_question_has_its_words_in_both_languages() -> None:
    """With the same values, and with what an answer has to be."""
    english, japanese = (texts_of(FOLDER, language) for language in (Language.EN, Language.JA))
    assert list(english) == list(japanese)
    for key, text in english.items():
        assert sorted(_PLACE.findall(text)) == sorted(_PLACE.findall(japanese[key])), key
    source = "".join(path.read_text(encoding="utf-8") for path in FOLDER.parent.glob("*.py"))
    for key in english.keys() - {"yes", "no"}:
        assert f'"{key.removesuffix("_wrong")}"' in source, key
    for key in re.findall(r'\b(?:ask|choose|agreed)\(\s*"(\w+)"', source):
        assert f"{key}_wrong" in english
