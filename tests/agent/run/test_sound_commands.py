"""``cmd/heard``, ``cmd/teach`` and ``cmd/recent``: what they take is what their schemas allow."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent.alerts.reports import Reports
from agent.alerts.thresholds import Thresholds
from agent.alerts.verdicts import Verdicts
from agent.bundle import loading as bundles
from agent.config import ClipSettings, CommandSettings
from agent.detector.mutes import Mutes
from agent.mqtt import Incoming
from agent.run.box_commands import box_commands
from agent.run.recent_command import RecentCommand
from agent.run.reporting import Reporting
from agent.run.teaching import Teaching
from agent.store.box import BoxStore
from agent.watchlist.watchlist import Watchlist
from tests.agent.run.command_box import CMD, TOPICS
from tests.fakes import FakeClock
from tests.schemas import validator

if TYPE_CHECKING:
    from agent.run.commands import Commands

# A loaded machine is no fault of the code under test.
_PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))
BUNDLE = bundles.load()
NOW = "2026-01-02T03:04:05Z"
HEARD = {
    "schema": 1,
    "request_id": "h1",
    "error_id": "siren",
    "source": "mic1",
    "from": "2026-01-02T03:03:05Z",
    "to": NOW,
    "operator": "shift-a",
    "ts": NOW,
}
TEACH = {name: HEARD[name] for name in ("schema", "request_id", "error_id", "source", "operator")}
RECENT = {"schema": 1, "request_id": "r1", "source": "mic1", "kind": "curve"}


def commands(clock: FakeClock) -> Commands:
    """Of a box that remembers nothing: whatever is well said is refused for that."""
    store = BoxStore(Path(os.devnull), clock)
    parts: dict[str, Any] = {"topics": TOPICS, "store": store, "link": None, "clock": clock}
    reporting = Reporting(
        recorder=None,
        reports=Reports(**parts),
        settings=ClipSettings(memory_s=0.0),
        bundle=BUNDLE,
        watch=lambda: Watchlist.empty(BUNDLE.manifest.embedding_size),
    )
    settings = CommandSettings(per_minute=600.0)
    return box_commands(
        TOPICS,
        settings,
        mutes=Mutes(clock),
        verdicts=Verdicts(**parts, undo_s=900.0),
        thresholds=Thresholds(store=store, clock=clock, settings=settings, undo_s=900.0),
        clock=clock,
        reload=lambda: None,
        known=lambda: (),
        teaching=Teaching(reporting, clock, lambda _: None),
        recent=RecentCommand(reporting, lambda _: True, 32_000),
    )


def send(name: str, payload: object, clock: FakeClock | None = None) -> dict[str, Any]:
    """The answer of a fresh box."""
    incoming = Incoming(f"{CMD}/{name}", json.dumps(payload).encode())
    (reply,) = commands(clock or FakeClock()).handle(incoming)
    result: dict[str, Any] = json.loads(reply.payload)
    validator("cmd-result").validate(result)
    assert not result["accepted"]
    return result


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("heard", HEARD),
        ("heard", HEARD | {"through": "console"}),
        ("teach", TEACH | {"seconds": 10, "ts": NOW}),
        ("teach", HEARD),
        ("teach", HEARD | {"seconds": None}),
        ("recent", RECENT),
        ("recent", RECENT | {"operator": "shift-a"}),
        ("recent", RECENT | {"kind": "audio", "from": HEARD["from"], "to": NOW}),
    ],
)
def test_a_box_that_remembers_nothing_says_what_to_write(
    name: str, payload: dict[str, Any]
) -> None:
    """To everything that is well said."""
    validator(f"cmd-{name}").validate(payload)
    assert send(name, payload)["code"] == "memory_off"


@pytest.mark.parametrize(
    ("name", "payload", "told"),
    [
        ("heard", HEARD | {"to": HEARD["from"]}, "to is not after from"),
        ("heard", HEARD | {"error_id": None}, "error_id is missing or null"),
        ("heard", HEARD | {"operator": ""}, "operator is ''"),
        ("heard", HEARD | {"ts": "2026-01-02T03:14:05Z"}, "set the sender's clock"),
        ("heard", HEARD | {"seconds": 3}, "'seconds' is not a field"),
        ("teach", TEACH | {"seconds": 61, "ts": NOW}, "write a number from 1 to 60"),
        ("teach", TEACH | {"ts": NOW}, "from is"),
        ("teach", HEARD | {"seconds": 5}, "'from' is not a field"),
        ("teach", TEACH | {"seconds": 5, "ts": "2026-01-02T02:04:05Z"}, "ts is 3601 s ago"),
        ("recent", RECENT | {"kind": "film"}, "write curve or audio or picture"),
        ("recent", RECENT | {"from": NOW}, "'from' is not a field"),
        ("recent", RECENT | {"kind": "audio"}, "from is"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(name: str, payload: dict[str, Any], told: str) -> None:
    """Before anything is looked for."""
    assert told in send(name, payload)["reason"]


_json = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70)
_moments = st.datetimes().map(lambda one: f"{one.isoformat(timespec='seconds')}Z") | st.just(NOW)
_texts = st.text(max_size=70) | _json
_near = st.fixed_dictionaries(
    {"schema": st.just(1) | _json, "request_id": st.just("r1") | _json, "source": _texts},
    optional={
        "error_id": _texts,
        "operator": _texts,
        "ts": _moments | _json,
        "from": _moments | _json,
        "to": _moments | _json,
        "seconds": st.integers(0, 70) | _json,
        "kind": st.sampled_from(["curve", "audio", "picture"]) | _json,
        "through": st.sampled_from(["mqtt", "console"]) | _json,
        "more": _json,
    },
)


@_PATIENT
@given(st.sampled_from(["heard", "teach", "recent"]), _near)
@example("teach", TEACH | {"seconds": 1, "ts": NOW})
def test_what_is_taken_is_what_the_schema_allows(name: str, fields: dict[str, Any]) -> None:
    """No more; and no less but for what a schema cannot say: which moments are right."""
    try:
        result = send(name, fields)
    except ValueError:
        return  # a text that is no UTF-8
    fits = validator(f"cmd-{name}").is_valid(fields)
    if result.get("code") == "memory_off":
        assert fits, fields
    elif fits:
        moments = ("ts is", "from is", "to is")
        assert any(one in result["reason"] for one in moments), result
