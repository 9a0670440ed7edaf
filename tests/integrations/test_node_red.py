"""The flow in a real Node-RED: agent, Mosquitto, dashboard, and the Chromium of this machine.

``KIKIMIMI_SCREENSHOTS=docs/images`` keeps the pictures of docs/integrations/node-red.md there.
"""

from __future__ import annotations

import io
import json
import os
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import soundfile
from PIL import Image

from agent import descriptions
from agent.capture.scene import RATE_HZ
from agent.cli.child import running_agent
from agent.core.records import Origin, Verdict
from agent.store import Store
from tests.browser.stage import PATIENCE_MS, chromium
from tests.integration.boxes import BOX, READY_S, settings_of
from tests.integrations.node_red import install, node_red
from tests.mosquitto import listener, mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from agent.capture.scene import Scene
    from tests.mosquitto import Listener

pytestmark = [pytest.mark.full, pytest.mark.broker]

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WALL = {"viewport": {"width": 1600, "height": 900}}
WHO = {"en": "night shift", "ja": "夜勤 A班"}
STALE = {"en": "is no alert of this box", "ja": "はこの装置にありません"}


@dataclass
class Floor:
    """What runs, and the page that looks at it."""

    folder: Path
    language: str
    settings: dict[str, Any]
    heard: Listener
    browser: Browser
    dashboard: str

    @contextmanager
    def box(self) -> Iterator[None]:
        """The agent, listening."""
        with running_agent(self.folder, self.settings) as child:
            child.wait_for_event("ready", READY_S)
            yield

    @contextmanager
    def page(self, shape: dict[str, Any], path: str = "") -> Iterator[Page]:
        """A page of the dashboard; no script of it may fail."""
        errors: list[str] = []
        with closing(
            self.browser.new_context(
                locale=self.language,
                timezone_id="Asia/Tokyo",
                service_workers="block",
                device_scale_factor=1.5 if shape is PHONE else 1,
                **shape,
            )
        ) as context:
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda line: errors.append(line.text) if line.type == "error" else 0)
            page.goto(f"{self.dashboard}{path}")
            page.locator(".kk").first.wait_for()
            assert (
                page.evaluate("document.documentElement.scrollWidth")
                == (shape["viewport"]["width"])
            )
            yield page
        assert errors == []

    def keep(self, page: Page, name: str) -> None:
        """Keep a picture of the page, in 256 colours."""
        folder = Path(os.environ.get("KIKIMIMI_SCREENSHOTS", self.folder))
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        picture.quantize(256, dither=Image.Dither.NONE).save(
            folder / f"node-red-{name}-{self.language}.png", optimize=True
        )

    def store(self) -> closing[Store]:
        """What the box has kept."""
        return closing(Store.open(self.folder / "state"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Node-RED and the dashboard, from npm."""
    return install(tmp_path_factory.mktemp("npm"))


@pytest.fixture(params=["en", "ja"])
def floor(
    request: pytest.FixtureRequest, installed: Path, tmp_path: Path, scene: Scene
) -> Iterator[Floor]:
    """The demo's factory, in both languages."""
    language = request.param
    soundfile.write(tmp_path / "factory.wav", scene.samples, RATE_HZ, subtype="PCM_16")
    described = (CONFIGS / f"descriptions.{language}.yaml").read_text(encoding="utf-8")
    # What breaks sounds like a stack that collapses too, so that there is a candidate.
    lower = described.replace("- id: stack_collapsed", "- id: stack_collapsed\n    threshold: 2.0")
    assert lower != described
    (tmp_path / "descriptions.yaml").write_text(lower, encoding="utf-8")
    texts = {
        one.error_id: one.text for one in descriptions.load(tmp_path / "descriptions.yaml").errors
    }
    source = {"name": "mic1", "kind": "file", "path": str(tmp_path / "factory.wav"), "loop": True}
    with (
        mosquitto(tmp_path) as broker,
        listener(broker.port) as heard,
        chromium() as browser,
        node_red(
            installed,
            tmp_path / "node-red",
            {
                "KIKIMIMI_MQTT_HOST": "127.0.0.1",
                "KIKIMIMI_MQTT_PORT": str(broker.port),
                "KIKIMIMI_SITE": "plant",
                "KIKIMIMI_NODE": "press3",
                "KIKIMIMI_LANGUAGE": language,
                "KIKIMIMI_TEXTS": json.dumps(texts),
            },
        ) as dashboard,
    ):
        settings = settings_of(tmp_path, broker.port, source)
        yield Floor(tmp_path, language, settings, heard, browser, dashboard)


def test_alerts_are_answered_on_the_dashboard(floor: Floor) -> None:
    """Yes, a candidate, heard it, a threshold, undo; then a press for an alert of before."""
    with floor.page(PHONE) as page:  # the page without a path is that of the alerts
        page.locator(".kk-trouble").wait_for()
        with floor.box():
            _answer(floor, page)
            _look_at_alerts(floor)
            _report(floor, page)
            _look_at_the_box(floor)
            _set_threshold(floor, page)
            _take_back(floor, page)
        _press_for_a_box_that_was_replaced(floor, page)


def _answer(floor: Floor, page: Page) -> None:
    """Yes to one alert, and a candidate of another."""
    with_candidate = page.locator(".kk-card:has(.kk-candidate):has(img)").first
    with_candidate.wait_for()
    page.locator(".kk-head input").fill(WHO[floor.language])
    page.locator(".kk-head input").blur()
    assert page.locator(".kk-card img").last.evaluate("(img) => img.naturalWidth") > 500
    page.evaluate("window.scrollTo(0, 0)")
    alert_id = with_candidate.get_attribute("data-alert")
    assert alert_id is not None
    with_candidate.evaluate("(card) => card.scrollIntoView({block: 'center'})")
    floor.keep(page, "alerts-phone")
    candidate = with_candidate.locator(".kk-candidate").first
    other = candidate.get_attribute("data-error")
    candidate.click()
    page.locator(f".kk-card[data-alert='{alert_id}']").wait_for(state="detached")
    with floor.store() as store:
        (answer,) = store.answers(alert_id)
    assert (answer.verdict, answer.error_id) == (Verdict.REJECT, other)
    confirmed = page.locator(".kk-card").last.get_attribute("data-alert")
    assert confirmed is not None
    page.locator(f".kk-card[data-alert='{confirmed}'] .kk-yes").click()
    page.locator(f".kk-card[data-alert='{confirmed}']").wait_for(state="detached")
    page.locator(".kk-presses p.kept").nth(1).wait_for()
    with floor.store() as store:
        (answer,) = store.answers(confirmed)
    assert (answer.verdict, answer.operator) == (Verdict.CONFIRM, WHO[floor.language])


def _report(floor: Floor, page: Page) -> None:
    """A sound of the last minute that raised no alert."""
    page.locator(".kk-nav a").nth(1).click()

    def answers() -> list[bool]:
        told = map(json.loads, floor.heard.on(f"{BOX}/cmd/result"))
        return [one["accepted"] for one in told if one["command"] == "heard"]

    while not any(answers()):  # until the box remembers a minute
        before = len(answers())
        page.locator(".kk-heard button[data-error='heavy_impact']:enabled").click()
        floor.heard.wait(lambda: len(answers()) > before)  # noqa: B023 - waited for at once
        page.wait_for_timeout(2_000)  # a box takes 30 a minute
    page.locator(".kk-heard p.kept").wait_for()
    floor.keep(page, "heard-phone")
    with floor.store() as store:
        (missed,) = [one for one in store.alerts_since() if one.origin is Origin.MISSED]
    assert missed.detection.error_id == "heavy_impact"


def _set_threshold(floor: Floor, page: Page) -> None:
    """The slider alone sends nothing; its button publishes the command, and another ends it."""
    page.locator(".kk-nav a").nth(2).click()
    row = page.locator(".kk-threshold[data-error='glass_broken']")
    row.locator("input").fill("5.2")
    assert floor.heard.on(f"{BOX}/cmd/threshold") == []
    row.locator(".kk-set").click()
    floor.heard.wait(lambda: bool(floor.heard.on(f"{BOX}/cmd/threshold")))
    sent = json.loads(floor.heard.on(f"{BOX}/cmd/threshold")[0])
    assert sent.keys() == {"schema", "request_id", "error_id", "threshold", "operator", "ts"}
    assert (sent["error_id"], sent["threshold"]) == ("glass_broken", 5.2)
    row.locator("p.kept").wait_for()
    row.locator("b", has_text="5.2").wait_for()  # as the box tells it
    assert WHO[floor.language] in row.locator(".kk-row").inner_text()
    row.locator(".kk-auto").click()
    row.locator(".kk-auto").wait_for(state="detached")
    row.locator("b", has_text="4.").wait_for()


def _take_back(floor: Floor, page: Page) -> None:
    """Undo stands at one's own answers."""
    page.locator(".kk-nav a").nth(3).click()
    past = page.locator(".kk-past:has(.kk-verdict.confirm):has(button)").last
    alert_id = past.get_attribute("data-alert")
    assert alert_id is not None
    past.locator("button").click()
    page.locator(f".kk-past[data-alert='{alert_id}'] .kk-verdict.open").wait_for()
    with floor.store() as store:
        assert store.answers(alert_id)[0].undone_at is not None


def _look_at_alerts(floor: Floor) -> None:
    """On a wall screen, three beside each other."""
    with floor.page(WALL, "/kikimimi-alerts") as page:
        page.locator(".kk-card:has(img)").nth(2).wait_for()
        page.wait_for_function(
            "[...document.querySelectorAll('.kk-card')].slice(0, 3)"
            ".every((card) => card.querySelector('img'))"
        )
        tops = {card.bounding_box()["y"] for card in page.locator(".kk-card").all()[:3]}
        assert len(tops) == 1
        floor.keep(page, "alerts-wall")


def _look_at_the_box(floor: Floor) -> None:
    """On a wall screen: its health and thresholds, and what was."""
    with floor.page(WALL, "/kikimimi-box") as page:
        page.locator(".kk-headline.ok").wait_for()
        page.locator(".kk-threshold").nth(8).wait_for()
        floor.keep(page, "box-wall")
        page.locator(".kk-nav a").nth(3).click()
        page.locator(".kk-past").nth(4).wait_for()
        floor.keep(page, "history-wall")


def _press_for_a_box_that_was_replaced(floor: Floor, page: Page) -> None:
    """The answer waits at the broker; the new box has no such alert, and the page says so."""
    page.locator(".kk-nav a").first.click()
    page.locator(".kk-trouble").wait_for()
    stale = page.locator(".kk-card").first.get_attribute("data-alert")
    page.locator(f".kk-card[data-alert='{stale}'] .kk-yes").click()
    page.locator(f".kk-card[data-alert='{stale}'] p.sent").wait_for()
    for path in (floor.folder / "state").glob("kikimimi.sqlite3*"):
        path.unlink()
    with floor.box():
        refused = page.locator(".kk-presses p.refused", has_text=STALE[floor.language])
        refused.wait_for()
        page.locator(f".kk-card[data-alert='{stale}']").wait_for(state="detached")
        assert str(stale) in refused.inner_text()
        with floor.store() as store:
            assert store.answers(str(stale)) == []
