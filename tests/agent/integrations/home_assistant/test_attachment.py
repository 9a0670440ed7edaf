"""Home Assistant is told of a box over its link: kept, told again, and taken back."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from agent.alerts.alerts import Wording
from agent.config import HomeAssistantSettings, MqttSettings, Protocol, Settings
from agent.core.records import Severity
from agent.detector.rule import Policy, Rule
from agent.integrations.home_assistant.attachment import HomeAssistant, attach
from agent.integrations.home_assistant.entities import Platform
from agent.integrations.home_assistant.published import FILE_NAME, MOST_REMOVED, Published
from agent.mqtt import Incoming, Link, Reply
from agent.mqtt.topics import Topics
from agent.run.attachment import Attachments
from agent.store import Store
from agent.watchlist.watchlist import Watchlist
from tests.fakes import FakeClock
from tests.home_assistant import FakeHomeAssistant
from tests.home_assistant_facts import problems
from tests.mosquitto import PATIENCE_S, listener, mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.mosquitto import Listener, Mosquitto

pytestmark = pytest.mark.broker

TOPIC = "homeassistant/device/press3/config"
ON = HomeAssistantSettings(discovery=True)


def watch(**descriptions: str) -> Watchlist:
    """A watchlist of some descriptions."""
    wordings = {key: Wording(text, Severity.MAJOR) for key, text in descriptions.items()}
    rule = Rule(hits=2, windows=3, hysteresis=1.0, cooldown_s=5.0)
    policies = dict.fromkeys(descriptions, Policy(4.0, rule))
    return replace(Watchlist.empty(4), wordings=wordings, policies=policies)


@dataclass
class Parts:
    """What of a box an attachment sees."""

    settings: Settings
    link: Link | None
    clock: FakeClock = field(default_factory=FakeClock)
    offered: frozenset[str] = frozenset({"verdict", "heard"})

    @property
    def topics(self) -> Topics:
        """Of the box."""
        return Topics(self.settings.mqtt.prefix, self.settings.site, self.settings.node)


@contextmanager
def box(
    folder: Path, broker: Mosquitto, home: HomeAssistantSettings = ON, site: str = "plant"
) -> Iterator[tuple[HomeAssistant | None, Link, FakeClock]]:
    """A box that is connected, and what attached to it."""
    mqtt = MqttSettings(host="127.0.0.1", port=broker.port, protocol=Protocol.V5)
    settings = Settings("press3", folder, site, mqtt=mqtt, home_assistant=home)
    topics, clock = Topics("kikimimi", site, "press3"), FakeClock()
    link = Link(mqtt, "press3", topics.status, Store.in_memory(), clock)
    link.serve(topics.command_filter, lambda _one: [Reply(topics.result, "taken")])
    attached = attach(Parts(settings, link, clock))  # type: ignore[arg-type]
    link.start()
    try:
        yield attached, link, clock
    finally:
        link.stop(PATIENCE_S)


def told(heard: Listener) -> list[str]:
    """What Home Assistant was told, in order."""
    return heard.on(TOPIC)


def home_of(*payloads: str) -> set[str]:
    """The entities that it has after some messages."""
    home = FakeHomeAssistant()
    for payload in payloads:
        if payload:
            assert problems(TOPIC, payload) == []
        home.discover(payload)
    return set(home.entities)


def publish(broker: Mosquitto, topic: str, payload: str, *, retain: bool = False) -> None:
    """As another client."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(PATIENCE_S)
    client.disconnect()
    client.loop_stop()


