"""Each step to a real broker, as docs/security.md sets it up, and what it allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from agent.cli.doctor.broker import broker
from agent.cli.doctor.findings import Outcome
from agent.config import load_settings
from tests.mosquitto import free_port, listener, mosquitto
from tests.secure_broker import Authority, secure_broker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.cli.doctor.findings import Finding

pytestmark = pytest.mark.broker


class Site:
    """A box that tries its broker."""

    def __init__(self, folder: Path, mqtt: dict[str, Any]) -> None:
        self.folder = folder
        self._mqtt = mqtt

    def ask(self, **mqtt: Any) -> list[Finding]:
        """What is found with some settings of ``mqtt`` instead of its own."""
        text = {"site": "p1", "node": "press3", "mqtt": self._mqtt | mqtt}
        path = self.folder / "agent.yaml"
        path.write_text(yaml.safe_dump(text), encoding="utf-8")
        return list(broker(load_settings(path, {}), -23.42))


def login(user: str, file: str | None = None) -> dict[str, str]:
    """Settings of a login; the password is in the file that is called like the user."""
    return {"username": user, "password_file": file or user}


def last(findings: list[Finding]) -> tuple[Outcome, str]:
    """How it ended."""
    return findings[-1].outcome, findings[-1].code


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A broker with certificates, passwords and the shipped access list."""
    folder = tmp_path_factory.mktemp("secured")
    for name, password in (("press3", "right"), ("terminal", "t"), ("wrong", "wrong")):
        (folder / name).write_text(password)
        (folder / name).chmod(0o600)
    users = {"press3": "right", "terminal": "t"}
    with secure_broker(folder, users) as (running, authority):
        mqtt = {
            "host": "127.0.0.1",
            "port": running.port,
            "tls": {"enabled": True, "ca_file": str(authority.certificate)},
        }
        yield Site(folder, mqtt | login("press3"))


def test_a_box_that_may_do_all_is_fine(secured: Site) -> None:
    """By TLS, as the shipped access list allows it."""
    found = secured.ask()
    assert {one.outcome for one in found} == {Outcome.OK}
    codes = ["broker_port", "broker_tls", "broker_login", "broker_rights"]
    assert [one.code for one in found] == codes
    assert found[2].values["version"] == "5"


def test_a_name_is_looked_up(secured: Site) -> None:
    """Its certificate is made for another: the steps before are told, too."""
    codes = [one.code for one in secured.ask(host="localhost")]
    assert codes == ["broker_name", "broker_port", "broker_no_tls"]


def test_another_users_topics_are_refused(secured: Site) -> None:
    """A box whose user is not called like its node publishes for nobody."""
    found = secured.ask(**login("terminal"))
    assert last(found) == (Outcome.FAIL, "broker_mute")
    assert found[-1].values["topic"] == "kikimimi/p1/press3/source/mic1/level"
    assert found[-1].values["why"] == "Not authorized"


def test_with_mqtt_3_the_rights_are_not_told(secured: Site) -> None:
    """The broker throws away what it does not allow, without a word."""
    found = secured.ask(**login("terminal"), protocol="3.1.1")
    assert last(found) == (Outcome.OK, "broker_rights_untold")


def test_each_step_that_fails_is_told(secured: Site, tmp_path: Path) -> None:
    """With those before it, and none after."""
    wrong = secured.ask(**login("press3", "wrong"))
    assert last(wrong) == (Outcome.FAIL, "broker_no_login")
    assert [one.code for one in wrong[:-1]] == ["broker_port", "broker_tls"]
    stranger = Authority.create(tmp_path / "stranger")
    tls = {"enabled": True, "ca_file": str(stranger.certificate)}
    assert [one.code for one in secured.ask(tls=tls)] == ["broker_port", "broker_no_tls"]
    assert [one.code for one in secured.ask(port=free_port())] == ["broker_no_port"]
    nowhere = secured.ask(host="no-such-host.invalid")
    assert last(nowhere) == (Outcome.FAIL, "broker_no_name")
    assert "no-such-host.invalid" in nowhere[-1].values["detail"]
    junk = tmp_path / "ca.pem"
    junk.write_text("no certificate")
    found = secured.ask(tls={"enabled": True, "ca_file": str(junk)})
    assert last(found) == (Outcome.FAIL, "broker_no_files")
    assert str(junk) in found[-1].values["detail"]


def test_a_password_in_the_open_is_warned_of(secured: Site) -> None:
    """As kikimimi check does, and the login is tried all the same."""
    (secured.folder / "open").write_text("right")
    (secured.folder / "open").chmod(0o644)
    found = secured.ask(**login("press3", "open"))
    assert (found[0].outcome, found[0].code) == (Outcome.WARN, "problem")
    assert last(found) == (Outcome.OK, "broker_rights")


def test_one_level_is_published_and_nothing_stays(tmp_path: Path) -> None:
    """What the box itself says on that topic; the broker keeps neither it nor a session."""
    with mosquitto(tmp_path) as running:
        site = Site(tmp_path, {"host": "127.0.0.1", "port": running.port})
        with listener(running.port) as heard:
            assert last(site.ask()) == (Outcome.OK, "broker_rights")
            heard.wait(lambda: bool(heard.messages))
            (message,) = heard.messages
        assert (message.topic, message.payload) == (
            "kikimimi/p1/press3/source/mic1/level",
            b"-23.4",
        )
        assert not message.retain
        for protocol in ("5", "3.1.1"):
            assert last(site.ask(protocol=protocol))[0] is Outcome.OK
    assert [one.code for one in site.ask(enabled=False)] == ["broker_off"]
