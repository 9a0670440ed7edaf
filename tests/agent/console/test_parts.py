"""Password, sessions, attempts and the stream of events."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from agent.console.hub import Hub, Listener
from agent.console.passwords import Password
from agent.console.sessions import Attempts, Sessions
from agent.core.errors import StoreError
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from pathlib import Path


def test_a_password_is_kept_as_a_hash_that_only_its_owner_reads(tmp_path: Path) -> None:
    """The file holds another hash for the same password each time, and never the password."""
    path = tmp_path / "console" / "password.json"
    password = Password(path)
    assert not password.is_set
    password.set("correct horse")
    first = path.read_text()
    assert password.matches("correct horse")
    assert not password.matches("correct horsf")
    assert not password.matches("x" * 100_000)
    assert "horse" not in first
    assert path.stat().st_mode & 0o777 == 0o600
    password.set("correct horse")
    assert path.read_text() != first


def test_a_password_that_is_too_short_changes_nothing(tmp_path: Path) -> None:
    """What is there goes on."""
    password = Password(tmp_path / "password.json")
    password.set("long enough")
    with pytest.raises(ValueError, match="10 to 200 characters, not 5"):
        password.set("short")
    assert password.matches("long enough")


@pytest.mark.parametrize("content", ["", "{}", '{"schema": 2}', "[1]", '{"schema": 1, "n": 3}'])
def test_a_damaged_password_file_lets_nobody_in(tmp_path: Path, content: str) -> None:
    """It says what to do."""
    path = tmp_path / "password.json"
    path.write_text(content)
    with pytest.raises(StoreError, match="--set-password"):
        Password(path).matches("anything at all")


def test_a_session_ends_after_its_time_and_at_logout() -> None:
    """Tokens are found while they last; strangers push out nobody who is logged in."""
    clock = FakeClock()
    sessions = Sessions(clock, 60.0)
    token, session = sessions.open(logged_in=True)
    other, _ = sessions.open(logged_in=True)
    for _ in range(600):
        sessions.open(logged_in=False)
    assert sessions.find(token) == session
    assert session.knows(session.csrf)
    assert not session.knows("")
    assert not session.knows("ü")
    sessions.close(other)
    assert sessions.find(other) is None
    assert sessions.find("no such token") is None
    assert sessions.find(None) is None
    clock.advance(60.0)
    assert sessions.find(token) is None


def test_attempts_are_limited_for_each_address_and_in_all() -> None:
    """Five at once from one address; others may still try, up to a limit of all."""
    clock = FakeClock()
    attempts = Attempts(clock)
    assert [attempts.take("10.0.0.1") for _ in range(5)] == [0.0] * 5
    assert attempts.take("10.0.0.1") == pytest.approx(30.0)
    taken = [attempts.take(f"10.0.1.{number}") for number in range(40)]
    assert taken.count(0.0) == 25
    clock.advance(60.0)
    assert attempts.take("10.0.0.1") == 0.0


def test_events_reach_those_who_want_them_and_a_slow_one_is_cut_off() -> None:
    """Scores go only to pages that show them; a page that does not keep up loads anew."""

    async def follow() -> tuple[list[bytes], int]:
        hub = Hub()
        plain, slow = Listener(scores=False), Listener(scores=False)
        stream, behind = hub.follow(plain), hub.follow(slow)
        await anext(stream)
        await anext(behind)
        hub.tell("scores", {"a": 1.0}, score=True)
        hub.tell("alert", {"text": "音\nline"})
        heard = [await anext(stream)]
        for number in range(300):
            hub.tell("count", number)
            heard.append(await anext(stream))
        left = [message async for message in behind]
        hub.close()
        assert [message async for message in stream] == []
        return heard, len(left)

    heard, left = asyncio.run(follow())
    event, data, *_ = heard[0].decode().split("\n")
    assert event == "event: alert"
    assert json.loads(data.removeprefix("data: ")) == {"text": "音\nline"}
    assert len(heard) == 301
    assert left < 200
