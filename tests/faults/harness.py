"""The real agent, broker and database on a bench where each can be killed at any time.

A trigger in the box's own database copies every message into a table when, and only if, the
agent's transaction is committed. That table is the truth that ``compare`` holds arrivals against.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.child import Child
from agent.config import ENVIRONMENT
from agent.store import FILE_NAME, Store
from tests.faults.consumer import Consumer
from tests.faults.embedded import embed
from tests.integration.scenes import write_siren
from tests.mosquitto import Mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parents[2]
BOX = "kikimimi/plant/press3"
BEFORE_S, SIREN_S, AFTER_S = 3.0, 5.0, 8.0
PERIOD_S = BEFORE_S + SIREN_S + AFTER_S
"""The recording: calm, a siren, calm, and again."""
READY_S = 300.0
PATIENCE_S = 300.0
_POLL_S = 0.05
# Everything that changes is on the disk before the broker looks at its next packets.
_BROKER = """\
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
max_inflight_messages 0
max_queued_messages 0
"""
_JOURNAL = """
CREATE TABLE journal (number INTEGER PRIMARY KEY AUTOINCREMENT, payload TEXT NOT NULL);
CREATE TRIGGER journalled AFTER INSERT ON outbox
BEGIN INSERT INTO journal (payload) VALUES (NEW.payload); END;
"""


@dataclass(slots=True)
class Life:
    """One start of the agent, until it was killed or asked to end."""

    child: Child
    process: subprocess.Popen[bytes]
    log: Path
    first_message: int
    """Number of the journal's messages when it began."""
    began_s: float
    ready_s: float | None = None
    """Monotonic, as all of these."""
    ready_at: float | None = None
    """UTC."""
    ended_s: float | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid


@dataclass(frozen=True, slots=True)
class Outage:
    """The broker was away. UTC, seconds since the epoch."""

    began_at: float
    ended_at: float


