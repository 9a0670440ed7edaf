"""A box in Home Assistant itself: agent, Mosquitto as docs/security.md sets it up, its own pages.

``KIKIMIMI_HOME_ASSISTANT`` names the interpreter of an environment that has it, else one is made;
``KIKIMIMI_SCREENSHOTS=docs/images`` keeps the pictures of docs/integrations/home-assistant.md.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import soundfile
import yaml
from PIL import Image

from agent.capture.scene import RATE_HZ
from agent.cli.child import running_agent
from agent.core.records import Origin, Verdict
from agent.store import Store
from tests.browser.stage import PATIENCE_MS, chromium
from tests.integration.boxes import READY_S, settings_of
from tests.integrations.home_assistant_core import home_assistant_core, install
from tests.integrations.steps import Steps
from tests.secure_broker import SHIPPED, person, secure_broker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from playwright.sync_api import Browser, Page

    from agent.capture.scene import Scene
    from agent.cli.child import Child
    from tests.integrations.home_assistant_core import HomeAssistantCore
    from tests.mosquitto import Mosquitto
    from tests.secure_broker import Authority

pytestmark = [pytest.mark.full, pytest.mark.broker]

CONFIGS = SHIPPED.parent
PASSWORDS = {"press3": "pw-of-press3", "homeassistant": "pw-of-home"}
TOPIC = "homeassistant/device/press3/config"
OF_THE_BOX = {
    *("event.press3_alert", "event.press3_answer", "sensor.press3_question"),
    *("button.press3_yes", "button.press3_no", "sensor.press3_open_alerts"),
    *("binary_sensor.press3_health", "sensor.press3_lag"),
    *("binary_sensor.press3_state_mic1", "sensor.press3_level_mic1"),
}
KEPT = ("metal_part_dropped", "glass_broken", "air_leak", "siren")
"""Descriptions that are left when the others are taken out of their file."""
SETTLED_S = 3.5
SET = 5.3
NEW = {"en": "Alert", "ja": "アラート"}
YES = {"en": "Yes, it was that", "ja": "はい、この音でした"}


@dataclass
class Floor:
    """What runs."""

    folder: Path
    language: str
    broker: Mosquitto
    authority: Authority
    """Of the broker's certificate."""
    core: HomeAssistantCore
    browser: Browser
    steps: Steps

    @property
    def descriptions(self) -> Path:
        """Of the box."""
        return self.folder / "descriptions.yaml"

    @contextmanager
    def box(self, *, discovery: bool = True) -> Iterator[Child]:
        """The agent, listening."""
        source = {
            "name": "mic1",
            "kind": "file",
            "path": str(self.folder / "factory.wav"),
            "loop": True,
        }
        settings = settings_of(self.folder, self.broker.port, source)
        settings["mqtt"] |= {
            "username": "press3",
            "password_file": str(self.folder / "password"),
            "tls": {"enabled": True, "ca_file": str(self.authority.certificate)},
        }
        settings["home_assistant"] = {"discovery": discovery}
        with running_agent(self.folder, settings) as child:
            child.wait_for_event("ready", READY_S)
            yield child

    def store(self) -> closing[Store]:
        """What the box has kept."""
        return closing(Store.open(self.folder / "state"))

    @contextmanager
    def page(self) -> Iterator[Page]:
        """The page of the device, as a person sees it."""
        with closing(
            self.browser.new_context(
                locale=self.language,
                timezone_id="Asia/Tokyo",
                service_workers="block",
                viewport={"width": 1280, "height": 1440},
            )
        ) as context:
            context.set_default_timeout(PATIENCE_MS)
            kept = {
                "hassTokens": json.dumps(self.core.tokens),
                "selectedLanguage": json.dumps(self.language),
                "dockedSidebar": json.dumps("always_hidden"),
            }
            context.add_init_script(f"Object.assign(localStorage, {json.dumps(kept)})")
            page = context.new_page()
            page.goto(f"{self.core.address}/config/devices/device/{self.device()}")
            page.get_by_text(NEW[self.language], exact=True).first.wait_for()
            yield page

    def device(self) -> str:
        """Its id of the box; empty where it knows none."""
        return self.core.render("{{ device_id('press3') or '' }}")

    def entities(self) -> set[str]:
        """Entities of the box that are there and not unavailable."""
        listed = (
            "{{ device_entities(device_id('press3') or '') "
            "| reject('is_state', 'unavailable') | list | to_json }}"
        )
        return set(json.loads(self.core.render(listed)))

    def asked(self, ask: Callable[[], None]) -> dict[str, Any]:
        """Do something, and wait for what the box says of it in Home Assistant."""
        before = self.core.state("event.press3_answer")["state"]
        ask()

        def told() -> dict[str, Any] | None:
            now = self.core.state("event.press3_answer")
            return now if now["state"] != before else None

        attributes: dict[str, Any] = self.core.wait(told)["attributes"]
        return attributes


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment with Home Assistant."""
    return install(tmp_path_factory.mktemp("home-assistant"))


@pytest.fixture(params=["en", "ja"])
def floor(
    request: pytest.FixtureRequest, python: Path, tmp_path: Path, scene: Scene
) -> Iterator[Floor]:
    """The demo's factory and the shipped descriptions, in both languages."""
    language = request.param
    soundfile.write(tmp_path / "factory.wav", scene.samples, RATE_HZ, subtype="PCM_16")
    (tmp_path / "descriptions.yaml").write_bytes(
        (CONFIGS / f"descriptions.{language}.yaml").read_bytes()
    )
    (tmp_path / "password").write_text(PASSWORDS["press3"], encoding="utf-8")
    (tmp_path / "password").chmod(0o600)
    with secure_broker(tmp_path, PASSWORDS) as (broker, authority), chromium() as browser:
        steps = Steps()
        with home_assistant_core(python, tmp_path / "core", language) as core:
            steps.done("it starts for the first time")
            core.onboard()
            steps.done("its owner is made")
            password = PASSWORDS["homeassistant"]
            core.add_mqtt(broker.port, "homeassistant", password, authority.certificate)
            steps.done("step 1: MQTT")
            yield Floor(tmp_path, language, broker, authority, core, browser, steps)


