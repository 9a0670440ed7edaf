"""Settings: defaults, the explained file, the environment, and every problem at once."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from agent.config import (
    ENVIRONMENT,
    FileSettings,
    LogLevel,
    MicrophoneSettings,
    MqttSettings,
    Protocol,
    Settings,
    StdinSettings,
    StreamSettings,
    TlsSettings,
    load_settings,
)
from agent.config.reader import By, bare, hints_of
from agent.config.settings import (
    PublishSettings,
    WindowsSettings,
)
from agent.config.sources import KINDS, _Kind
from agent.core.errors import BrokerError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

# A loaded machine is no fault of the code under test.
_PATIENT = hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
EXPLAINED = Path(__file__).resolve().parents[3] / "configs" / "agent.yaml"


def _load(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    path = tmp_path / "agent.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ or {})


def _problems(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text, environ)
    return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]


def test_without_a_file_everything_has_a_default() -> None:
    """The agent runs with no agent.yaml at all."""
    settings = load_settings(None, {"HOME": "/home/k"})
    assert settings == Settings(
        node=socket.gethostname(), state_dir=Path("/home/k/.local/state/kikimimi")
    )
    assert settings.sources == (MicrophoneSettings("mic1", device="default", channels=(1,)),)
    assert settings.mqtt.host == "localhost"
    assert settings.mqtt.port == 1883


def test_the_explained_file_holds_the_defaults() -> None:
    """configs/agent.yaml changes nothing but where relative paths start."""
    environ = {"HOME": "/home/k"}
    expected = load_settings(None, environ)
    descriptions = EXPLAINED.parent / expected.descriptions
    assert load_settings(EXPLAINED, environ) == replace(expected, descriptions=descriptions)
    assert descriptions.is_file()


def _outcome(path: Path | None, environ: dict[str, str]) -> Settings | tuple[str, ...]:
    """The settings, or the lines that tell why there are none."""
    try:
        return load_settings(path, environ)
    except ConfigError as error:
        return tuple(str(problem) for problem in error.problems)


def _sections(hint: Any) -> Iterator[type]:
    """The dataclasses of settings in an annotation, those within them too."""
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
        for inner in hints_of(hint).values():
            yield from _sections(inner)
    elif not any(isinstance(note, By) for note in get_args(hint)):
        for inner in get_args(hint):
            yield from _sections(inner)


@pytest.mark.parametrize("section", [*_sections(Settings)])
def test_the_explained_file_names_every_field(section: type) -> None:
    """No setting is left unexplained, and each has a comment above it."""
    lines = EXPLAINED.read_text(encoding="utf-8").splitlines()
    notes = {name: bare(hint)[1] for name, hint in hints_of(section).items()}
    for setting in fields(section):
        note = notes[setting.name]
        name = (isinstance(note, By) and note.name) or setting.name
        found = [
            number
            for number, line in enumerate(lines)
            if re.match(rf" *(- )?(# .*\()?{name}:", line)
            or re.match(rf" *# .*[( ,]{name}: ", line)
        ]
        assert found, name
    for number, line in enumerate(lines):
        if re.match(r" +(- )?\w+:", line) and not line.strip().startswith("tls:"):
            assert lines[number - 1].strip().startswith("#"), line


def test_the_explained_file_names_every_kind_of_source() -> None:
    """Each has its settings, and words above ``kind``."""
    comment = EXPLAINED.read_text(encoding="utf-8").partition("    kind:")[0].rpartition("name:")[2]
    assert set(KINDS) == set(_Kind)
    assert [kind for kind in _Kind if not re.search(rf"\b{kind}\b", comment)] == []


def test_every_section_can_be_set(tmp_path: Path) -> None:
    """Values of each section arrive typed, paths relative to the file."""
    for name in ("ca.pem", "box.pem", "box.key", "password"):
        (tmp_path / name).write_text("secret-of-the-box\n", encoding="utf-8")
    settings = _load(
        tmp_path,
        """
site: p1
node: press3
bundle: model
descriptions: my.yaml
state_dir: /var/lib/k
sources:
  - {name: left, device: USB Audio, channels: 2}
  - {name: both, kind: microphone, channels: [1, 2]}
  - {name: tape, kind: file, path: a.wav, loop: yes, realtime: no}
  - {name: fast, kind: file, path: b.wav, speed: 20, channels: [2]}
  - {name: pipe, kind: stdin, channels: [1, 3]}
  - {name: camera, kind: stream, url: 'rtsp://user:secret@cam/audio', track: 2, channels: 1}
