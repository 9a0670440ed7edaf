"""A simulated month of a press shop in a real store, and what is true of it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.alerts.alerts import new_id
from agent.core.answers import Answer, Entry, Through
from agent.core.records import Alert, Detection, Provenance, Severity, Step, Verdict
from agent.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ZONE = ZoneInfo("Asia/Tokyo")
SINCE = datetime(2026, 5, 1, tzinfo=ZONE).timestamp()
UNTIL = datetime(2026, 5, 31, tzinfo=ZONE).timestamp()
DAYS = 30
SHIFTS = "早番 06:00-14:00, 遅番 14:00-22:00, 夜勤 22:00-06:00"

DESCRIPTIONS = """
version: 1
defaults: {threshold: 4.5, false_alarms_per_day: 1}
errors:
  - {id: metal_part_dropped, text: 金属部品が床に落ちた音, unlike: [部品を箱に入れる音]}
  - {id: press_misfire, text: プレス機が空打ちする音, false_alarms_per_day: 0.5}
  - {id: air_leak, text: 圧縮空気が漏れ続ける音, threshold: auto, false_alarms_per_day: 0.5}
  - {id: belt_squeal, text: ベルトが滑って鳴く音}
  - {id: vehicle_horn, text: 車両の警笛が鳴る音}
  - {id: glass_broken, text: ガラスや陶器が割れる音}
  - {id: steam_leak, text: 蒸気が激しく噴き出す音}
  - {id: resting, text: 休ませている項目, enabled: false}
"""
TEXTS = {
    "metal_part_dropped": "金属部品が床に落ちた音",
    "press_misfire": "プレス機が空打ちする音",
    "air_leak": "圧縮空気が漏れ続ける音",
    "belt_squeal": "ベルトが滑って鳴く音",
    "vehicle_horn": "車両の警笛が鳴る音",
}


@dataclass
class Month:
    """What was put into the store, counted while it was made."""

    store: Store
    chance: random.Random
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (error id, outcome)."""
    sources: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    shifts: Counter[str] = field(default_factory=Counter)
    delays: list[float] = field(default_factory=list)
    scores: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    answers: int = 0
    _requests: int = 0

    def raise_alert(self, error_id: str, source: str, at: float, score: float) -> str:
        """One alert that has ended, without an answer."""
        lasts_s = self.chance.uniform(2.0, 4.0)
        alert = Alert(
            alert_id=new_id(at),
            detection=Detection(
                source, error_id, Step.END, at, at + 1.0, at + lasts_s, score, 4.5, 2, 4
            ),
            description=TEXTS[error_id],
            severity=Severity.MAJOR,
            provenance=Provenance("sha256:b", "sha256:d"),
            clock_synced=True,
        )
        self.store.record(alert, [])
        local = datetime.fromtimestamp(at, ZONE)
        self.sources[source] += 1
        self.days[local.date().isoformat()] += 1
        shift = "早番" if 6 <= local.hour < 14 else "遅番" if 14 <= local.hour < 22 else "夜勤"
        self.shifts[shift] += 1
        return alert.alert_id

    def answer(
        self, alert_id: str, verdict: Verdict, operator: str, at: float, label: str | None = None
    ) -> None:
        """One person's answer to it."""
        self._requests += 1
        answer = Answer(
            label_id=new_id(at),
            alert_id=alert_id,
            verdict=verdict,
            relevance=None,
            label=label,
            operator=operator,
            given_at=at,
            received_at=at + 0.2,
            request_id=f"r{self._requests}",
            through=Through.CONSOLE,
        )
        assert self.store.answer(answer, [], Entry(at, "verdict", operator, {}))
        self.answers += 1

    def judged(
        self,
        error_id: str,
        verdict: Verdict | None,
        at: float,
        score: float,
        *,
        source: str = "mic1",
        label: str | None = None,
        operator: str = "佐藤",
    ) -> str:
        """An alert and, unless there is none, one answer to it."""
        alert_id = self.raise_alert(error_id, source, at, score)
        outcome = {
            Verdict.CONFIRM: "confirmed",
            Verdict.REJECT: "rejected",
            Verdict.UNSURE: "unsure",
            None: "open",
        }[verdict]
        self.outcomes[error_id, outcome] += 1
        self.scores.setdefault((error_id, outcome), []).append(score)
        if verdict is not None:
            delay_s = self.chance.lognormvariate(5.5, 1.4)
            self.delays.append(delay_s)
            self.answer(alert_id, verdict, operator, at + delay_s, label)
        return alert_id


