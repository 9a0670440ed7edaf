"""The shipped configuration of the broker: who may do what, and that nobody hears a secret."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.alerts.alerts import timestamp
from agent.cli.child import running_agent
from agent.core.clock import SystemClock
from agent.store import FILE_NAME
from tests.faults.embedded import embed
from tests.integration.boxes import READY_S
from tests.integration.scenes import write_siren
from tests.schemas import validator
from tests.secure_broker import SHIPPED, person, secure_broker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.mosquitto import Mosquitto
    from tests.secure_broker import Authority

pytestmark = pytest.mark.broker

PASSWORDS = {
    "press3": "pw-of-press3",
    "press4": "pw-of-press4",
    "dashboard": "pw-of-people",
    "homeassistant": "pw-of-home",
}
POSTS = {"terminal": "pw-of-terminal", "thresholds": "pw-of-leader"}
OWN = "kikimimi/plant/press3"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[tuple[Mosquitto, Authority]]:
    """Mosquitto as ``configs/mosquitto`` says."""
    with secure_broker(tmp_path, PASSWORDS | POSTS) as running:
        yield running


def test_everybody_may_do_what_they_need_and_no_more(broker: tuple[Mosquitto, Authority]) -> None:
    """A box, another box and a person, each trying what is not theirs."""
    port, authority = broker[0].port, broker[1]
    with ExitStack() as stack:
        box, other, people = (
            stack.enter_context(person(port, authority, name, PASSWORDS[name]))
            for name in ("press3", "press4", "dashboard")
        )
        for one in (box, other, people):
            one.subscribe("#")
        refused = "Not authorized"
        assert box.publish(f"{OWN}/alert", "of press3") != refused
        for topic in (
            "kikimimi/plant/press4/alert",
            "kikimimi/plant/press4/cmd/mute",
            "kikimimi/plant/alert",
            "kikimimi/press3/alert/x",
            "elsewhere",
            "$SYS/broker/version",
        ):
            assert box.publish(topic, "forged") == refused, topic
        for topic in (f"{OWN}/alert", f"{OWN}/status", f"{OWN}/config/state", "elsewhere"):
            assert people.publish(topic, "forged") == refused, topic
        assert people.publish(f"{OWN}/cmd/mute", "for press3") != refused
        assert people.publish("kikimimi/plant/press4/cmd/mute", "for press4") != refused
        people.wait(lambda: len(people.messages) == 3)
        box.wait(lambda: len(box.messages) == 1)
        other.wait(lambda: len(other.messages) == 1)
    assert [(m.topic, m.payload) for m in box.messages] == [(f"{OWN}/cmd/mute", b"for press3")]
    assert [m.payload for m in other.messages] == [b"for press4"]
    assert {m.payload for m in people.messages} == {b"of press3", b"for press3", b"for press4"}


def test_only_a_post_that_may_sets_thresholds(broker: tuple[Mosquitto, Authority]) -> None:
    """And no more; a terminal where alerts are answered does not."""
    port, authority = broker[0].port, broker[1]
    allowed = {"terminal": {"verdict", "undo", "heard"}, "thresholds": {"threshold", "undo"}}
    with person(port, authority, "press3", PASSWORDS["press3"]) as box:
        box.subscribe(f"{OWN}/cmd/#")
        for name, commands in allowed.items():
            with person(port, authority, name, POSTS[name]) as one:
                one.subscribe("#")
                asked = ("verdict", "undo", "heard", "threshold", "mute", "reload", "teach")
                refused = {
                    command
                    for command in asked
                    if one.publish(f"{OWN}/cmd/{command}", name) == "Not authorized"
                }
                assert refused == set(asked) - commands
                assert one.publish(f"{OWN}/config/state", "forged") == "Not authorized"
                box.publish(f"{OWN}/config/state", f"for {name}")
                box.publish(f"{OWN}/cmd/result", f"for {name}")
                one.wait(lambda: bool(one.on(f"{OWN}/cmd/result")))
                assert bool(one.on(f"{OWN}/config/state")) is (name == "thresholds")
        box.wait(lambda: len(box.messages) == 5 + 2)


def test_home_assistant_sees_the_boxes_and_asks_what_its_buttons_ask(
    broker: tuple[Mosquitto, Authority],
) -> None:
    """Each box shows itself there, no other and nothing else, and hears it start."""
    port, authority = broker[0].port, broker[1]
    with ExitStack() as stack:
        box, home = (
            stack.enter_context(person(port, authority, name, PASSWORDS[name]))
            for name in ("press3", "homeassistant")
        )
        for one in (box, home):
            one.subscribe("#")
        refused = "Not authorized"
        own = "homeassistant/device/press3/config"
        assert box.publish(own, "of press3") != refused
        for topic in (
            "homeassistant/device/press4/config",
            "homeassistant/sensor/press3/config",
            "homeassistant/status",
        ):
            assert box.publish(topic, "forged") == refused, topic
        assert box.publish(f"{OWN}/alert", "of press3") != refused
        for command in ("verdict", "heard", "threshold"):
            assert home.publish(f"{OWN}/cmd/{command}", command) != refused
        for topic in (f"{OWN}/cmd/mute", f"{OWN}/cmd/reload", f"{OWN}/alert"):
            assert home.publish(topic, "forged") == refused, topic
        assert home.publish("homeassistant/status", "online") != refused
        box.wait(lambda: box.on("homeassistant/status") == ["online"])
        home.wait(lambda: home.on(own) == ["of press3"] and home.on(f"{OWN}/alert") != [])
    heard = [m.payload for m in box.messages]
    assert heard == [b"verdict", b"heard", b"threshold", b"online"]


@pytest.mark.parametrize(
    ("user", "password"), [(None, ""), ("press3", "guess"), ("press3", ""), ("nobody", "x")]
)
def test_nobody_comes_in_without_a_password(
    broker: tuple[Mosquitto, Authority], user: str | None, password: str
) -> None:
    """Neither nameless, nor with a wrong one, nor under a name that is not known."""
    with person(broker[0].port, broker[1], user, password) as stranger:
        assert stranger.connected == "Not authorized"


def test_the_shipped_files_name_no_secret() -> None:
    """And let nobody in without one."""
    text = (SHIPPED / "mosquitto.conf").read_text(encoding="utf-8")
    assert "allow_anonymous false" in text
    assert "listener 1883" not in text


def _settings(folder: Path, port: int, authority: Authority) -> dict[str, Any]:
    """A box with TLS and a password that systemd hands over."""
    return {
        "site": "plant",
        "node": "press3",
        "descriptions": str(folder / "descriptions.yaml"),
        "state_dir": str(folder / "state"),
        "sources": [
            {"name": "hall", "kind": "file", "path": str(folder / "siren.wav"), "loop": True}
        ],
        "mqtt": {
            "host": "127.0.0.1",
            "port": port,
            "username": "press3",
            "password_file": "${CREDENTIALS_DIRECTORY}/mqtt-password",
            "tls": {"enabled": True, "ca_file": str(authority.certificate)},
        },
        "log": {"format": "json", "level": "debug"},
    }


def test_a_box_is_asked_and_mutes_and_shows_no_secret(
    tmp_path: Path, broker: tuple[Mosquitto, Authority], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real agent behind the shipped access list, from a person's command to what is heard."""
    port, authority = broker[0].port, broker[1]
    secret = PASSWORDS["press3"]
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "mqtt-password").write_text(f"{secret}\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    embed(tmp_path / "descriptions.yaml", tmp_path / "state")
    write_siren(tmp_path / "siren.wav", before_s=1.0, after_s=4.0)
    settings = _settings(tmp_path, port, authority)

    def ask(command: str, **fields: Any) -> dict[str, Any]:
        """Send a command as a person; its answer on the response topic."""
        answers = f"{OWN}/cmd/result/dash1"
        before = len(people.on(answers))
        payload = {"schema": 1, "operator": "shift-a"} | fields
        people.publish(f"{OWN}/cmd/{command}", json.dumps(payload), response=answers)
        people.wait(lambda: len(people.on(answers)) > before)
        answer: dict[str, Any] = json.loads(people.on(answers)[-1])
        _fits(answer, "cmd-result")
        assert people.on(f"{OWN}/cmd/result")[-1] == people.on(answers)[-1]
        return answer

    def health() -> dict[str, Any]:
        latest: dict[str, Any] = json.loads(people.on(f"{OWN}/health")[-1])
        _fits(latest, "health")
        return latest

    with person(port, authority, "dashboard", PASSWORDS["dashboard"]) as people:
        people.subscribe("#")
        with running_agent(tmp_path, settings) as child:
            child.wait_for_event("ready", READY_S)
            # It listens before it is connected; before its birth, commands reach nobody.
            people.wait(lambda: people.on(f"{OWN}/status")[-1:] == ["online"])
            now = timestamp(SystemClock().now())
            assert ask("mute", request_id="m1", error_id="siren", duration_s=600, ts=now)[
                "accepted"
            ]
            assert "did you mean siren?" in str(
                ask("mute", request_id="m2", error_id="sirene", duration_s=9, ts=now)["reason"]
            )
            assert ask("reload", request_id="r1")["accepted"]
            assert ask("reload", request_id="r1")["duplicate"]
            people.wait(lambda: health()["counters"]["muted"] >= 1)
            told = health()
            assert told["mutes"][0]["error_id"] == "siren"
            assert told["mutes"][0]["operator"] == "shift-a"
            assert told["state"] == "degraded"
            assert "siren" in told["reasons"]["muted"]
            assert told["counters"]["commands_accepted"] == 2
            assert told["counters"]["commands_refused"] == 1
            assert people.on(f"{OWN}/alert") == []
            assert ask("mute", request_id="m3", error_id=None, duration_s=0, ts=now)["accepted"]
            people.wait(lambda: bool(people.on(f"{OWN}/alert")))
            shown = _shown_by_the_system(child.pid)
        shown += [message.payload for message in people.messages]
    shown += _written_and_checked(tmp_path)
    assert all(shown)
    assert [place for place in shown if secret.encode() in place] == []


def _shown_by_the_system(pid: int) -> list[bytes]:
    """What every user of a machine, or a person with a shell, can see of a process."""
    return [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]


def _written_and_checked(folder: Path) -> list[bytes]:
    """The log, the state folder, and what ``kikimimi check`` says."""
    files = [folder / "agent.log", folder / "state" / FILE_NAME]
    check = subprocess.run(
        [sys.executable, "-m", "agent", "check", "--config", str(folder / "agent.yaml"), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert b'"ok": true' in check.stdout
    return [*map(Path.read_bytes, files), check.stdout]


def _fits(document: dict[str, Any], name: str) -> None:
    validator(name).validate(document)