windows: {hop_s: 0.25, queue_windows: 8}
encoder: {threads: 2}
mqtt:
  host: broker.local
  prefix: factory/kikimimi
  username: box
  password_file: password
  tls: {enabled: true, ca_file: ca.pem, cert_file: box.pem, key_file: box.key}
  keepalive_s: 20
  session_expiry_s: 3600
  protocol: 5
publish: {scores: true, level_interval_s: 0.5, health_interval_s: 60}
log: {level: DEBUG, format: json}
""",
    )
    assert (settings.site, settings.node) == ("p1", "press3")
    assert settings.bundle == tmp_path / "model"
    assert settings.descriptions == tmp_path / "my.yaml"
    assert settings.state_dir == Path("/var/lib/k")
    assert settings.sources == (
        MicrophoneSettings("left", "USB Audio", (2,)),
        MicrophoneSettings("both", "default", (1, 2)),
        FileSettings("tape", tmp_path / "a.wav", loop=True, realtime=False),
        FileSettings("fast", tmp_path / "b.wav", speed=20.0, channels=(2,)),
        StdinSettings("pipe", channels=(1, 3)),
        StreamSettings("camera", "rtsp://user:secret@cam/audio", track=2, channels=(1,)),
    )
    assert settings.windows == WindowsSettings(0.25, 8)
    assert settings.encoder.threads == 2
    assert settings.mqtt == MqttSettings(
        host="broker.local",
        port=8883,
        prefix="factory/kikimimi",
        username="box",
        password_file=tmp_path / "password",
        tls=TlsSettings(tmp_path / "ca.pem", tmp_path / "box.pem", tmp_path / "box.key"),
        keepalive_s=20,
        session_expiry_s=3600,
        protocol=Protocol.V5,
    )
    assert settings.publish == PublishSettings(
        scores=True, level_interval_s=0.5, health_interval_s=60
    )
    assert settings.log.level is LogLevel.DEBUG
    assert settings.mqtt.password() == "secret-of-the-box"
    assert "secret" not in repr(settings)
    with pytest.raises(FrozenInstanceError):
        settings.site = "other"  # type: ignore[misc]


def test_every_problem_is_told_at_once_with_line_and_field(tmp_path: Path) -> None:
    """One run names all that is to mend."""
    assert _problems(
        tmp_path,
        """site: a/b
nod: x
node: 'line #1'
sources:
  - name: m
    kind: mikrofone
    path: x
  - name: m
    channels: [1, 1]
  - kind: file
  - 7
windows: {hop_s: fast, queue_windows: 0}
mqtt:
  prot: 1
  port: 99999
  host: mqtt://a
  prefix: a//b
  protocol: 4