def test_it_is_kept_told_again_at_birth_and_what_is_gone_is_removed(tmp_path: Path) -> None:
    """From the first description to the setting that is switched off, over restarts."""
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        with box(tmp_path, broker) as (attached, _, clock):
            assert attached is not None
            heard.wait(lambda: heard.on("press3/status") == ["online"])  # after it subscribed
            publish(broker, ON.birth_topic, "online")  # nothing to tell yet
            publish(broker, "kikimimi/plant/press3/cmd/reload", "x")
            heard.wait(lambda: heard.on("cmd/result") == ["taken"])  # and so was the birth
            assert told(heard) == []
            attached.listening_for(watch(siren="a siren wails", bell="a bell rings"))
            heard.wait(lambda: len(told(heard)) == 1)
            attached.listening_for(watch(siren="a siren wails", bell="a bell rings"))  # no news
            publish(broker, ON.birth_topic, "offline")
            publish(broker, ON.birth_topic, "online")
            heard.wait(lambda: len(told(heard)) == 2)
            assert told(heard)[0] == told(heard)[1]
            assert "heard.bell.mic1" in home_of(*told(heard))
            # Somebody who sends nothing but births is not answered for ever.
            for _ in range(20):
                publish(broker, ON.birth_topic, "online")
            clock.advance(60)
            publish(broker, ON.birth_topic, "online")
            attached.listening_for(watch(siren="a siren wails"))
            heard.wait(lambda: '"heard.bell.mic1":{"p":"button"}' in told(heard)[-1])
            assert len(told(heard)) < 20
            assert "heard.bell.mic1" not in home_of(*told(heard))
        with listener(broker.port) as late:
            late.wait(lambda: told(late) == told(heard)[-1:])  # it is retained
        with box(tmp_path, broker) as (attached, _, _clock):
            assert attached is not None
            attached.listening_for(watch(buzzer="a buzzer sounds"))
            heard.wait(lambda: "heard.buzzer.mic1" in told(heard)[-1])
            left = home_of(*told(heard))
            assert "heard.buzzer.mic1" in left
            assert not {"heard.siren.mic1", "heard.bell.mic1"} & left
        with box(tmp_path, broker, replace(ON, prefix="other")) as (attached, _, _clock):
            assert attached is not None
            heard.wait(lambda: told(heard)[-1] == "")  # it is no longer told there
            attached.listening_for(watch(siren="a siren wails"))
            heard.wait(lambda: heard.on("other/device/press3/config") != [])
        with box(tmp_path, broker, HomeAssistantSettings()) as (attached, _, _clock):
            assert attached is None
            heard.wait(lambda: heard.on("other/device/press3/config")[-1] == "")
        assert not (tmp_path / FILE_NAME).exists()


def test_a_birth_amid_a_change_tells_what_is_new(tmp_path: Path) -> None:
    """Descriptions are told from one thread, births come in on another."""
    attached = _attached(tmp_path)
    attached.listening_for(watch(siren="a siren wails"))

    class Amid:
        """A limit at which the descriptions change while a birth is taken care of."""

        def take(self) -> float:
            attached.listening_for(watch(bell="a bell rings"))
            return 0.0

    attached._births = Amid()  # type: ignore[assignment]
    attached._link._unsent_states.clear()
    attached._born(Incoming(ON.birth_topic, b"online"))
    assert attached._link._unsent_states == {TOPIC}
    assert attached._told is not None
    assert attached._link._states[TOPIC] == attached._told.payload
    assert "heard.bell.mic1" in attached._told.components


def test_an_access_list_that_forbids_it_is_told_and_all_else_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By MQTT 5 the broker says so; commands are still taken."""
    caplog.set_level(logging.WARNING)
    (tmp_path / "acl").write_text("topic deny homeassistant/#\ntopic readwrite #\n")
    settings = f"allow_anonymous true\nacl_file {tmp_path / 'acl'}\n"
    with (
        mosquitto(tmp_path, settings) as broker,
        listener(broker.port) as heard,
        box(tmp_path, broker) as (attached, link, _),
    ):
        assert attached is not None
        attached.listening_for(watch(siren="a siren wails"))
        with link._changed:
            assert link._changed.wait_for(lambda: TOPIC in link._status.reason, PATIENCE_S)
        reason = link.status.reason
        assert f"the broker refuses {TOPIC} (Not authorized)" in reason
        assert "check its access list" in reason
        assert link.status.connected
        publish(broker, "kikimimi/plant/press3/cmd/reload", "x")
        heard.wait(lambda: heard.on("cmd/result") == ["taken"])
    assert told(heard) == []
    [line] = [one for one in caplog.records if one.message == "broker_refuses_topic"]
    assert line.__dict__["topic"] == TOPIC


def test_two_boxes_of_one_name_are_told_and_stay_two_devices(tmp_path: Path) -> None:
    """They push each other out at the broker; what each tells is of itself."""
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    with (
        mosquitto(tmp_path) as broker,
        listener(broker.port) as heard,
        box(folders[0], broker, site="a") as (one, link, _),
        box(folders[1], broker, site="b") as (other, _, _clock),
    ):
        for attached in (one, other):
            assert attached is not None
            attached.listening_for(watch(siren="a siren wails"))
        reason = "give each box its own node"
        with link._changed:
            assert link._changed.wait_for(lambda: reason in link._status.reason, PATIENCE_S)
        heard.wait(lambda: len({device_of(payload) for payload in told(heard)}) == 2)


def device_of(payload: str) -> str:
    """The device that a message is of."""
    [identifier] = json.loads(payload)["dev"]["ids"]
    return str(identifier)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"topic": 1, "components": {}}',
        b'{"topic": "a/device/b/config", "components": {"x": "no platform"}}',
        b'{"topic": "a/device/b/config"}', b'{"topic": "a/+/device/b/config", "components": {}}',
        b'{"topic": "status", "components": {}}',
    ],
)  # fmt: skip
def test_a_damaged_memory_of_what_was_told_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    """It is logged, and written anew with what is told now."""
    (tmp_path / FILE_NAME).write_bytes(content)
    attached = _attached(tmp_path)
    assert "home_assistant_file_unreadable" in caplog.messages
    attached.listening_for(watch(siren="a siren wails"))
    written: dict[str, Any] = json.loads((tmp_path / FILE_NAME).read_text())
    assert written["topic"] == TOPIC
    assert written["components"]["heard.siren.mic1"] == "button"


def test_a_disk_that_refuses_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is told is told all the same."""
    (tmp_path / FILE_NAME).mkdir()
    attached = _attached(tmp_path)
    attached.listening_for(watch(siren="a siren wails"))
    assert "heard.siren.mic1" in attached._link._states[TOPIC]
    assert "home_assistant_file_unwritable" in caplog.messages


