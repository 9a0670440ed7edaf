"""Payloads and topics that nobody would think of: no crash, no third way, nothing forged."""

from __future__ import annotations

import json
import os
import random
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent.mqtt import Incoming
from agent.mqtt.payload import RefusedError, parse
from tests.agent.run.command_box import CMD, RELOAD, Box
from tests.schemas import validator

# A loaded machine is no fault of the code under test.
_PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))
FUZZ = int(os.environ.get("KIKIMIMI_FUZZ", "2000"))

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_ids = st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)
_moments = st.datetimes().map(lambda one: f"{one.isoformat(timespec='seconds')}Z")
_near_mutes = st.fixed_dictionaries(
    {
        "schema": st.just(1) | _json,
        "request_id": _ids | _json,
        "error_id": st.sampled_from(["siren", None]) | st.text(max_size=70) | _json,
        "duration_s": st.integers(0, 3_600) | st.floats() | _json,
        "ts": _moments | _json,
    },
    optional={"operator": st.text(max_size=70) | _json, "more": _json},
)


@_PATIENT
@given(_near_mutes)
@example({"schema": 1, "request_id": "a", "error_id": None, "duration_s": 0, "ts": "x"})
def test_what_is_accepted_is_what_the_schema_allows(fields: dict[str, Any]) -> None:
    """Nothing that the published schema forbids is carried out, and every answer fits its own."""
    box = Box(synced=False)
    result = box.send("mute", fields)
    if result["accepted"]:
        validator("cmd-mute").validate(fields)
        assert all(one.error_id in (None, "siren") for one in box.mutes.active)
    elif _finite(fields) and fields["error_id"] in ("siren", None):
        # The cap of this box, and days that no calendar has, are not in the schema.
        fits = validator("cmd-mute").is_valid(fields)
        reasons = ("over commands", "ts is")
        assert not fits or any(one in result["reason"] for one in reasons), result


def _finite(value: object) -> bool:
    """Whether JSON can say it as it is."""
    try:
        parse(json.dumps(value, allow_nan=False).encode())
    except ValueError:
        return False
    return True


@_PATIENT
@given(st.binary(max_size=300) | _json.map(lambda one: json.dumps(one).encode()))
def test_any_payload_is_fields_or_a_refusal(payload: bytes) -> None:
    """The parser knows no third way, and what it gives is flat."""
    fields: dict[str, Any] = {}
    with suppress(RefusedError):
        fields = parse(payload)
    assert not any(isinstance(value, dict | list) for value in fields.values())


@_PATIENT
@given(st.text(max_size=80), st.binary(max_size=80), st.booleans(), st.none() | st.text())
def test_any_topic_is_answered_in_its_place(
    name: str, payload: bytes, retained: bool, response: str | None
) -> None:
    """Never on a topic that the box says other things on."""
    incoming = Incoming(f"{CMD}/{name}", payload, retained, response)
    for reply in Box().commands.handle(incoming):
        assert reply.topic == f"{CMD}/result" or not reply.topic.startswith("kikimimi/")


def test_malformed_payloads_by_the_thousand() -> None:
    """Valid commands with bytes changed, cut, doubled and mixed; KIKIMIMI_FUZZ says how many."""
    chance = random.Random(20_260_101)  # noqa: S311 - no secret
    box = Box(per_minute=600.0, synced=False)
    grains = [
        json.dumps(box.mute(operator="夜勤")).encode(),
        json.dumps(RELOAD, ensure_ascii=True).encode(),
        *(
            b"\xed\xa0\x80",
            b"\\ud800",
            b"\x00",
            b"1e400",
            b"[[[[",
            b'"',
            b"NaN",
            b"-0",
            b"\xf4\x90",
        ),
    ]
    for _ in range(FUZZ):
        payload = bytearray(chance.choice(grains[:2]))
        for _ in range(chance.randint(0, 4)):
            place = chance.randint(0, len(payload))
            what = chance.randrange(4)
            if what == 0 and place < len(payload):
                payload[place] = chance.randrange(256)
            elif what == 1:
                del payload[place : place + chance.randint(1, 20)]
            elif what == 2:
                payload[place:place] = chance.choice(grains)
            else:
                payload[place:place] = payload[: chance.randint(0, 40)]
        box.clock.advance(0.2)
        topic = f"{CMD}/{chance.choice(['mute', 'reload', 'mut', ''])}"
        for reply in box.commands.handle(Incoming(topic, bytes(payload), chance.random() < 0.1)):
            result = json.loads(reply.payload.encode("utf-8"))
            assert result["accepted"] is (result["reason"] is None)
    tally = box.commands.tally
    assert tally.accepted > 0
    assert tally.refused > FUZZ // 2
