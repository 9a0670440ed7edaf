"""``script/soak``: hours of sound in a fraction of the time, with kills, and what it cost.

Prints a table and ends with 1 if an alert is missing, memory is not flat, or a file descriptor
or a thread is left behind.
"""

# ruff: noqa: T201 - a command prints

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.compare import compare
from tests.faults.harness import BEFORE_S, PERIOD_S, SIREN_S, Bench

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.compare import Verdict
    from tests.faults.harness import Life

_FLAT = 0.05
_MEBI = 1024.0
_LONGEST_OUTAGE_S = 10.0
# What a busy machine may be behind when the agent is killed.
_BEHIND_S = 3.0
_AROUND = 10
"""Samples at each end of a life that are compared."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the agent's process holds at one moment."""

    age_s: float
    """Since it listens."""
    resident_mib: float
    threads: int
    descriptors: int


@dataclass(slots=True)
class Course:
    """What was seen of one life of the agent."""

    life: Life
    samples: list[Sample] = field(default_factory=list)
    dropped: int = 0
    """Windows, as its latest health says."""

    def settled(self, after_s: float) -> list[Sample]:
        """The samples after its start is over, if they are enough to tell anything."""
        settled = [one for one in self.samples if one.age_s >= after_s]
        return settled if len(settled) >= 2 * _AROUND else []


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; 0 if nothing is wrong."""
    parser = argparse.ArgumentParser(prog="script/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of real time")
    parser.add_argument("--speed", type=float, default=20.0, help="sound's time over real time")
    parser.add_argument("--kills", type=int, help="of agent or broker; one in three minutes")
    parser.add_argument("--seed", type=int, default=1, help="of the instants of the kills")
    parser.add_argument(
        "--no-clips",
        action="store_true",
        help="alerts without their sound",
    )
    arguments = parser.parse_args(argv)
    kills = round(arguments.minutes / 3) if arguments.kills is None else arguments.kills
    with tempfile.TemporaryDirectory(prefix="kikimimi-soak-") as folder:
        settings = {"clips": {"enabled": False}} if arguments.no_clips else {}
        bench = Bench(Path(folder) / "bench", arguments.speed, settings)
        try:
            rng = random.Random(arguments.seed)  # noqa: S311
            soak = Soak(bench, rng, 60.0 * arguments.minutes, kills)
            soak.run()
        finally:
            bench.close()
        problems = report(soak)
    for one in problems:
        print(f"WRONG: {one}")
    print("everything arrived, nothing leaks" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


class Soak:
    """One run."""

    def __init__(self, bench: Bench, rng: random.Random, seconds: float, kills: int) -> None:
        self.bench = bench
        self.seconds = seconds
        self.settle_s = min(60.0, seconds / 15)
        """After so long, what a start takes has been taken."""
        self.sample_s = min(1.0, seconds / 150)
        self.courses: list[Course] = []
        self.broker_kills = 0
        self._rng = rng
        instants = sorted(rng.uniform(0.05, 0.95) * seconds for _ in range(kills))
        # As many of either, in any order.
        victims = [("agent", "broker")[i % 2] for i in range(kills)]
        rng.shuffle(victims)
        self._plan = list(zip(instants, victims, strict=True))

    def run(self) -> None:
        """Listen, sample and kill until the time is over, then let everything arrive."""
        self._begin()
        began_s = time.monotonic()
        broker_back_s: float | None = None
        while (now_s := time.monotonic() - began_s) < self.seconds:
            if broker_back_s is not None and now_s >= broker_back_s:
                self.bench.start_broker()
                broker_back_s = None
            if self._plan and now_s >= self._plan[0][0]:
                _, victim = self._plan.pop(0)
                if victim == "agent":
                    self.bench.kill_agent()
                    self._begin()
                elif broker_back_s is None:
                    self.bench.kill_broker()
                    self.broker_kills += 1
                    outage_s = self._rng.uniform(0.0, min(_LONGEST_OUTAGE_S, self.seconds / 10))
                    broker_back_s = now_s + outage_s
                print(f"{now_s:7.1f} s: {victim} killed", flush=True)
            self._sample()
            time.sleep(self.sample_s)
        if broker_back_s is not None:
            self.bench.start_broker()
        self.bench.finish()

    def _begin(self) -> None:
        self.courses.append(Course(self.bench.start_agent()))
        self.bench.wait_ready()
        if self.bench.broker.process is not None:
            log = self.bench.life.log
            self.bench.wait(lambda: "broker_connected" in log.read_text(), "a connection")

    def _sample(self) -> None:
        course = self.courses[-1]
        health = self.bench.consumer.health
        if health and health["uptime_s"] < time.monotonic() - course.life.began_s:
            course.dropped = max(course.dropped, health["counters"]["windows_dropped"])
        process = Path(f"/proc/{course.life.pid}")
        numbers = dict(
            line.split(":", 1)
            for line in (process / "status").read_text(encoding="ascii").splitlines()
        )
        if "VmRSS" not in numbers:  # as of a process that has ended
            last = course.life.log.read_text(encoding="utf-8", errors="replace")[-2_000:]
            raise AssertionError(f"the agent ended by itself; its last lines:\n{last}")
        course.samples.append(
            Sample(
                age_s=time.monotonic() - (course.life.ready_s or 0.0),
                resident_mib=float(numbers["VmRSS"].split()[0]) / _MEBI,
                threads=int(numbers["Threads"]),
                descriptors=len(list((process / "fd").iterdir())),
            )
        )


def report(soak: Soak) -> list[str]:
    """Print the table; what is wrong."""
    bench = soak.bench
    committed = bench.committed()
    verdict = compare(committed, [one.payload for one in bench.consumer.alerts])
    problems = list(verdict.problems)
    print(
        "\nlife   seconds  ready after   sirens   MiB early   MiB late   threads   files  dropped"
    )
    late_mib = []
    for number, course in enumerate(soak.courses, start=1):
        life = course.life
        until = _after(soak, number)
        sirens, wrong = _sirens(committed[life.first_message : until], life, bench.speed)
        problems += [f"life {number}: {one}" for one in wrong]
        if course.dropped:
            problems.append(f"life {number}: {course.dropped} windows dropped")
        seconds = (life.ended_s or 0.0) - (life.ready_s or 0.0)
        start_s = (life.ready_s or 0.0) - life.began_s
        row = f"{number:4} {seconds:9.1f} {start_s:10.2f} s {sirens:8}"
        if settled := course.settled(soak.settle_s):
            first, last = settled[:_AROUND], settled[-_AROUND:]
            early, late = (
                statistics.median(s.resident_mib for s in part) for part in (first, last)
            )
            late_mib.append(late)
            half = settled[: len(settled) // 2]
            problems += [f"life {number}: {one}" for one in _leaks(half, last, early, late)]
            row += f" {early:11.1f} {late:10.1f} {last[-1].threads:9} {last[-1].descriptors:7}"
        else:
            row += "  (too short to tell its memory)"
        print(f"{row} {course.dropped:8}")
    if late_mib and max(late_mib) > min(late_mib) * (1.0 + _FLAT):
        problems.append(f"memory over lives from {min(late_mib):.1f} to {max(late_mib):.1f} MiB")
    _print_totals(soak, verdict, late_mib)
    return problems


def _after(soak: Soak, number: int) -> int | None:
    """Number of the first message that a life did not commit."""
    return soak.courses[number].life.first_message if number < len(soak.courses) else None


def _sirens(committed: Sequence[str], life: Life, speed: float) -> tuple[int, list[str]]:
    """How many sirens one life told of, and where one is missing or was none."""
    starts, wrong = [], []
    for one in map(json.loads, committed):
        if one["error_id"] != "siren":
            wrong.append(f"an alert of {one['error_id']}")
        elif one["event_type"] == "new":
            starts.append(
                datetime.fromisoformat(one["ts_start"]).timestamp() - (life.ready_at or 0)
            )
    repeats = [round((start_s - BEFORE_S) / PERIOD_S) for start_s in starts]
    if repeats != list(range(len(repeats))):
        wrong.append(f"a siren is missing or told twice: {repeats}")
    heard_s = ((life.ended_s or 0.0) - (life.ready_s or 0.0) - _BEHIND_S) * speed
    due = max(0, int((heard_s - BEFORE_S - SIREN_S) // PERIOD_S) + 1)
    if len(starts) < due:
        wrong.append(f"{len(starts)} sirens told of at least {due}")
    return len(starts), wrong


def _leaks(first: list[Sample], last: list[Sample], early: float, late: float) -> list[str]:
    """What grew between the two ends of a life."""
    problems = []
    if late > early * (1.0 + _FLAT):
        problems.append(f"resident memory rose from {early:.1f} to {late:.1f} MiB")
    for name in ("threads", "descriptors"):
        # A connection that is away for a while is no leak: what was held before may be again.
        before = max(getattr(one, name) for one in first)
        after = min(getattr(one, name) for one in last)
        if after > before:
            problems.append(f"{name} rose from {before} to {after}")
    return problems


def _print_totals(soak: Soak, verdict: Verdict, late_mib: list[float]) -> None:
    sound_h = sum((c.life.ended_s or 0) - (c.life.ready_s or 0) for c in soak.courses)
    sound_h *= soak.bench.speed / 3_600.0
    starts_s = [(c.life.ready_s or 0) - c.life.began_s for c in soak.courses]
    print(f"\nsound heard            {sound_h:.2f} h at {soak.bench.speed:g} times its speed")
    print(f"kills                  agent {len(soak.courses) - 1}, broker {soak.broker_kills}")
    print(f"alerts                 {verdict.alerts}")
    print(f"messages committed     {verdict.committed}")
    print(f"arrived, with repeats  {verdict.arrived}")
    median_s, longest_s = statistics.median(starts_s), max(starts_s)
    print(f"start to listening     median {median_s:.2f} s, longest {longest_s:.2f} s")
    if late_mib:
        print(f"resident at the end    {min(late_mib):.1f} to {max(late_mib):.1f} MiB")


if __name__ == "__main__":
    sys.exit(main())
