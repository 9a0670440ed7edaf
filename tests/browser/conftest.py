"""Chromium, and the agent, broker and console that it looks at: started once for all tests."""

from __future__ import annotations

import json
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from paho.mqtt import publish

from agent.store import Store
from tests.browser.stage import BOX, PATIENCE_MS, chromium, stage
from tests.integration.scenes import WITH_ALARM, write_siren
from tests.mosquitto import PATIENCE_S, listener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Page

    from tests.browser.stage import Stage
    from tests.mosquitto import Listener


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as running:
        yield running


@contextmanager
def siren_stage(folder: Path) -> Iterator[Stage]:
    """An agent that hears a siren again and again, and pairs to rate."""
    described = folder / "descriptions.yaml"
    described.write_text(WITH_ALARM, encoding="utf-8")
    recording = write_siren(folder / "siren.wav", before_s=2.0, after_s=6.0)
    with (folder / "selected.jsonl").open("w", encoding="utf-8") as file:
        for number in range(10):
            name = f"{number}.flac"
            samples = np.sin(np.arange(8_000) * (0.1 + 0.02 * number)) * 0.1
            soundfile.write(folder / name, samples, 16_000)
            pair = {
                "list": 1, "caption": "c", "text": "笛が鳴る音", "language": "ja",
                "recording": str(number), "path": name, "score": 5.0, "why": "near",
            }  # fmt: skip
            file.write(f"{json.dumps(pair)}\n")
    settings = {
        "descriptions": str(described),
        "sources": [{"name": "hall", "kind": "file", "path": str(recording), "loop": True}],
        "publish": {"scores": True},
        "console": {"tasks": str(folder / "selected.jsonl")},
    }
    with stage(folder, settings) as one:
        yield one


@pytest.fixture(scope="package")
def shared_stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One for all files but those that make their own; started after the browser."""
    with siren_stage(tmp_path_factory.mktemp("stage")) as one:
        yield one


@pytest.fixture
def running(shared_stage: Stage) -> Iterator[Stage]:
    """The shared one. What a test answered is taken back: the box learns from every answer."""
    yield shared_stage
    with closing(Store.open(shared_stage.folder / "state")) as store:
        given = [answer for answer in store.answers_since() if answer.undone_at is None]
        for answer in given:
            undo = {
                "schema": 1,
                "request_id": f"undo-{answer.label_id}",
                "alert_id": answer.alert_id,
                "operator": answer.operator,
            }
            publish.single(
                f"{BOX}/cmd/undo",
                json.dumps(undo),
                1,
                hostname="127.0.0.1",
                port=shared_stage.broker.port,
            )
        deadline = time.monotonic() + PATIENCE_S
        while any(answer.undone_at is None for answer in store.answers_since()):
            assert time.monotonic() < deadline, "an answer could not be taken back"
            time.sleep(0.05)


@pytest.fixture
def heard(running: Stage) -> Iterator[Listener]:
    """A client that hears what is on the broker."""
    with listener(running.broker.port) as client:
        yield client


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages, and fails where one of them reported an error."""
    contexts = []
    errors: list[str] = []

    def told(line: ConsoleMessage) -> None:
        # Refusals of the server (503 without a broker) are told on the page.
        if line.type == "error" and "Failed to load resource" not in line.text:
            errors.append(line.text)

    def open_page(address: str, **context: Any) -> Page:
        one = browser.new_context(**{"locale": "en", **context})
        one.set_default_timeout(PATIENCE_MS)
        contexts.append(one)
        page = one.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", told)
        page.goto(address)
        return page

    yield open_page
    for one in contexts:
        one.close()
    assert errors == []
