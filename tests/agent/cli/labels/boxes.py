"""A box's state folder with alerts, clips and answers, made as the agent makes them."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from agent.core.records import Alert, Provenance, Step, Verdict
from agent.store import CLIPS_FOLDER, Store
from tests.agent.store.answers import answer, clip, give
from tests.agent.store.records import ALERT

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 32_000
DAY_S = 86_400.0
FIRST_AT = 1_767_323_045.0
"""2026-01-02T03:04:05Z, when the first alert began; each next one a day later."""
TEXTS = ("金属部品が床に落ちた音", "a person shouts for help", "ガラスが割れる音")


def sha256(text: str) -> str:
    """A hash as provenance has it."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def heard(number: int) -> Alert:
    """One of the box's alerts."""
    starts_at = FIRST_AT + number * DAY_S
    detection = replace(
        ALERT.detection,
        step=Step.END,
        starts_at=starts_at,
        peaks_at=starts_at + 1,
        ends_at=starts_at + 3,
    )
    return replace(
        ALERT,
        alert_id=f"01KE0000000000000000000{number:03d}",
        detection=detection,
        description=TEXTS[number % len(TEXTS)],
        provenance=Provenance(sha256("bundle"), sha256("descriptions")),
    )


def make_box(folder: Path) -> Path:
    """A state folder and the ``agent.yaml`` that names it.

    Three alerts: the first confirmed by shift-a after it was rejected, and rejected by shift-b;
    the second rejected, its sound not kept; the third unsure, then taken back.
    """
    state = folder / "state"
    with closing(Store.open(state)) as store:
        for number in range(3):
            alert = heard(number)
            store.record(alert, [])
            name = f"2026/{alert.alert_id}.flac"
            kept = clip(
                alert.alert_id,
                file=None if number == 1 else name,
                picture=f"2026/{alert.alert_id}.png",
                starts_at=alert.detection.starts_at - 2.0,
            )
            path = state / CLIPS_FOLDER / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".png").write_bytes(b"\x89PNG of a spectrogram")
            if kept.file is not None:
                sound = np.random.default_rng(number).uniform(-0.1, 0.1, RATE_HZ)
                soundfile.write(path, sound, RATE_HZ, subtype="PCM_16")
            store.keep_clip(kept)
        ids = [heard(number).alert_id for number in range(3)]
        at = FIRST_AT + 60.0
        first = answer(1, alert_id=ids[0], verdict=Verdict.REJECT)
        for one in (
            replace(first, given_at=at, received_at=at),
            answer(2, alert_id=ids[0], given_at=at + 5, received_at=at + 5),
            answer(
                3,
                alert_id=ids[0],
                operator="shift-b",
                verdict=Verdict.REJECT,
                relevance=10.0,
                given_at=at + 60,
                received_at=at + 60,
            ),
            answer(
                4,
                alert_id=ids[1],
                verdict=Verdict.REJECT,
                relevance=None,
                given_at=at + DAY_S,
                received_at=at + DAY_S,
            ),
            answer(
                5,
                alert_id=ids[2],
                verdict=Verdict.UNSURE,
                given_at=at + 2 * DAY_S,
                received_at=at + 2 * DAY_S,
                undone_at=at + 2 * DAY_S + 9,
                undone_request_id="u5",
            ),
        ):
            give(store, one)
    config = folder / "agent.yaml"
    config.write_text(json.dumps({"site": "p1", "node": "press3", "state_dir": str(state)}))
    return config