def test_what_is_gone_is_remembered_up_to_a_limit() -> None:
    """The latest: a site that words its descriptions anew each day fills no message."""
    published = Published(TOPIC, {})
    for number in range(MOST_REMOVED + 50):
        published = published.with_new({f"heard.{number}": Platform.BUTTON})
    expected = [f"heard.{number}" for number in range(49, MOST_REMOVED + 50)]
    assert list(published.components) == expected
    assert list(published.with_new({"heard.60": Platform.BUTTON}).components)[-1] == "heard.60"


def test_more_descriptions_than_there_is_room_for_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In health and in the log."""
    attached = _attached(tmp_path)
    assert attached.figures() == {"entities_left_out": 0}
    attached.listening_for(watch(**{f"error_{number}": "音" * 300 for number in range(100)}))
    assert 0 < attached.figures()["entities_left_out"] < 100
    assert "home_assistant_entities_left_out" in caplog.messages


def test_without_a_broker_it_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """There is nobody to tell."""
    settings = Settings(node="press3", state_dir=tmp_path, home_assistant=ON)
    assert attach(Parts(settings, None)) is None  # type: ignore[arg-type]
    assert caplog.messages == ["home_assistant_without_broker"]


def test_an_attachment_that_fails_stops_no_box(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While it attaches, and when it is told: it is logged, and the others go on."""

    def broken(_parts: object) -> None:
        raise RuntimeError("broken")

    settings = Settings("press3", tmp_path, home_assistant=ON)
    link = Link(settings.mqtt, "press3", "status", Store.in_memory(), FakeClock())
    parts = Parts(settings, link)
    attachments = Attachments({"broken": broken, "home_assistant": attach}, parts)  # type: ignore[arg-type]
    assert attachments.figures() == {"entities_left_out": 0}
    ending = "see the log, and start the agent again"
    failed = {"broken": f"internal error: RuntimeError('broken'); {ending}"}
    assert attachments.troubles() == failed
    incomplete = replace(watch(siren="a siren wails"), policies={})
    for _ in range(2):  # told once
        attachments.tell(lambda one: one.listening_for(incomplete))
    assert caplog.messages == ["attachment_failed", "attachment_failed"]
    failed |= {"home_assistant": f"internal error: KeyError('siren'); {ending}"}
    assert attachments.troubles() == failed
    attachments.tell(lambda one: one.listening_for(watch(siren="a siren wails")))
    assert TOPIC in link._states


def _attached(folder: Path) -> HomeAssistant:
    """To a box whose link is not started."""
    settings = Settings(node="press3", state_dir=folder, site="plant", home_assistant=ON)
    link = Link(settings.mqtt, "press3", "status", Store.in_memory(), FakeClock())
    attached = attach(Parts(settings, link))  # type: ignore[arg-type]
    assert attached is not None
    return attached
