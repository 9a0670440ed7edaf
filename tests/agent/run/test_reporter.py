"""What the box tells of itself."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from agent.capture.build import make_source
from agent.capture.supervisor import Supervisor
from agent.config import FileSettings, PublishSettings
from agent.mqtt.topics import Topics
from agent.run.health import State
from agent.run.reporter import Reporter, Snapshot
from agent.run.tally import Tally
from tests.fakes import FakeClock
from tests.signals import noise

if TYPE_CHECKING:
    from pathlib import Path

    from agent.run.health import Health

RATE_HZ = 32_000


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
    topics = Topics("kikimimi", "site", "box")
    reporter = Reporter(None, topics, PublishSettings(), clock)
    return reporter.report(
        Snapshot(
            state=State.OK,
            bundle="sha256:b",
            descriptions="sha256:d",
            sources=[supervisor.status],
            tally=Tally(),
            windows_dropped=0,
            suppressed=0,
            outbox_depth=0,
            store_trouble="",
            config_error="",
        )
    )


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