@dataclass
class Bench:
    """A box that hears a siren again and again, its broker, and who listens there."""

    folder: Path
    speed: float = 20.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What ``agent.yaml`` holds beside the usual."""
    lives: list[Life] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the recording, the database with its journal, and start the broker."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "broker").mkdir()
        self.state = self.folder / "state"
        Store.open(self.state).close()
        with closing(sqlite3.connect(self.state / FILE_NAME)) as database:
            database.executescript(_JOURNAL)
        embed(self.folder / "descriptions.yaml", self.state)
        recording = write_siren(self.folder / "siren.wav", before_s=BEFORE_S, after_s=AFTER_S)
        self.broker = Mosquitto(self.folder, settings=_BROKER.format(folder=self.folder / "broker"))
        self.broker.start()
        self.consumer = Consumer(self.broker.port, BOX)
        self.consumer.wait_subscribed(PATIENCE_S)
        source = {"name": "hall", "kind": "file", "path": str(recording), "loop": True}
        settings = {
            "site": "plant",
            "node": "press3",
            "descriptions": str(self.folder / "descriptions.yaml"),
            "state_dir": str(self.state),
            "sources": [source | {"speed": self.speed}],
            # Ten seconds of a machine that is busy with other things.
            "windows": {"queue_windows": round(20 * self.speed)},
            "mqtt": {"host": "127.0.0.1", "port": self.broker.port},
            "publish": {"health_interval_s": 0.5},
            "log": {"format": "json"},
        }
        config = self.folder / "agent.yaml"
        config.write_text(json.dumps(settings | dict(self.settings)), encoding="utf-8")

    @property
    def life(self) -> Life:
        """The latest."""
        return self.lives[-1]

    def start_agent(self) -> Life:
        """Start it and return at once."""
        log = self.folder / f"agent-{len(self.lives) + 1:04}.log"
        command = [sys.executable, "-m", "agent", "run", "--config", f"{self.folder}/agent.yaml"]
        began_s = time.monotonic()
        messages = 0
        with suppress(sqlite3.DatabaseError):  # damaged on purpose
            messages = self.count("journal")
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env=_environment(),
            )
        self.lives.append(Life(Child(process, log), process, log, messages, began_s))
        return self.life

    def note_ready(self) -> bool:
        """Whether the agent listens by now; takes down since when."""
        life = self.life
        if life.ready_s is None:
            for line in life.log.read_text(encoding="utf-8", errors="replace").splitlines():
                if '"event": "ready"' in line:
                    life.ready_at = _utc(json.loads(line)["ts"])
                    # The two clocks differ by a constant; reading them in turn costs nothing.
                    life.ready_s = time.monotonic() - (time.time() - life.ready_at)
        return life.ready_s is not None

    def wait_ready(self) -> None:
        """Block until the agent listens."""
        deadline_s = time.monotonic() + READY_S
        while not self.note_ready():
            self.life.child.check()
            assert time.monotonic() < deadline_s, "the agent does not listen"
            time.sleep(_POLL_S)

    def kill_agent(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        # One that ended by itself has failed.
        assert self.life.process.poll() is None, self.life.log.read_text(encoding="utf-8")[-2_000:]
        self.note_ready()
        self.life.ended_s = time.monotonic()
        self.life.process.kill()
        self.life.process.wait()

    def kill_broker(self) -> None:
        """SIGKILL."""
        self._broker_killed_at = time.time()
        self.broker.kill()
        self.consumer.broker_is_gone()

    def start_broker(self) -> None:
        """Start it again and wait until the consumer is there."""
        self.broker.start()
        self.outages.append(Outage(self._broker_killed_at, time.time()))
        self.consumer.wait_subscribed(PATIENCE_S)

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Block until something is so; the test fails if it does not come."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not condition():
            self.life.child.check()
            assert time.monotonic() < deadline_s, f"not within {PATIENCE_S:g} s: {what}"
            time.sleep(_POLL_S)

    def wait_for_alerts(self, count: int) -> None:
        """Block until so many more alerts are told by the agent's log."""
        goal = count + sum(step == "new" for _, step in self.told())
        self.wait(lambda: sum(step == "new" for _, step in self.told()) >= goal, "more alerts")

    def wait_for_store(self, state: str | None) -> str:
        """Block until health has a reason of the store that holds a text, or none (``None``)."""

        def told() -> bool:
            reason = self.consumer.health.get("reasons", {}).get("store")
            return reason is None if state is None else state in (reason or "")

        self.wait(told, f"store: {state}; {self.consumer.health}")
        return str(self.consumer.health["reasons"].get("store", ""))

    def events(self) -> list[dict[str, Any]]:
        """What the agent's lives have logged."""
        lines = [
            line
            for life in self.lives
            for line in life.log.read_text(encoding="utf-8", errors="replace").splitlines()
        ]
        # The last line of a killed one may be cut.
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def told(self) -> list[tuple[str, str]]:
        """Id and step of each alert in the log, in order."""
        return [(e["alert_id"], e["step"]) for e in self.events() if e["event"] == "alert"]

    def heard(self) -> list[tuple[str, str]]:
        """The same of what arrived, without what came again."""
        payloads = dict.fromkeys(one.payload for one in list(self.consumer.alerts))
        found = map(json.loads, payloads)
        return [(one["alert_id"], one["event_type"]) for one in found]

    def starts_s(self) -> list[float]:
        """From each start of the agent until it listened."""
        return [one.ready_s - one.began_s for one in self.lives if one.ready_s is not None]

    def reconnections_s(self) -> list[float]:
        """From the return of the broker until the agent was connected, where it was meanwhile."""
        connected = [_utc(e["ts"]) for e in self.events() if e["event"] == "broker_connected"]
        ends = [one.began_at for one in self.outages[1:]] + [time.time()]
        found = []
        for outage, next_at in zip(self.outages, ends, strict=True):
            after = [at for at in connected if outage.ended_at - 0.5 <= at < next_at]
            if after:
                found.append(max(0.0, after[0] - outage.ended_at))
        return found

    def count(self, table: str) -> int:
        """Rows of a table of the box's database."""
        with closing(sqlite3.connect(self.state / FILE_NAME, timeout=30.0)) as database:
            (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        return int(count)

    def committed(self) -> list[str]:
        """Every payload that was ever committed to the outbox, in order."""
        with closing(sqlite3.connect(self.state / FILE_NAME, timeout=30.0)) as database:
            rows = database.execute("SELECT payload FROM journal ORDER BY number").fetchall()
        return [row[0] for row in rows]

    def finish(self, due: Callable[[], int] | None = None) -> None:
        """Let everything arrive: end the agent as systemd would, once its outbox is empty.

        Args:
            due: how many different messages have to arrive; those of the journal if ``None``.
        """
        deadline_s = time.monotonic() + PATIENCE_S
        while self.count("outbox"):
            assert time.monotonic() < deadline_s, f"{self.count('outbox')} messages do not leave"
            time.sleep(_POLL_S)
        self.note_ready()
        self.life.ended_s = time.monotonic()
        self.life.process.terminate()
        assert self.life.process.wait(PATIENCE_S) == 0
        count = due() if due is not None else len(self.committed())
        while len(self.heard()) < count:
            if time.monotonic() > deadline_s:
                return  # what is missing is told by the comparison
            time.sleep(_POLL_S)

    def close(self) -> None:
        """End everything that was started."""
        for life in self.lives:
            with suppress(ProcessLookupError):
                life.process.kill()
            life.process.wait()
        self.consumer.close()
        self.broker.kill()


def _environment() -> dict[str, str]:
    """Settings of the shell must not change what is tested."""
    return {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}


def _utc(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
