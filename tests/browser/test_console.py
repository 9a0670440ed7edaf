"""The console in a real Chromium, beside a real agent that hears a scene and a real Mosquitto."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest
from paho.mqtt import publish
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.store import Store
from tests.browser.stage import BOX, stage
from tests.integration.scenes import DESCRIPTIONS
from tests.secure_broker import Authority

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.stage import Stage
    from tests.mosquitto import Listener

pytestmark = pytest.mark.broker

PASSWORD = "correct horse battery"  # noqa: S105 - made up
# Tells when a card of an alert came into the page, by the clock that the test has too.
_WATCH = """() => {
  window.seen = {};
  new MutationObserver(() => {
    for (const card of document.querySelectorAll(".card[data-id]")) {
      window.seen[card.dataset.id] ??= Date.now() / 1000;
    }
  }).observe(document.body, { childList: true, subtree: true });
}"""

_KEEP_AUDIO = """() => {
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    window.audio = this;
    return play.call(this);
  };
}"""


def _name(page: Page, name: str = "shift-a") -> None:
    page.fill("#who", name)
    page.click("dialog .primary")


def test_an_alert_appears_plays_and_is_confirmed_by_key(
    running: Stage, heard: Listener, open_page: Callable[..., Page], record_property: Any
) -> None:
    """From the sound to the verdict in the store and on the topic, without a mouse."""
    page = open_page(running.address)
    page.evaluate(_WATCH)
    arrived: dict[str, float] = {}

    def new_alert() -> str | None:
        for payload in heard.on(f"{BOX}/alert"):
            alert = json.loads(payload)
            if alert["event_type"] == "new":
                arrived.setdefault(alert["alert_id"], time.time())
        return next(iter(arrived), None)

    heard.wait(lambda: new_alert() is not None)
    alert_id = next(iter(arrived))
    page.wait_for_function("(id) => window.seen[id]", arg=alert_id)
    late_s = page.evaluate("(id) => window.seen[id]", alert_id) - arrived[alert_id]
    record_property("seconds from the message to the page", round(late_s, 3))
    print(f"on the page {late_s:+.3f} s after another client had the message")  # noqa: T201
    card = page.locator(f".card[data-id='{alert_id}']")
    for _ in range(page.locator(".card").count()):
        if card.get_attribute("aria-current") is None:
            page.keyboard.press("k")  # towards the newest
    assert card.get_attribute("aria-current") == "true"
    assert "サイレンが鳴り響く音" in card.inner_text()
    assert "Critical" in card.inner_text()
    card.locator(".picture img").wait_for()
    assert card.locator("img").evaluate("(img) => img.decode().then(() => img.naturalWidth)") > 100
    card.locator(".player").wait_for()
    page.evaluate(_KEEP_AUDIO)
    card.locator("h2 button").focus()
    page.keyboard.press("Space")
    page.wait_for_function("() => window.audio?.currentTime > 0.3")
    page.keyboard.press("Space")
    page.wait_for_function("() => window.audio.paused")
    assert page.evaluate("window.audio.duration") > 5.0
    page.keyboard.press("c")
    _name(page)
    given = page.locator(f".given[data-id='{alert_id}']")
    page.wait_for_selector(f".given[data-id='{alert_id}'][data-state='fine']")
    assert "stored" in given.inner_text()
    assert card.count() == 0
    store = Store.open(running.folder / "state")
    (answer,) = store.answers(alert_id)
    assert (answer.verdict.value, answer.operator) == ("confirm", "shift-a")
    assert answer.through.value == "console"

    def reviewed() -> list[str]:
        messages = map(json.loads, heard.on(f"{BOX}/alert"))
        mine = [one for one in messages if one["alert_id"] == alert_id]
        return [one["verdict"] for one in mine if one["event_type"] == "reviewed"]

    heard.wait(lambda: bool(reviewed()))
    assert reviewed() == ["confirm"]
    page.keyboard.press("z")
    given.get_by_text("taken back", exact=True).wait_for()
    assert store.answers(alert_id)[0].undone_at is not None
    page.wait_for_selector(f".card[data-id='{alert_id}']")
    store.close()


def test_a_phone_rejects_by_touch_and_other_pages_follow(
    running: Stage, open_page: Callable[..., Page]
) -> None:
    """With a rating of the words; a second page loses the alert at the same time."""
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = open_page(running.address, locale="ja", **phone)
    other = open_page(running.address)
    card = page.locator(".card[aria-current]")
    card.wait_for()
    alert_id = card.get_attribute("data-id")
    other.wait_for_selector(f".card[data-id='{alert_id}']")
    for button in page.locator(".card[aria-current] .answer, .tab, .card .head").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 56.0
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    card.locator(".markbutton", has_text="25").tap()
    card.locator(".answer.reject").tap()
    _name(page, "夜勤 A")
    page.wait_for_selector(f".given[data-id='{alert_id}'][data-state='fine']")
    assert "保存しました" in page.locator(".given").first.inner_text()
    other.wait_for_selector(f".card[data-id='{alert_id}']", state="detached")
    store = Store.open(running.folder / "state")
    answer = store.answers(str(alert_id))[-1]
    assert (answer.verdict.value, answer.operator, answer.relevance) == ("reject", "夜勤 A", 25.0)
    store.close()


def test_it_was_another_one_is_one_touch_or_a_choice(
    running: Stage, heard: Listener, open_page: Callable[..., Page]
) -> None:
    """A candidate of the alert by its key or its button, any other description from a list."""
    page = open_page(running.address)
    card = page.locator(".card[aria-current]:has(.candidate)")
    card.locator(".candidate", has_text="警報ベルが鳴る音").wait_for()
    alert_id = card.get_attribute("data-id")
    assert "サイレンが鳴り響く音" in card.locator("h2").inner_text()
    page.keyboard.press("1")
    _name(page)
    given = page.locator(f".given[data-id='{alert_id}'][data-state='fine']")
    given.wait_for()
    assert "It was: 警報ベルが鳴る音" in given.inner_text()
    store = Store.open(running.folder / "state")
    answer = store.answers(str(alert_id))[-1]
    assert (answer.verdict.value, answer.error_id) == ("reject", "alarm")
    assert answer.description == "警報ベルが鳴る音"

    def meant() -> list[str | None]:
        messages = map(json.loads, heard.on(f"{BOX}/alert"))
        return [
            one["verdict_error_id"]
            for one in messages
            if one["alert_id"] == alert_id and one["event_type"] == "reviewed"
        ]

    heard.wait(lambda: bool(meant()))
    assert meant() == ["alarm"]
    page.keyboard.press("z")
    page.locator(f".given[data-id='{alert_id}']").get_by_text("taken back", exact=True).wait_for()
    card = page.locator(f".card[data-id='{alert_id}']")
    card.wait_for()
    if card.get_attribute("aria-current") is None:
        card.locator("h2 button").click()
    say = card.get_by_role("button", name="It was this")
    card.locator("option", has_text="ガラスが割れる音").wait_for(state="attached")
    assert say.is_disabled()
    card.locator("select").select_option("glass_broken")
    say.click()
    given = page.locator(f".given[data-id='{alert_id}'][data-state='fine']")
    given.wait_for()
    assert "It was: ガラスが割れる音" in given.inner_text()
    assert store.answers(str(alert_id))[-1].error_id == "glass_broken"
    store.close()


def test_descriptions_show_what_is_heard_and_are_edited(
    running: Stage, heard: Listener, open_page: Callable[..., Page]
) -> None:
    """A bar reaches its mark; a mistake is told while it is written; a save is taken over."""
    page = open_page(f"{running.address}/descriptions")
    page.wait_for_selector(".bar[data-id='siren'][data-heard]")
    heard.wait(lambda: bool(heard.on(f"{BOX}/config/state")))
    state = json.loads(heard.on(f"{BOX}/config/state")[-1])
    mark = page.locator(".bar[data-id='siren'] small")
    assert f"threshold {state['thresholds']['siren']:.1f}" in mark.inner_text()
    # As after cmd/threshold: what the box says counts, whatever the file says, and who says so.
    said = {"siren": {"operator": "shift-a", "ts": "2026-01-02T03:04:05.000Z"}}
    moved = {
        **state,
        "thresholds": {**state["thresholds"], "siren": 6.5},
        "operator_thresholds": said,
    }
    publish.single(
        f"{BOX}/config/state", json.dumps(moved), 1, hostname="127.0.0.1", port=running.broker.port
    )
    mark.get_by_text("threshold 6.5 (set by shift-a, ").wait_for()
    area, save = page.locator("#yaml"), page.get_by_role("button", name="Save")
    before = area.input_value()
    area.fill(before.replace("severity:", "sevrity:"))
    problem = page.locator(".problems button")
    problem.wait_for()
    assert re.search(r"Line 6.*did you mean 'severity'", problem.inner_text(), re.DOTALL)
    assert save.is_disabled()
    problem.click()
    assert page.evaluate("document.activeElement.id") == "yaml"
    area.fill(before.replace("ガラスが割れる音", "ガラスが割れて散る音"))
    page.wait_for_selector("button.primary:enabled")
    area.press("Control+s")
    page.locator(".bars").get_by_text("ガラスが割れて散る音").wait_for()
    page.get_by_text("This file is in force.").wait_for()
    assert "割れて散る" in (running.folder / "descriptions.yaml").read_text(encoding="utf-8")


def test_ratings_need_a_listen_and_a_touch(running: Stage, open_page: Callable[..., Page]) -> None:
    """No value before that; by keys alone; what is kept is what was chosen."""
    page = open_page(f"{running.address}/rate")
    page.get_by_role("button", name="Start").click()
    _name(page, "tanaka")
    page.wait_for_selector(".sentence")
    slider, following = page.locator("#slider"), page.get_by_role("button", name="Next")
    assert slider.is_disabled()
    assert slider.get_attribute("aria-valuetext") == "no value yet"
    for number in range(11):
        page.get_by_text(f"{number + 1} of 11").wait_for()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Space")
        page.wait_for_selector("#slider:enabled")
        assert following.is_disabled()
        page.keyboard.press("4")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
    page.get_by_text("0 points apart").wait_for()
    folder = running.folder / "state" / "console" / "ratings"
    lines = [json.loads(line) for line in (folder / "ratings.jsonl").read_text().splitlines()]
    assert len(lines) == 10
    assert {(one["rating"], one["rater"], one["kind"]) for one in lines} == {
        (76, "tanaka", "human")
    }
    journal = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    assert sum(one["again"] for one in journal) == 1
    assert all(0.0 < one["played_s"] <= 0.6 for one in journal)


def test_health_is_told_and_the_language_changes(
    running: Stage, open_page: Callable[..., Page]
) -> None:
    """State, sources with their level, versions; both languages, kept for the next time."""
    page = open_page(f"{running.address}/health")
    page.get_by_text("delivers sound").wait_for()
    page.get_by_text("dBFS").first.wait_for()
    page.get_by_role("button", name="日本語").click()
    page.get_by_text("受信中").first.wait_for()
    assert page.evaluate("document.documentElement.lang") == "ja"
    page.reload()
    page.get_by_text("マイク").wait_for()


def test_a_japanese_page_words_reasons_and_refusals_in_japanese(
    running: Stage, heard: Listener, open_page: Callable[..., Page]
) -> None:
    """What health says of a mute, and why a verdict cannot be taken back twice."""

    def ask(command: str, **fields: Any) -> None:
        payload = json.dumps({"schema": 1, "request_id": f"ja-{time.time_ns()}", **fields})
        # A box whose clock is not set takes a mute at once only with an expiry.
        expiry = Properties(PacketTypes.PUBLISH)
        expiry.MessageExpiryInterval = 60
        message = {
            "topic": f"{BOX}/cmd/{command}",
            "payload": payload,
            "qos": 1,
            "properties": expiry,
        }
        publish.multiple(
            [message],
            hostname="127.0.0.1",
            port=running.broker.port,
            protocol=MQTTProtocolVersion.MQTTv5,
        )

    def mute(duration_s: float) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        ask("mute", error_id="glass_broken", duration_s=duration_s, ts=now)

    page = open_page(f"{running.address}/health", locale="ja")
    mute(600.0)
    muted = "glass_broken: 消音中です。解除するには cmd/mute を duration_s 0 で送ってください。"
    page.get_by_text(muted).wait_for()
    mute(0.0)
    page.get_by_text(muted).wait_for(state="detached")
    page.goto(running.address)
    card = page.locator(".card[aria-current]")
    card.wait_for()
    alert_id = card.get_attribute("data-id")
    page.keyboard.press("c")
    _name(page, "早番")
    page.wait_for_selector(f".given[data-id='{alert_id}'][data-state='fine']")
    ask("undo", alert_id=alert_id, operator="早番")
    heard.wait(lambda: any('"undo"' in payload for payload in heard.on(f"{BOX}/cmd/result")))
    page.keyboard.press("z")
    given = page.locator(f".given[data-id='{alert_id}']")
    given.get_by_text("'早番' さんの回答で、取り消せるものがありません。").wait_for()
    refusals = [json.loads(payload) for payload in heard.on(f"{BOX}/cmd/result")]
    assert ("verdict_none", {"operator": "'早番'"}) in [
        (one.get("code"), one.get("parameters")) for one in refusals
    ]


def test_nobody_comes_in_without_the_password(
    open_page: Callable[..., Page], tmp_path: Path
) -> None:
    """Set up with the token, logged out, refused, and let in."""
    (tmp_path / "descriptions.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    settings = {"descriptions": str(tmp_path / "descriptions.yaml")}
    with stage(tmp_path, settings, agent=False, arguments=("--host", "0.0.0.0")) as one:  # noqa: S104
        page = open_page(f"{one.address}/setup#{one.setup}")
        page.fill("#password", PASSWORD)
        page.fill("#twice", PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_text("Nothing to answer").wait_for()
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("heading", name="Log in").wait_for()
        page.wait_for_function("() => document.activeElement.id === 'password'")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_text("Nothing to answer").wait_for()


def test_with_a_certificate_the_page_comes_encrypted(
    open_page: Callable[..., Page], tmp_path: Path
) -> None:
    """Set up and logged in over TLS; the cookie is one that no plain page may set or read."""
    certificate, key = Authority.create(tmp_path / "ca").issue("console")
    (tmp_path / "descriptions.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    settings = {
        "descriptions": str(tmp_path / "descriptions.yaml"),
        "console": {"cert_file": str(certificate), "key_file": str(key)},
    }
    with stage(tmp_path, settings, agent=False, arguments=("--host", "0.0.0.0")) as one:  # noqa: S104
        page = open_page(f"{one.address}/setup#{one.setup}", ignore_https_errors=True)
        page.fill("#password", PASSWORD)
        page.fill("#twice", PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_text("Nothing to answer").wait_for()
        (cookie,) = page.context.cookies()
        assert (cookie["name"], cookie["secure"]) == ("__Host-kikimimi", True)
        port = int(one.address.rpartition(":")[2])
        context = ssl.create_default_context(cafile=tmp_path / "ca" / "ca.crt")
        encrypted = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60.0)
        encrypted.request("GET", "/")
        assert encrypted.getresponse().headers["strict-transport-security"]
        plain = http.client.HTTPConnection("127.0.0.1", port, timeout=60.0)
        plain.request("GET", "/")
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            plain.getresponse()
        encrypted.close()
        plain.close()


def test_a_broker_that_goes_is_told_and_an_answer_can_be_sent_again(
    running: Stage, open_page: Callable[..., Page]
) -> None:
    """Nothing is half done: the alert stays, and the second attempt is stored."""
    page = open_page(running.address)
    page.locator(".card[aria-current]").wait_for()
    running.broker.kill()
    page.wait_for_selector(".chip[data-state='noBroker']")
    page.get_by_text("the broker cannot be reached").wait_for()
    page.keyboard.press("u")
    _name(page)
    page.get_by_text("not sent: nothing was sent").first.wait_for()
    running.broker.start()
    page.wait_for_selector(".chip[data-state='live']")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".given[data-state='fine']")