publish: {scores: maybe, level_interval_s: [1]}
log: loud
""",
    ) == [
        (
            "agent.yaml:3 node: is 'line #1'; write at most 64 characters, without spaces, '/', "
            "'+', '#' and a '$' in front (MQTT gives them a meaning)"
        ),
        (
            "agent.yaml:1 site: is 'a/b'; write at most 64 characters, without spaces, '/', '+', "
            "'#' and a '$' in front (MQTT gives them a meaning)"
        ),
        "agent.yaml:11 sources[3]: is '7'; write its fields as 'field: value'",
        (
            "agent.yaml:6 sources[0].kind: is 'mikrofone'; "
            f"write one of {', '.join(_Kind)} (did you mean 'microphone'?)"
        ),
        "agent.yaml:9 sources[1].channels: does not name each channel once; write 1 or [1, 2]",
        "agent.yaml:8 sources[1].name: is 'm' again; give each source its own name",
        "agent.yaml:10 sources[2].name: is missing; write 'name: …'",
        "agent.yaml:10 sources[2].path: is missing; write 'path: …'",
        "agent.yaml:12 windows.hop_s: is 'fast'; write a number from 0.1 to 10",
        "agent.yaml:12 windows.queue_windows: is '0'; write a whole number from 1 to 10000",
        (
            "agent.yaml:16 mqtt.host: is 'mqtt://a'; "
            "write a host name or an address, without 'mqtt://'"
        ),
        "agent.yaml:15 mqtt.port: is '99999'; write a whole number from 1 to 65535",
        (
            "agent.yaml:17 mqtt.prefix: is 'a//b'; "
            "write names with one '/' between them, none at either end"
        ),
        "agent.yaml:18 mqtt.protocol: is '4'; write one of auto, 5, 3.1.1",
        "agent.yaml:14 mqtt.prot: is not a field; did you mean 'port'?",
        "agent.yaml:19 publish.scores: is 'maybe'; write true or false",
        "agent.yaml:19 publish.level_interval_s: is a list; write a single value",
        "agent.yaml:20 log: is 'loud'; write its fields below it, indented",
        "agent.yaml:2 nod: is not a field; did you mean 'node'?",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sources: []", "agent.yaml:1 sources: is an empty list; write one or delete the line"),
        ("sources: mic", "agent.yaml:1 sources: is 'mic'; write a list: '- field: value'"),
        (
            "sources:\n- {name: a, kind: stdin}\n- {name: b, kind: stdin}",
            "agent.yaml:3 sources[1].kind: is stdin again; keep one source on standard input",
        ),
        (
            "sources:\n- {name: a, kind: stream, url: 'file:///etc/secret'}",
            ("agent.yaml:2 sources[0].url: is no URL of a stream; write one such as "
            "rtsp://camera/audio (rtsp, rtsps, http, https, rtp, udp, srt, tcp)"),
        ),
        (
            "sources:\n- {name: a, kind: stdin, channels: []}",
            ("agent.yaml:2 sources[0].channels: does not name each channel once; "
            "write 1 or [1, 2]"),
        ),
        (
            "sources:\n- {name: a, kind: file, path: y, channels: 0}",
            "agent.yaml:2 sources[0].channels: is '0'; write a whole number from 1 to 128",
        ),
        (
            "sources:\n- {name: a, kind: stream, url: 'rtsp://c/a', track: 0}",
            "agent.yaml:2 sources[0].track: is '0'; write a whole number from 1 to 64",
        ),
        (
            "sources:\n- {name: a, device: x, path: y}",
            ("agent.yaml:2 sources[0].path: is not a field; "
            "the fields here are name, kind, device, channels"),
        ),
        (
            "sources:\n- {name: a, kind: file, path: y, realtime: no, speed: 2}",
            ("agent.yaml:2 sources[0].speed: is given, but realtime is false; "
            "leave one of them out"),
        ),
        (
            "mqtt: {password_file: agent.yaml}",
            ("agent.yaml:1 mqtt.password_file: is given without a username; "
            "write mqtt.username too"),
        ),
        (
            "mqtt: {username: a, password_file: none}",
            "agent.yaml:1 mqtt.password_file: is 'none'; name a file that exists",
        ),
        (
            "mqtt: {tls: {enabled: true, key_file: agent.yaml}}",
            ("agent.yaml:1 mqtt.tls.key_file: is given without cert_file; "
            "write mqtt.tls.cert_file too"),
        ),
        (
            "mqtt: {tls: {ca_file: agent.yaml}}",
            ("agent.yaml:1 mqtt.tls.ca_file: is given, but mqtt.tls.enabled is false; "
            "write enabled: true"),
        ),
        ('node: "a\\0b"', r"agent.yaml:1 node: is 'a\x00b'; delete the control character U+0000"),
        ("site: $SYS", ("agent.yaml:1 site: is '$SYS'; write at most 64 characters, without "
         "spaces, '/', '+', '#' and a '$' in front (MQTT gives them a meaning)")),
        ("", "agent.yaml: is empty; write the fields that it needs"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_remedy(tmp_path: Path, text: str, problem: str) -> None:
    """Each mistake has exactly one line."""
    assert _problems(tmp_path, text) == [problem]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A file that was asked for and is not there is not replaced by defaults."""
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read \(no such file"):
        load_settings(tmp_path / "none.yaml", {})


def test_the_environment_overrides_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers and service units set what differs; an empty variable counts as not set."""
    monkeypatch.chdir(tmp_path)
    settings = _load(
        tmp_path,
        "site: a\nmqtt: {host: b, port: 1}\n",
        {
            "KIKIMIMI_SITE": "p2",
            "KIKIMIMI_MQTT_PORT": "2883",
            "KIKIMIMI_MQTT_HOST": "",
            "KIKIMIMI_DESCRIPTIONS": "here.yaml",
            "KIKIMIMI_LOG_LEVEL": "error",
            "KIKIMIMI_DATA": "/recordings",
        },
    )
    assert settings.site == "p2"
    assert (settings.mqtt.host, settings.mqtt.port) == ("b", 2883)
    assert settings.descriptions == tmp_path / "here.yaml"
    assert settings.log.level is LogLevel.ERROR


def test_paths_of_the_environment_start_at_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever setting is a path; those of the file start at the file's folder."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "here").touch()
    config = tmp_path / "etc" / "agent.yaml"
    config.write_text("site: here\nbundle: there\nmqtt: {username: here}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_settings(config, {}).bundle == tmp_path / "etc" / "there"
    names = ("BUNDLE", "DESCRIPTIONS", "STATE_DIR", "MQTT_PASSWORD_FILE")
    settings = load_settings(config, {f"KIKIMIMI_{name}": "here" for name in names})
    found = {settings.bundle, settings.descriptions, settings.state_dir}
    assert found | {settings.mqtt.password_file} == {tmp_path / "here"}
    assert (settings.site, settings.mqtt.username) == ("here", "here")


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    """KIKIMIMI_CONFIG stands in for the command line's --config, which goes first."""
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"site: {name}\n", encoding="utf-8")
    environ = {"KIKIMIMI_CONFIG": str(tmp_path / "one")}
    assert load_settings(None, environ).site == "one"
    assert load_settings(tmp_path / "two", environ).site == "two"


