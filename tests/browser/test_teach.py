"""The page on which the box is taught, in a real Chromium beside a real agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.core.records import Origin
from agent.store import Store
from tests.browser.conftest import siren_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.browser.stage import Stage

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def running(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An agent of its own: what other tests answer teaches theirs other things."""
    with siren_stage(tmp_path_factory.mktemp("teach")) as one:
        yield one


def _name(page: Page) -> None:
    page.fill("#who", "shift-a")
    page.click("dialog .primary")


def _learnt(page: Page) -> str:
    """The id of the sound, once the box has learnt it."""
    row = page.locator(".caught[data-state='fine'], .caught[data-state='unsure']").first
    row.wait_for()
    alert_id = row.get_attribute("data-alert")
    assert alert_id
    return alert_id


def test_a_sound_is_taught_by_key_heard_and_discarded(
    running: Stage, open_page: Callable[..., Page]
) -> None:
    """Choose, press, make the noise; see and hear what was caught; throw it away."""
    page = open_page(f"{running.address}/teach")
    page.locator("#taught-what option", has_text="サイレン").wait_for(state="attached")
    page.wait_for_selector("#taught-where option", state="attached")
    page.select_option("#seconds", "10")
    page.locator("main").focus()
    page.keyboard.press("t")
    _name(page)
    page.locator(".caught .state", has_text="Make the noise now").wait_for()
    alert_id = _learnt(page)
    row = page.locator(f".caught[data-alert='{alert_id}']")
    assert "the rest of the sound scores" in row.inner_text()
    assert row.locator("img").evaluate("(img) => img.decode().then(() => img.naturalWidth)") > 100
    row.locator("button.play").click()
    page.wait_for_function("() => document.querySelector('.caught .time').textContent !== ''")
    store = Store.open(running.folder / "state")
    alert = store.alert(alert_id)
    assert alert is not None
    assert alert.origin is Origin.TAUGHT
    assert [one.undone_at for one in store.answers(alert_id)] == [None]
    row.get_by_text("Discard", exact=True).click()
    row.locator(".state").get_by_text("discarded", exact=True).wait_for()
    assert store.answers(alert_id)[0].undone_at is not None
    assert row.locator("img").count() == 0
    store.close()


def test_a_missed_sound_is_reported_on_a_phone(
    running: Stage, open_page: Callable[..., Page]
) -> None:
    """In Japanese, by touch; and the alerts that await an answer stay what they were."""
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = open_page(f"{running.address}/teach", locale="ja", **phone)
    page.locator("#missed-what option", has_text="ガラス").wait_for(state="attached")
    page.wait_for_selector("#missed-where option", state="attached")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for field in page.locator("main select, main .primary").all():
        box = field.bounding_box()
        assert box is not None
        assert box["height"] >= 50.0
    page.select_option("#missed-what", "glass_broken")
    page.select_option("#when", "6")  # long before this box was started
    page.locator(".ask .primary").first.tap()
    _name(page)
    page.locator(".caught[data-state='bad'] .state", has_text="の記憶は").wait_for()
    page.select_option("#missed-what", "siren")
    page.select_option("#when", "0")
    for _ in range(60):  # until the box remembers half a minute
        page.locator(".ask .primary").first.tap()
        answered = page.locator(".caught").first
        answered.locator(".state:not(:has-text('装置に頼みました'))").wait_for()
        if answered.get_attribute("data-state") != "bad":
            break
        page.wait_for_timeout(1_000)
    alert_id = _learnt(page)
    store = Store.open(running.folder / "state")
    alert = store.alert(alert_id)
    assert alert is not None
    assert (alert.origin, alert.detection.error_id) == (Origin.MISSED, "siren")
    assert store.answers(alert_id)[0].through.value == "console"
    assert alert_id not in [one.alert.alert_id for one in store.open_alerts(1_000).newest]
    store.close()


def test_the_last_minutes_are_seen_heard_and_reported(
    running: Stage, open_page: Callable[..., Page]
) -> None:
    """A moment of the curve is marked by keys, listened to, and reported."""
    page = open_page(f"{running.address}/teach")
    page.locator("#missed-what option", has_text="サイレン").wait_for(state="attached")
    page.wait_for_selector("#missed-where option", state="attached")
    page.get_by_text("Show the last minutes").click()
    page.locator(".timeline .curve polyline").wait_for()
    assert page.locator(".timeline .curve .over").count() > 0
    mark = page.locator(".timeline > input[type=range]")
    before = mark.get_attribute("aria-valuetext") or ""
    assert "サイレンが鳴り響く音" in before
    mark.focus()
    page.keyboard.press("Home")
    page.wait_for_function(
        "(was) => document.querySelector('.timeline > input').ariaValueText !== was", arg=before
    )
    page.keyboard.press("End")
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    assert page.input_value("#when") == "mark"
    page.locator(".timeline .row button").click()
    page.wait_for_function(
        "() => parseFloat(document.querySelector('.timeline .player .time').textContent) > 0.2"
    )
    page.select_option("#missed-what", "glass_broken")
    page.locator(".ask .primary").first.click()
    _name(page)
    alert_id = _learnt(page)
    store = Store.open(running.folder / "state")
    alert = store.alert(alert_id)
    assert alert is not None
    assert 5.0 < alert.detection.ends_at - alert.detection.starts_at < 11.0
    page.locator(".caught").get_by_text("Discard", exact=True).click()
    page.locator(".caught .state").get_by_text("discarded", exact=True).wait_for()
    store.close()
