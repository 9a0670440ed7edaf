"""What the box tells of itself."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from agent.capture.build import make_source
from agent.capture.source import SourceCounters
from agent.capture.supervisor import SourceStatus, Supervisor
from agent.clips import ClipTally, MemoryTally
from agent.config import FileSettings, PublishSettings
from agent.core.records import SourceState
from agent.mqtt import LinkStatus
from agent.mqtt.topics import Topics
from agent.run.commands import CommandTally
from agent.run.health import State
from agent.run.reporter import Reporter, Snapshot
from agent.run.tally import Tally
from tests.fakes import FakeClock
from tests.schemas import validator
from tests.signals import noise

if TYPE_CHECKING:
    from pathlib import Path

    from agent.run.health import Health

RATE_HZ = 32_000
SNAPSHOT = Snapshot(
    state=State.OK,
    bundle=f"sha256:{64 * 'b'}",
    descriptions=f"sha256:{64 * 'd'}",
    sources=(),
    tally=Tally(),
    windows_dropped=0,
    suppressed=0,
    config_error="",
)


def health_of(settings: FileSettings) -> Health:
    """What is told after the first two seconds of a source."""
    clock = FakeClock()
    source = make_source(settings, RATE_HZ, clock)
    supervisor = Supervisor(source, sample_rate_hz=RATE_HZ, clock=clock)
    stop = threading.Event()
    samples = 0
    for block in supervisor.blocks(stop):
        assert block is not None
        samples += len(block.samples)
        if samples >= 2 * RATE_HZ:
            stop.set()
    return reporter(clock).report(replace(SNAPSHOT, sources=[supervisor.status]))


def reporter(clock: FakeClock) -> Reporter:
    """A reporter of a box without MQTT."""
    return Reporter(None, Topics("kikimimi", "site", "box"), PublishSettings(), clock)


def test_every_part_is_counted_under_the_names_of_the_schema() -> None:
    """None is missing, also where a part is switched off, and each has its part's count."""
    counted = SourceCounters(overflows=1, dropped_samples=2, non_finite_samples=3)
    status = SourceStatus("mic", SourceState.OK, "", 0.0, counters=counted)
    snapshot = replace(
        SNAPSHOT,
        sources=[status, replace(status, source="mic2")],
        tally=Tally(
            windows=30,
            alerts=7,
            candidates=6,
            reloads=8,
            reloads_rejected=9,
            store_errors=10,
            lag_s=0.5,
        ),
        windows_dropped=10,
        suppressed=11,
        muted=12,
        verdicts=13,
        verdicts_undone=14,
        notify_errors=15,
        commands=CommandTally(16, 17, 18, 19, 20),
        clips=ClipTally(21, 22, 23, 24, 25, 26),
        memory=MemoryTally(27, 28),
        missed=29,
        taught=30,
    )
    health = reporter(FakeClock()).report(snapshot)
    payload = json.loads(health.to_json())
    validator("health").validate(payload)
    assert payload["drop_ratio"] == 0.25
    assert payload["counters"] == {
        "windows": 30,
        "windows_dropped": 10,
        "alerts": 7,
        "candidates": 6,
        "suppressed": 11,
        "muted": 12,
        "overflows": 2,
        "dropped_samples": 4,
        "non_finite_samples": 6,
        "reloads": 8,
        "reloads_rejected": 9,
        "store_errors": 10,
        "notify_errors": 15,
        "verdicts": 13,
        "verdicts_undone": 14,
        "live_discarded": 0,
        "messages_delivered": 0,
        "messages_refused": 0,
        "messages_oversized": 0,
        "commands_accepted": 16,
        "commands_refused": 17,
        "commands_limited": 18,
        "commands_duplicated": 19,
        "commands_unanswered": 20,
        "commands_dropped": 0,
        "clips_written": 21,
        "clips_scrambled": 22,
        "clips_withheld": 23,
        "clips_failed": 24,
        "clips_missed": 25,
        "clips_deleted": 26,
        "memory_lost": 27,
        "memory_failed": 28,
        "reported_missed": 29,
        "reported_taught": 30,
    }
    silent = reporter(FakeClock()).report(SNAPSHOT)
    assert {*silent.counters} == {*health.counters}
    link = LinkStatus(delivered=1, refused=2, oversized=3, live_discarded=4, incoming_dropped=5)
    assert link.counters() == {
        "messages_delivered": 1,
        "messages_refused": 2,
        "messages_oversized": 3,
        "live_discarded": 4,
        "commands_dropped": 5,
    }


def test_channels_that_cancel_are_a_reason_until_one_is_chosen(tmp_path: Path) -> None:
    """The source is ok, since it is heard; the box is not, since somebody has to look at it."""
    path = tmp_path / "two.wav"
    sound = noise(4 * RATE_HZ)
    soundfile.write(path, np.stack((sound, -sound), axis=1), RATE_HZ)
    health = health_of(FileSettings("tape", path, realtime=False))
    assert health.state is State.DEGRADED
    assert health.sources == {"tape": "ok"}
    assert health.reasons == {
        "signal tape": "channels 1 and 2 cancel each other: one side is inverted (two wires "
        "swapped); channel 1 alone is heard; write channels: [1]"
    }
    assert json.loads(health.to_json())["reason_codes"] == {
        "signal tape": [
            {"code": "channels_cancel", "parameters": {"first": "1", "last": 2}},
            {"code": "channel_alone", "parameters": {"channel": 1}},
        ]
    }
    level_dbfs = health.signals["tape"].level_dbfs
    assert level_dbfs is not None
    assert -21.0 < level_dbfs < -19.0  # of one channel, not of the mix
    chosen = health_of(FileSettings("tape", path, realtime=False, channels=(2,)))
    assert (chosen.state, chosen.reasons) == (State.OK, {})