def test_wrong_variables_are_told(tmp_path: Path) -> None:
    """A bad value names the variable, a misspelt name the one that was meant."""
    environ = {"KIKIMIMI_MQTT_PORT": "x", "KIKIMIMI_MQTT_HSOT": "h"}
    assert _problems(tmp_path, "site: a", environ) == [
        (
            "environment variable KIKIMIMI_MQTT_HSOT: is not a setting; "
            "did you mean KIKIMIMI_MQTT_HOST?"
        ),
        (
            "environment variable KIKIMIMI_MQTT_PORT mqtt.port: is 'x'; "
            "write a whole number from 1 to 65535"
        ),
    ]


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"STATE_DIRECTORY": "/var/lib/kikimimi:/x", "HOME": "/h"}, "/var/lib/kikimimi"),
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/kikimimi"),
        ({"HOME": "/h"}, "/h/.local/state/kikimimi"),
        ({}, "/var/lib/kikimimi"),
    ],
)
def test_the_state_folder_is_where_the_system_keeps_such(
    environ: dict[str, str], folder: str
) -> None:
    """The folder of systemd goes before the user's."""
    assert load_settings(None, environ).state_dir == Path(folder)


def test_a_lost_password_file_is_a_fault_of_the_broker_link(tmp_path: Path) -> None:
    """The password is read when it is needed, so that it can be renewed and given back."""
    settings = MqttSettings(username="a", password_file=tmp_path / "gone")
    with pytest.raises(BrokerError, match=r"mqtt\.password_file .*gone: No such file"):
        settings.password()
    assert MqttSettings().password() is None


_ANYTHING = st.dictionaries(
    st.sampled_from(["site", "node", "sources", "windows", "mqtt", "log", "tls", "x"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "kind", "path", "channels", "hop_s", "port", "tls", "é"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=10,
    ),
)


@_PATIENT
@given(_ANYTHING)
def test_arbitrary_values_load_or_are_told(
    tmp_path_factory: pytest.TempPathFactory, raw: object
) -> None:
    """Whatever a valid YAML file holds, the outcome is settings or problems on one line each."""
    path = tmp_path_factory.mktemp("config") / "agent.yaml"
    # JSON is YAML; it also writes control characters and lone surrogates as escapes.
    path.write_text(json.dumps(raw), encoding="utf-8")
    outcome = _outcome(path, {})
    assert isinstance(outcome, Settings) or outcome
    if isinstance(outcome, tuple):
        assert all("\n" not in problem for problem in outcome)


@_PATIENT
@given(st.dictionaries(st.sampled_from(sorted(ENVIRONMENT)), st.text(max_size=30)))
def test_arbitrary_variables_load_or_are_told(environ: dict[str, str]) -> None:
    """Whatever the environment holds, the outcome is settings or problems."""
    outcome = _outcome(None, environ)
    assert isinstance(outcome, Settings) or outcome
