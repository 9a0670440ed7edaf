"""Alerts with clips in a store, and what people say of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from agent.core.records import Provenance, Verdict
from tests.agent.store.answers import alert, answer, clip, give
from tests.bundles import ACOUSTIC_SIZE, EMBEDDING_SIZE
from tests.views import views

if TYPE_CHECKING:
    from agent.store import Store
    from agent.store.box import BoxStore

ERROR_ID = alert(1).detection.error_id


def unit(seed: int) -> Any:
    """An embedding."""
    drawn = np.random.default_rng(seed).standard_normal(EMBEDDING_SIZE)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def keep(store: Store, number: int, digest: str, **fields: Any) -> str:
    """An alert with a clip; its id."""
    made = replace(alert(number), provenance=Provenance(digest, "sha256:d"))
    store.record(made, [])
    values = {"views": views(unit(number), ACOUSTIC_SIZE), "file": None} | fields
    store.keep_clip(clip(made.alert_id, **values))
    return made.alert_id


def say(store: Store | BoxStore, alert_id: str, verdict: Verdict, number: int, who: str) -> None:
    """One person's answer."""
    give(store, answer(number, alert_id=alert_id, verdict=verdict, operator=who))
