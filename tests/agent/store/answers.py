"""Answers and clips for tests of what keeps them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from agent.core.answers import Answer, Entry, Through
from agent.core.records import Alert, ClipRecord, Speech, Step, Verdict
from tests.agent.store.records import ALERT
from tests.views import views

if TYPE_CHECKING:
    from agent.store import Store
    from agent.store.box import BoxStore

NOW = 1_767_323_045.678


def answer(number: int = 1, **fields: Any) -> Answer:
    """One answer to the alert of the store's tests, but for what is said."""
    made = Answer(
        label_id=f"01KE1{number:021d}",
        alert_id=ALERT.alert_id,
        verdict=Verdict.CONFIRM,
        relevance=90.0,
        label=None,
        operator="shift-a",
        given_at=NOW + number - 1.5,
        received_at=NOW + number,
        request_id=f"r{number}",
        through=Through.MQTT,
    )
    return replace(made, **fields)


def give(store: Store | BoxStore, one: Answer, *payloads: str) -> bool:
    """Keep an answer with messages and a line of the trail."""
    entry = Entry(one.received_at, "verdict", one.operator or "", {"label_id": one.label_id})
    return store.answer(one, [("alert", payload) for payload in payloads], entry)


def clip(alert_id: str = ALERT.alert_id, **fields: Any) -> ClipRecord:
    """What is known of a clip, but for what is said."""
    vector = np.arange(1, 9, dtype=np.float32)
    made = ClipRecord(
        alert_id=alert_id,
        file=f"2026/{alert_id}.flac",
        picture=f"2026/{alert_id}.png",
        starts_at=5.0,
        duration_s=10.0,
        size_bytes=1_000,
        speech=Speech.NONE,
        views=views(vector / np.linalg.norm(vector), 5),
        peak_s=6.0,
    )
    return replace(made, **fields)


def alert(number: int, step: Step = Step.END) -> Alert:
    """The alert of the store's tests with another id, and ended."""
    alert_id = f"{ALERT.alert_id[:-3]}{number:03d}"
    return replace(ALERT, alert_id=alert_id, detection=replace(ALERT.detection, step=step))
