"""Messages to the service manager over a real datagram socket, and a loop that hangs."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent import descriptions
from agent.bundle import loading as bundles
from agent.config import FileSettings, MqttSettings, load_settings
from agent.core.clock import SystemClock
from agent.core.errors import ConfigError
from agent.run.health import State
from agent.run.pipeline import Pipeline, Requests
from agent.run.systemd import Notifier, status_line
from tests.attached import Watcher
from tests.fakes import FakeClock
from tests.manager import PATIENCE_S, Manager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.core.records import Match

_WATCHDOG_S = 0.4


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """A service manager that is listening."""
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.close()


@pytest.fixture(params=["path", "abstract"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """A service manager with either kind of address."""
    abstract = f"@kikimimi-test-{os.getpid()}"
    manager = Manager(abstract if request.param == "abstract" else str(tmp_path / "notify"))
    yield manager
    manager.close()


def test_every_message_arrives_as_the_protocol_writes_it(either: Manager) -> None:
    """One datagram each, the time of a reload in microseconds of the monotonic clock."""
    clock = FakeClock()
    notifier = Notifier(either.address, None, clock)
    notifier.status("starting: reading what to listen for")
    notifier.ready()
    notifier.reloading()
    notifier.ready()
    notifier.stopping()
    assert either.waiting() == [
        "STATUS=starting: reading what to listen for",
        "READY=1",
        "RELOADING=1\nMONOTONIC_USEC=1000000000",
        "READY=1",
        "STOPPING=1\nSTATUS=stopping",
    ]
    assert notifier.errors == 0


def test_sign_of_life_comes_at_half_of_the_time(manager: Manager) -> None:
    """However often the loop turns."""
    clock = FakeClock()
    notifier = Notifier.of(
        {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "30000000"}, 7, clock
    )
    for _ in range(481):  # a minute, eight turns a second
        notifier.beat()
        clock.advance(0.125)
    assert manager.waiting() == ["WATCHDOG=1"] * 5


@pytest.mark.parametrize(("pid", "beats"), [("7", 1), ("8", 0), (None, 1)])
def test_watchdog_of_another_process_is_not_fed(
    manager: Manager, pid: str | None, beats: int
) -> None:
    """A child that inherits the variables must not answer for its parent."""
    environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1000000"}
    if pid is not None:
        environ["WATCHDOG_PID"] = pid
    Notifier.of(environ, 7, FakeClock()).beat()
    assert len(manager.waiting()) == beats


def test_without_a_manager_nothing_is_sent() -> None:
    """As in a terminal: no error, no status that would have to be made."""
    notifier = Notifier.of({"WATCHDOG_USEC": "1000000"}, 7, FakeClock())
    notifier.ready()
    notifier.beat()
    assert not notifier.status_due
    assert notifier.errors == 0


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("NOTIFY_SOCKET", "vsock:2:1", "write the path of a socket"),
        ("NOTIFY_SOCKET", "@", "write the path of a socket"),
        ("WATCHDOG_USEC", "30s", "write a whole number from 1 to"),
        ("WATCHDOG_USEC", "0", "write a whole number from 1 to"),
        ("WATCHDOG_PID", "me", "write a whole number from 1 to"),
    ],
)
def test_variable_that_systemd_never_writes_is_named(name: str, value: str, remedy: str) -> None:
    """With what stands there and what to write."""
    with pytest.raises(ConfigError, match=f"environment variable {name}: is '{value}'; {remedy}"):
        Notifier.of({name: value}, 7, FakeClock())


def test_status_is_sent_when_it_is_news_and_not_more_than_once_a_second(manager: Manager) -> None:
    """A reason that counts seconds must not keep systemd busy."""
    clock = FakeClock()
    notifier = Notifier(manager.address, None, clock)
    for text in ("ok", "ok", "lost"):
        assert notifier.status_due
        notifier.status(text)
        assert not notifier.status_due
        clock.advance(1.0)
    assert manager.waiting() == ["STATUS=ok", "STATUS=lost"]


def test_status_cannot_say_anything_else(manager: Manager) -> None:
    """A line break in a quoted file begins no assignment; no length makes systemd ignore it."""
    notifier = Notifier(manager.address, None, FakeClock())
    notifier.status("degraded: d.yaml:3\nMAINPID=1\r\n\x00" + "音" * 3_000 + "\udcff")
    (message,) = manager.waiting()
    assert message.startswith("STATUS=degraded: d.yaml:3 MAINPID=1 音音")
    assert message.endswith("音…")
    assert len(message.splitlines()) == 1
    assert len(message.encode("utf-8")) < 4_096


def test_lost_manager_is_logged_once_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And is told again as soon as it is back, without waiting for half of the time."""
    clock = FakeClock()
    address = str(tmp_path / "notify")
    notifier = Notifier(address, 30.0, clock)
    with caplog.at_level(logging.WARNING):
        notifier.ready()
        for _ in range(20):  # 2.5 s
            notifier.beat()
            clock.advance(0.125)
    assert notifier.errors == 1 + 3
    assert [record.getMessage() for record in caplog.records] == ["service_manager_unreachable"]
    assert address in caplog.records[0].__dict__["reason"]
    with closing(Manager(address)) as manager:
        clock.advance(1.0)
        notifier.beat()
        assert manager.waiting() == ["WATCHDOG=1"]