def test_a_box_lives_in_home_assistant(floor: Floor, capsys: pytest.CaptureFixture[str]) -> None:
    """It appears, alarms, is answered, outlives a restart, loses descriptions, and goes."""
    described = yaml.safe_load(floor.descriptions.read_text(encoding="utf-8"))
    every = {one["id"]: one["text"] for one in described["errors"]}
    with floor.box() as child:
        floor.core.wait(lambda: floor.entities() == _expected(every))
        floor.steps.done("steps 3 and 4: the agent starts; the device is there, and all of it")
        _hear_and_answer(floor, every)
        with capsys.disabled():
            sys.stdout.write(f"\n{floor.steps}\n")
        _report(floor)
        _set_threshold(floor)
        _restart(floor, child)
        floor.core.wait(lambda: floor.entities() == _expected(every))
        assert floor.core.state("number.press3_threshold_siren")["state"] == str(SET)
        described["errors"] = [one for one in described["errors"] if one["id"] in KEPT]
        floor.descriptions.write_text(
            yaml.safe_dump(described, allow_unicode=True), encoding="utf-8"
        )
        floor.core.wait(lambda: floor.entities() == _expected(KEPT))
        assert floor.core.state("button.press3_heard_vehicle_horn_mic1") == {}
        _look(floor)
    floor.core.wait(lambda: floor.entities() == set())  # it said that it goes
    assert floor.device()
    with floor.box(discovery=False):
        floor.core.wait(lambda: not floor.device())
    told = re.findall(r"^\S+ \S+ (?:WARNING|ERROR) .*", floor.core.log, re.MULTILINE)
    assert [line for line in told if re.search("mqtt|template|press3", line)] == []


