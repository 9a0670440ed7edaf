"""A sound is taught on the page through a real PortAudio device, and then found by itself."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent.capture.scene import RATE_HZ, at_level, siren
from agent.core.records import Origin
from agent.store import Store
from tests.browser.stage import stage
from tests.integration.pulse import pulse_server
from tests.signals import noise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [pytest.mark.broker, pytest.mark.device]

_DESCRIPTIONS = """\
version: 1
errors:
  - {id: glass_broken, text: ガラスが割れる音, hits: 2 of 3}
  - {id: door_closed, text: ドアが閉まる音, hits: 2 of 3}
background: [a machine hums]
"""
"""None of their words says what a siren is: it scores under 1 by them."""
_SIREN_S = 3.0
"""So much shorter than the box listens that it may also begin seconds late."""

_ENDS = ("fine", "unsure", "bad")
_TAKES = 3
"""On a busy machine the siren may begin after the box has listened: a person then tries again."""


def test_what_words_miss_is_taught_and_then_alarms(
    open_page: Callable[..., Page], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A siren under the words of breaking glass, over hissing air, which teaches nothing."""
    (tmp_path / "descriptions.yaml").write_text(_DESCRIPTIONS, encoding="utf-8")
    air, sound = tmp_path / "air.wav", tmp_path / "siren.wav"
    soundfile.write(air, 0.01 * noise(300 * RATE_HZ), RATE_HZ)
    wailing = at_level(siren(np.random.default_rng(3)), -18.0)
    soundfile.write(sound, wailing[: round(_SIREN_S * RATE_HZ)], RATE_HZ)
    settings = {
        "descriptions": str(tmp_path / "descriptions.yaml"),
        "sources": [{"name": "mic1", "kind": "microphone", "device": "default"}],
    }
    with (
        pulse_server(tmp_path / "pulse", monkeypatch) as server,
        server.playing(air),
        stage(tmp_path, settings) as running,
        closing(Store.open(running.folder / "state")) as store,
    ):
        page = open_page(f"{running.address}/teach", locale="ja")
        page.select_option("#taught-what", "glass_broken")
        page.select_option("#taught-where", "mic1")
        page.select_option("#seconds", "5")
        listen = page.locator(".ask .primary").last
        listen.click()
        page.fill("#who", "早番")
        page.click("dialog .primary")
        caught = page.locator(".caught").first
        state = caught.locator(".state")
        state.get_by_text("見本として使いません: この現場の普段の音と区別がつきません。").wait_for()
        caught.get_by_text("捨てる", exact=True).click()
        state.get_by_text("捨てました", exact=True).wait_for()
        page.select_option("#seconds", "10")
        for _ in range(_TAKES):
            listen.click()
            page.locator(".caught[data-state='listen']").wait_for()
            with server.playing(sound):
                page.locator(", ".join(f".caught[data-state='{end}']" for end in _ENDS)).wait_for()
            if caught.get_attribute("data-state") == "fine":
                break
            taken = state.inner_text()
            caught.get_by_text("捨てる", exact=True).click()
            state.get_by_text("捨てました", exact=True).wait_for()
        else:
            pytest.fail(taken)
        assert {alert.origin for alert in store.alerts_since()} == {Origin.TAUGHT}
        page.goto(running.address)
        with server.playing(sound):
            card = page.locator(".card[data-id]")
            card.wait_for()
        assert "ガラスが割れる音" in card.locator("h2").inner_text()
        (alert,) = [one for one in store.alerts_since() if one.origin is Origin.DETECTED]
        assert alert.detection.error_id == "glass_broken"
        assert alert.alert_id == card.get_attribute("data-id")
