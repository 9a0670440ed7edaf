"""A sound that raised no alert is reported: real agent, Mosquitto, database, clip and example."""

from __future__ import annotations

import base64
import json
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.capture.audiofile import from_flac, read_audio
from agent.capture.scene import RATE_HZ
from agent.cli.child import running_agent
from agent.core.records import Origin, Verdict
from agent.store import Store
from tests.faults.embedded import embed
from tests.integration.boxes import BOX, READY_S, documents, settings_of
from tests.integration.scenes import write_siren
from tests.mosquitto import Listener, listener, mosquitto
from tests.schemas import validator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.cli.child import Child
    from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.broker

# A siren sounds, and nobody listens for one.
DESCRIPTIONS = """\
version: 1
errors:
  - {id: siren, text: サイレンが鳴り響く音, threshold: 40.0}
  - {id: glass_broken, text: ガラスが割れる音, threshold: 40.0}
background: [a machine hums]
"""


def moment(at: datetime) -> str:
    """As a command wants it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Floor:
    """A broker, a folder for a box, and somebody who sends commands."""

    folder: Path
    broker: Mosquitto
    heard: Listener

    @contextmanager
    def agent(self, **clips: Any) -> Iterator[Child]:
        """The box, listening; it has to end as it should."""
        source = {"name": "hall", "kind": "file", "path": str(self.folder / "siren.wav")}
        settings = settings_of(self.folder, self.broker.port, source | {"loop": True})
        settings["clips"] = clips
        settings["publish"] = {"health_interval_s": 0.5}
        with running_agent(self.folder, settings) as child:
            child.wait_for_event("ready", READY_S)
            # It listens before it is connected; before its birth, commands reach nobody.
            self.heard.wait(lambda: self.heard.on("press3/status")[-1:] == ["online"])
            yield child
        assert "terminate called" not in self.log()
        assert child.status == 0

    def log(self) -> str:
        """What the box has written."""
        return (self.folder / "agent.log").read_text(encoding="utf-8")

    def ask(self, command: str, request_id: str, **fields: Any) -> dict[str, Any]:
        """Send a command and wait for the answer."""
        count = len(self._answers(request_id))
        now = datetime.now(UTC)
        payload = {
            "schema": 1,
            "request_id": request_id,
            "operator": "shift-a",
        } | fields
        if command == "heard":
            payload = {
                "error_id": "siren",
                "source": "hall",
                "from": moment(now - timedelta(seconds=12)),
                "to": moment(now),
                "ts": moment(now),
            } | payload
            validator("cmd-heard").validate(payload)
        raw = json.dumps(payload)
        fresh = Properties(PacketTypes.PUBLISH)
        fresh.MessageExpiryInterval = 300
        sent = self.heard._client.publish(f"{BOX}/cmd/{command}", raw, qos=1, properties=fresh)
        sent.wait_for_publish(60.0)
        self.heard.wait(lambda: len(self._answers(request_id)) > count)
        return self._answers(request_id)[-1]

    def _answers(self, request_id: str) -> list[dict[str, Any]]:
        found = [json.loads(one) for one in self.heard.on(f"{BOX}/cmd/result")]
        for one in found:
            validator("cmd-result").validate(one)
        return [one for one in found if one["request_id"] == request_id]

    def wait_for_windows(self, count: int) -> None:
        """Until the box has heard so many since its start."""

        def heard() -> bool:
            reports = self.heard.on(f"{BOX}/health")
            return bool(reports) and json.loads(reports[-1])["counters"]["windows"] in range(
                count, 10_000
            )

        self.heard.wait(heard)


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    """One for a test."""
    embed(tmp_path / "descriptions.yaml", tmp_path / "state", DESCRIPTIONS)
    write_siren(tmp_path / "siren.wav", before_s=2.0, after_s=4.0)
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        yield Floor(tmp_path, broker, heard)


def test_a_missed_sound_is_kept_becomes_an_example_and_is_taken_back(floor: Floor) -> None:
    """With its clip, once, told of, and never as an alarm."""
    with floor.agent():
        floor.wait_for_windows(26)
        refused = floor.ask("heard", "h0", error_id="sirens")
        assert (refused["code"], refused["parameters"]["near"]) == ("description_misspelt", "siren")
        assert floor.ask("heard", "h1", source="press")["code"] == "source_unknown"
        yesterday = datetime.now(UTC) - timedelta(days=1)
        span = {"from": moment(yesterday), "to": moment(yesterday + timedelta(seconds=5))}
        assert floor.ask("heard", "h2", **span)["code"] == "span_outside"
        accepted = floor.ask("heard", "h3")
        assert accepted["accepted"], accepted
        alert_id = accepted["alert_id"]
        floor.heard.wait(lambda: '"examples_joined"' in floor.log())
        (told,) = [one for one in documents(floor.heard, "alert") if one["alert_id"] == alert_id]
        assert (told["event_type"], told["origin"]) == ("reviewed", "missed")
        assert told["score"] < told["threshold"]
        again = floor.ask("heard", "h3")
        assert (again["duplicate"], again["alert_id"]) == (True, alert_id)
        assert floor.ask("clip", "c1", alert_id=alert_id, kind="audio")["accepted"]
        floor.heard.wait(lambda: bool(floor.heard.on(f"{BOX}/clip")))
    pieces = documents(floor.heard, "clip")
    floor.heard.wait(lambda: len(documents(floor.heard, "clip")) == pieces[0]["count"])
    sound = from_flac(b"".join(base64.b64decode(one["data"]) for one in pieces))
    assert 8 * RATE_HZ < len(sound) <= 30 * RATE_HZ
    siren = np.abs(read_audio(floor.folder / "siren.wav", RATE_HZ)).max()
    assert np.abs(sound).max() / 32_767 == pytest.approx(siren, rel=0.1)
    joined = [json.loads(line) for line in floor.log().splitlines() if "examples_joined" in line]
    assert (joined[-1]["examples"], joined[-1]["set_aside"]) == (1, 0)
    with floor.agent():  # what was said is remembered, what was heard is not
        again = floor.ask("heard", "h3")
        assert (again["duplicate"], again["alert_id"]) == (True, alert_id)
        assert floor.ask("undo", "u1", alert_id=alert_id)["accepted"]
    with closing(Store.reading(floor.folder / "state")) as store:
        alert = store.alert(alert_id)
        assert alert is not None
        assert alert.origin is Origin.MISSED
        (answer,) = store.answers(alert_id)
        assert (answer.verdict, answer.undone_at is None) == (Verdict.CONFIRM, False)
        assert [one.what for one in store.trail()][:2] == ["heard", "undo"]
        assert store.open_alerts(10).count == 0
    reports = documents(floor.heard, "health")
    assert max(one["counters"]["reported_missed"] for one in reports) == 1
    assert {one["counters"]["memory_lost"] for one in reports} == {0}
    assert all(one["count"] == 0 for one in documents(floor.heard, "alerts/open"))


def test_a_box_that_remembers_nothing_says_so(floor: Floor) -> None:
    """And what to write."""
    with floor.agent(memory="off"):
        refused = floor.ask("heard", "h1")
        assert refused["code"] == "memory_off"
        assert "clips.memory: 10min" in refused["reason"]


def test_a_sound_is_taught_and_the_box_says_how_sure_it_is(floor: Floor) -> None:
    """The next seconds; then some of the last minutes, which agree with them."""

    def taught(request_id: str, step: str) -> dict[str, Any]:
        def found() -> list[dict[str, Any]]:
            told = [json.loads(one) for one in floor.heard.on(f"{BOX}/taught")]
            return [one for one in told if (one["request_id"], one["step"]) == (request_id, step)]

        floor.heard.wait(lambda: bool(found()))
        documents(floor.heard, "taught")
        return found()[-1]

    with floor.agent():
        floor.wait_for_windows(2)
        asked = {"error_id": "siren", "source": "hall", "seconds": 8}
        now = datetime.now(UTC)
        assert floor.ask("teach", "t0", ts=moment(now), **asked | {"source": "press"})["code"] == (
            "source_unknown"
        )
        accepted = floor.ask("teach", "t2", ts=moment(datetime.now(UTC)), **asked)
        assert accepted["accepted"]
        assert floor.ask("teach", "t2", ts=moment(now), **asked)["duplicate"]
        kept = taught("t2", "kept")
        learnt = taught("t2", "learnt")
        assert learnt["alert_id"] == kept["alert_id"]
        assert learnt["threshold"] == 40.0
        assert (learnt["sure"], learnt["hits"]) == (False, 0)
        assert learnt["windows"] > 0
        assert learnt["set_aside"] is None
        assert learnt["score"] > kept_score(floor, kept["alert_id"])
        duplicate = floor.ask("teach", "t2", ts=moment(now), **asked)
        assert (duplicate["duplicate"], duplicate["alert_id"]) == (True, kept["alert_id"])
        now = datetime.now(UTC)
        span = {"from": moment(now - timedelta(seconds=8)), "to": moment(now), "ts": moment(now)}
        past = floor.ask("teach", "t3", error_id="siren", source="hall", **span)
        assert taught("t3", "learnt")["alert_id"] == past["alert_id"]
        assert floor.ask("undo", "u1", alert_id=past["alert_id"])["accepted"]
    with closing(Store.reading(floor.folder / "state")) as store:
        alerts = store.alerts_since()
        assert [one.origin for one in alerts] == [Origin.TAUGHT, Origin.TAUGHT]
        clip = store.clip(kept["alert_id"])
        assert clip is not None
        assert clip.duration_s == pytest.approx(8.0, abs=0.1)
        assert clip.views is not None


def test_the_last_minutes_can_be_looked_at_and_heard(floor: Floor) -> None:
    """As a curve, as sound and as picture; speech is treated as in a clip."""

    def file(request_id: str) -> bytes:
        def pieces() -> list[dict[str, Any]]:
            told = documents(floor.heard, "recent")
            return [one for one in told if one["request_id"] == request_id]

        floor.heard.wait(lambda: bool(pieces()) and len(pieces()) == pieces()[0]["count"])
        return b"".join(base64.b64decode(one["data"]) for one in pieces())

    with floor.agent():
        floor.wait_for_windows(26)
        assert floor.ask("recent", "c0", source="press", kind="curve")["code"] == "source_unknown"
        assert floor.ask("recent", "c1", source="hall", kind="curve")["accepted"]
        curve = json.loads(file("c1"))
        times, levels = zip(*curve["levels"], strict=True)
        assert np.diff(times) == pytest.approx(1.0, abs=0.05)
        assert max(levels) - min(levels) > 15.0, "the siren stands out"
        loud_s = times[levels.index(max(levels))]
        best = max(curve["nearest"], key=lambda one: one[2])
        assert curve["error_ids"][best[1]] == "siren"
        assert curve["descriptions"][best[1]] == "サイレンが鳴り響く音"
        began = datetime.fromisoformat(curve["from"])
        span = {
            "from": moment(began + timedelta(seconds=max(0.1, loud_s - 2))),
            "to": moment(began + timedelta(seconds=loud_s + 2)),
        }
        assert floor.ask("recent", "a1", source="hall", kind="audio", **span)["accepted"]
        sound = from_flac(file("a1"))
        assert len(sound) / RATE_HZ == pytest.approx(4.0, abs=2.0)
        assert np.abs(sound).max() > 3_000
        assert floor.ask("recent", "p1", source="hall", kind="picture", **span)["accepted"]
        assert file("p1").startswith(b"\x89PNG")
        long = span | {"to": moment(began + timedelta(seconds=40))}
        assert floor.ask("recent", "a2", source="hall", kind="audio", **long)["code"] == "span_long"
    with closing(Store.reading(floor.folder / "state")) as store:
        assert store.clips() == []
        assert store.alerts_since() == []


def kept_score(floor: Floor, alert_id: str) -> float:
    """Of a sound by the words alone, before it was taught."""
    with closing(Store.reading(floor.folder / "state")) as store:
        alert = store.alert(alert_id)
    assert alert is not None
    return alert.detection.score