def _expected(error_ids: Iterable[str]) -> set[str]:
    """Entities of a box that listens for these."""
    return OF_THE_BOX | {
        entity
        for one in error_ids
        for entity in (f"button.press3_heard_{one}_mic1", f"number.press3_threshold_{one}")
    }


def _hear_and_answer(floor: Floor, texts: dict[str, str]) -> None:
    """An alert is shown, and yes to it, pressed on the device's page, is kept by the box."""
    core = floor.core
    core.wait(lambda: core.state("event.press3_alert")["state"] != "unknown")
    attributes = core.state("event.press3_alert")["attributes"]
    assert attributes["description"] == texts[attributes["error_id"]]
    assert attributes["friendly_name"] == f"press3 {NEW[floor.language]}"
    with floor.store() as store:
        known = {alert.alert_id for alert in store.alerts_since()}
    assert attributes["alert_id"] in known

    def settled() -> bool:
        shown = core.state("button.press3_yes")["attributes"]
        return bool(shown.get("alert_id")) and time.time() - shown["since"] > SETTLED_S

    with floor.page() as page:
        row = page.locator("hui-button-entity-row").filter(has_text=YES[floor.language])
        yes = row.locator("mwc-button")
        yes.scroll_into_view_if_needed()
        core.wait(settled)
        floor.steps.done("the page of the device is open, and an alert is asked there")
        # Where another one comes up in this moment, the box refuses: a person presses again.
        for _ in range(10):
            assert core.state("sensor.press3_question")["state"] in texts.values()
            answer = floor.asked(yes.click)
            if answer["event_type"] == "accepted":
                break
            core.wait(settled)
    assert (answer["event_type"], answer["command"]) == ("accepted", "verdict")
    with floor.store() as store:
        (kept,) = store.answers_since()
    assert (kept.verdict, kept.operator) == (Verdict.CONFIRM, "home-assistant")
    floor.steps.done("*yes* is pressed there; the box has kept it as confirmed")


def _report(floor: Floor) -> None:
    """A sound that raised no alert, once the box remembers the half minute that is meant."""
    button = "button.press3_heard_vehicle_horn_mic1"
    while floor.asked(lambda: floor.core.press(button))["event_type"] == "refused":
        time.sleep(2.0)  # a box takes 30 a minute
    with floor.store() as store:
        (missed,) = [one for one in store.alerts_since() if one.origin is Origin.MISSED]
    assert missed.detection.error_id == "vehicle_horn"


def _set_threshold(floor: Floor) -> None:
    """The number is what the box has, and sets it."""
    number = "number.press3_threshold_siren"
    assert floor.core.state(number)["state"] == "4.5"
    answer = floor.asked(lambda: floor.core.set_number(number, SET))
    assert (answer["event_type"], answer["command"]) == ("accepted", "threshold")
    floor.core.wait(lambda: floor.core.state(number)["state"] == str(SET))


def _restart(floor: Floor, child: Child) -> None:
    """The box is told of again at the birth message alone: the broker has forgotten it by then."""
    floor.core.stop()
    who = ("homeassistant", PASSWORDS["homeassistant"])
    with person(floor.broker.port, floor.authority, *who) as one:
        one.publish(TOPIC, "", retain=True)
    floor.core.start()
    child.wait_for_event("home_assistant_started", READY_S)


def _look(floor: Floor) -> None:
    """A picture of the page."""
    with floor.page() as look:
        look.get_by_text(re.compile("-[0-9.]+ dBFS")).first.wait_for()
        look.locator("ha-logbook-renderer .entry").first.wait_for()
        look.locator("ha-state-icon path").last.wait_for()
        folder = Path(os.environ.get("KIKIMIMI_SCREENSHOTS", floor.folder))
        picture = Image.open(io.BytesIO(look.screenshot())).convert("RGB")
        picture.quantize(256, dither=Image.Dither.NONE).save(
            folder / f"home-assistant-device-{floor.language}.png", optimize=True
        )
