"""A clip by MQTT, on request: real store, real broker."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from agent.clips import ClipCommand
from agent.clips.parcel import MAX_BYTES, PIECE_BYTES, Kind, pieces
from agent.config import MqttSettings
from agent.core.clock import SystemClock
from agent.core.rate_limit import Rate
from agent.core.records import ClipRecord, Speech
from agent.mqtt import Incoming, Link
from agent.mqtt.topics import Topics
from agent.run.commands import Command, Commands
from agent.store.box import BoxStore
from tests.mosquitto import listener, mosquitto
from tests.schemas import validator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOPICS = Topics("kikimimi", "plant", "press3")
ALERT_ID = "01JGN5BX5E0000000000000000"
RECORD = ClipRecord(
    ALERT_ID, f"{ALERT_ID}.flac", f"{ALERT_ID}.png", 0.0, 2.0, 3, Speech.NONE, None, 0.5
)


def request(**changes: object) -> dict[str, object]:
    """A command's payload."""
    return {"schema": 1, "request_id": "7", "alert_id": ALERT_ID, "kind": "audio"} | changes


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BoxStore]:
    """Knows of one clip, whose sound is 100,000 bytes long."""
    keeper = BoxStore(tmp_path, SystemClock())
    keeper.keep_clip(RECORD)
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / f"{ALERT_ID}.flac").write_bytes(bytes(range(250)) * 400)
    (folder / f"{ALERT_ID}.png").write_bytes(b"a picture")
    yield keeper
    keeper.close()


def served(
    tmp_path: Path, store: BoxStore, send: Callable[[Iterator[str]], bool]
) -> Callable[..., dict[str, Any]]:
    """The command as the box carries it out; gives the answer."""
    command = ClipCommand(tmp_path / "clips", store, send)
    table = {"clip": Command(command, Rate(100, 1_000.0))}
    commands = Commands(TOPICS, table, SystemClock())

    def ask(**changes: object) -> dict[str, Any]:
        payload = json.dumps(request(**changes)).encode()
        (reply,) = commands.handle(Incoming(f"{TOPICS.commands}/clip", payload))
        answer: dict[str, Any] = json.loads(reply.payload)
        return answer

    return ask


def test_a_clip_comes_in_pieces_by_a_real_broker(tmp_path: Path, store: BoxStore) -> None:
    """Each valid by its schema and below 64 KiB; together they are the file."""
    (tmp_path / "broker").mkdir()
    with mosquitto(tmp_path / "broker") as broker, listener(broker.port) as heard:
        settings = MqttSettings(host="127.0.0.1", port=broker.port)
        link = Link(settings, "press3", TOPICS.status, store, SystemClock())
        command = ClipCommand(tmp_path / "clips", store, partial(link.parcel, TOPICS.clip))
        table = {"clip": Command(command, Rate(10, 60.0))}
        link.serve(TOPICS.command_filter, Commands(TOPICS, table, SystemClock()).handle)
        link.start()
        heard.wait(lambda: "online" in heard.on(TOPICS.status))
        asker = Client(CallbackAPIVersion.VERSION2)
        asker.connect("127.0.0.1", broker.port)
        asker.loop_start()
        validator("cmd-clip").validate(request())
        asker.publish(f"{TOPICS.commands}/clip", json.dumps(request()), qos=1).wait_for_publish(60)
        heard.wait(lambda: len(heard.on(TOPICS.clip)) == 3)
        asker.disconnect()
        asker.loop_stop()
        link.stop(10.0)
    found = [json.loads(one) for one in heard.on(TOPICS.clip)]
    for one, raw in zip(found, heard.on(TOPICS.clip), strict=True):
        validator("clip").validate(one)
        assert len(raw) < 1 << 16
    assert [one["index"] for one in found] == [0, 1, 2]
    data = b"".join(base64.b64decode(one["data"]) for one in found)
    assert data == (tmp_path / "clips" / f"{ALERT_ID}.flac").read_bytes()
    assert {one["sha256"] for one in found} == {hashlib.sha256(data).hexdigest()}
    (answer,) = (json.loads(one) for one in heard.on(TOPICS.result))
    assert answer["accepted"]


def test_what_cannot_be_sent_is_refused_with_a_reason(tmp_path: Path, store: BoxStore) -> None:
    """And nothing is sent."""
    sent: list[Iterator[str]] = []
    ask = served(tmp_path, store, lambda some: not sent.append(some))
    unknown = ask(alert_id="01JGN5BX5E0000000000000009")
    assert "has no clip" in unknown["reason"]
    assert "did you mean picture?" in ask(kind="pictures")["reason"]
    assert "26 digits and capital letters" in ask(alert_id="../../etc/passwd")["reason"]
    assert "path is not a field" in ask(path="/etc/passwd")["reason"].replace("'", "")
    store.keep_clip(replace(RECORD, file=None, speech=Speech.DROPPED))
    assert "was not kept" in ask()["reason"]
    assert not sent


def test_a_name_in_the_store_that_leaves_the_folder_is_refused(
    tmp_path: Path, store: BoxStore
) -> None:
    """Whoever changed the database reads no other file through it."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "clips" / "link").symlink_to(tmp_path / "secret")
    ask = served(tmp_path, store, lambda _: pytest.fail("sent"))
    for name in ("../secret", str(tmp_path / "secret"), "link", ""):
        store.keep_clip(replace(RECORD, file=name))
        assert not ask(request_id=f"r{len(name)}")["accepted"]


def test_a_file_that_is_gone_or_too_large_is_refused(tmp_path: Path, store: BoxStore) -> None:
    """Its reason says what to do."""
    ask = served(tmp_path, store, lambda _: pytest.fail("sent"))
    path = tmp_path / "clips" / f"{ALERT_ID}.flac"
    with path.open("r+b") as file:
        file.truncate(MAX_BYTES + 1)
    assert "copy it from state_dir" in ask()["reason"]
    path.unlink()
    assert "No such file" in ask()["reason"]


def test_no_more_files_than_may_wait_are_taken(tmp_path: Path, store: BoxStore) -> None:
    """Without a connection the fifth is refused."""
    settings = MqttSettings(host="127.0.0.1", port=9)
    link = Link(settings, "press3", TOPICS.status, store, SystemClock())
    ask = served(tmp_path, store, partial(link.parcel, TOPICS.clip))
    answers = [ask(request_id=str(number)) for number in range(5)]
    assert [one["accepted"] for one in answers] == [True] * 4 + [False]
    assert "wait" in answers[-1]["reason"]


@pytest.mark.parametrize("size", [1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_pieces_are_the_file(size: int) -> None:
    """Of any length."""
    data = bytes(number % 251 for number in range(size))
    found = [json.loads(one) for one in pieces(ALERT_ID, Kind.AUDIO, data)]
    assert b"".join(base64.b64decode(one["data"]) for one in found) == data
    assert {one["count"] for one in found} == {len(found)}