def test_manager_that_takes_nothing_does_not_hold_the_loop(manager: Manager) -> None:
    """Its queue is full: the message is counted as lost, and the caller goes on."""
    notifier = Notifier(manager.address, None, FakeClock())
    while notifier.errors == 0:
        notifier.ready()
    assert set(manager.waiting()) == {"READY=1"}
    notifier.stopping()
    assert notifier.errors == 1
    assert manager.waiting() == ["STOPPING=1\nSTATUS=stopping"]


def test_status_line_names_state_sources_and_reasons() -> None:
    """What a person reads in ``systemctl status``."""
    reasons = {"source hall": "no sound for 5 s; check the sender", "broker": "refused"}
    assert status_line(State.DEGRADED, {"hall": "lost", "yard": "ok"}, reasons) == (
        "degraded (hall lost, yard ok): "
        "source hall: no sound for 5 s; check the sender | broker: refused"
    )
    assert status_line(State.OK, {"hall": "ok"}, {}) == "ok (hall ok)"


def test_loop_that_hangs_gives_no_sign_of_life(tmp_path: Path, manager: Manager) -> None:
    """The pipeline with its real model: while a window is not done with, systemd hears nothing."""
    recording = tmp_path / "calm.wav"
    soundfile.write(recording, np.zeros(16_000 * 4, np.float32), 16_000)
    described = tmp_path / "d.yaml"
    described.write_text("version: 1\nerrors:\n  - {id: drop, text: 金属音}\n", encoding="utf-8")
    settings = replace(
        load_settings(None, {"STATE_DIRECTORY": str(tmp_path / "state")}),
        descriptions=described,
        sources=(FileSettings(name="hall", path=recording, loop=True),),
        mqtt=MqttSettings(enabled=False),
    )
    broken, hung, mended = threading.Event(), threading.Event(), threading.Event()
    requests = Requests()

    def hang(_: Match) -> None:
        if broken.is_set():
            hung.set()
            mended.wait()

    clock = SystemClock()
    notifier = Notifier(manager.address, _WATCHDOG_S, clock)
    found = descriptions.load(described)
    pipeline = Pipeline(
        settings,
        bundles.load(None),
        found,
        clock,
        requests=requests,
        attach={"test": Watcher(hang)},
        notifier=notifier,
    )
    ends: list[int] = []

    def run() -> None:
        ends.append(pipeline.run())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        manager.until("READY=1")
        manager.until("WATCHDOG=1")
        broken.set()
        assert hung.wait(PATIENCE_S)
        manager.waiting()
        with pytest.raises(TimeoutError):
            manager.next(4 * _WATCHDOG_S)
        mended.set()
        manager.until("WATCHDOG=1")
    finally:
        mended.set()
        requests.stop = True
        thread.join(PATIENCE_S)
    assert ends == [0]
    assert "STOPPING=1\nSTATUS=stopping" in manager.waiting()