def empty(folder: Path, seed: int = 1) -> Month:
    """A new store without an alert."""
    return Month(Store.open(folder), random.Random(seed))  # noqa: S311 - repeatable, no secret


def simulate(folder: Path, seed: int = 1) -> Month:
    """Fill a new store: the truth is in what comes back; the store stays open."""
    month = empty(folder, seed)
    chance = month.chance

    def when(first: float = 0.0, last: float = 30.0) -> float:
        """Any time, mostly by day, and apart from all others by its odd second."""
        day = chance.uniform(first, last)
        hour = chance.choice([7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 20, 23, 2])
        return SINCE + int(day) * 86_400.0 + hour * 3_600.0 + chance.uniform(0.0, 3_599.0)

    people = ["佐藤", "鈴木", "Tanaka"]
    month.judged("vehicle_horn", Verdict.CONFIRM, SINCE + 60.0, 5.0)
    for _ in range(38):
        at, score = when(), chance.uniform(5.6, 9.0)
        month.judged("metal_part_dropped", Verdict.CONFIRM, at, score, operator=people[0])
    for i in range(34):
        # Becomes rarer: three quarters in the first half.
        at = when(0.0, 15.0) if i % 4 else when(15.0, 30.0)
        label = "部品を箱に投げ入れる音" if i < 9 else None
        month.judged(
            "metal_part_dropped", Verdict.REJECT, at, chance.uniform(4.6, 5.4), label=label
        )
    for i in range(46):
        label = ["エアブローの音", "エアブローの 音", None, "掃除機"][i % 4]
        month.judged(
            "air_leak",
            Verdict.CONFIRM if i % 9 == 0 else Verdict.REJECT,
            when(0.0, 20.0 if i % 3 else 30.0),
            chance.uniform(4.6, 7.0),
            source="mic2",
            label=label if i % 9 else None,
            operator=people[1],
        )
    for i in range(21):
        verdict = Verdict.CONFIRM if i < 4 else None
        month.judged("belt_squeal", verdict, when(), chance.uniform(4.6, 7.0), source="mic2")
    for i in range(12):
        # One dropped part is heard as both.
        at = when()
        month.judged("metal_part_dropped", Verdict.CONFIRM, at, chance.uniform(5.6, 9.0))
        label = "金属部品が床に落ちた音" if i < 5 else None
        month.judged("press_misfire", Verdict.REJECT, at + 1.5, 5.0, label=label)
    _doubtful(month, when, people)
    return month


def _doubtful(month: Month, when: Callable[[], float], people: Sequence[str]) -> None:
    """Alerts that several people judged, or that nobody could tell."""
    chance = month.chance
    for _ in range(9):
        month.judged("press_misfire", Verdict.CONFIRM, when(), chance.uniform(4.8, 8.0))
    month.judged("press_misfire", Verdict.UNSURE, when(), 4.7)
    for _ in range(2):
        at = when()
        alert_id = month.judged("press_misfire", Verdict.CONFIRM, at, 4.9, operator=people[0])
        month.answer(alert_id, Verdict.REJECT, people[2], at + 90_000.0)
        month.outcomes["press_misfire", "confirmed"] -= 1
        month.outcomes["press_misfire", "disputed"] += 1
    for i in range(6):
        at = when()
        alert_id = month.judged("vehicle_horn", Verdict.CONFIRM, at, 6.0, operator=people[0])
        if i < 3:
            month.answer(alert_id, Verdict.CONFIRM, people[2], at + 90_000.0)
