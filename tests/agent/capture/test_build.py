"""Settings to sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.capture.build import make_source
from agent.capture.file import FileSource
from agent.capture.microphone import Microphone
from agent.capture.stream import StreamSource
from agent.config.sources import FileSettings, MicrophoneSettings, StdinSettings, StreamSettings
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from agent.config.sources import SourceSettings


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (MicrophoneSettings("a", device="Yeti", channels=(1, 2)), Microphone),
        (FileSettings("a", Path("a.wav"), loop=True, channels=(2,)), FileSource),
        (StdinSettings("a", channels=(2,)), StreamSource),
        (StreamSettings("a", "rtsp://camera/audio", track=2, channels=(2,)), StreamSource),
    ],
)
def test_each_kind_has_its_source(settings: SourceSettings, kind: type) -> None:
    """Made, named, and not opened."""
    source = make_source(settings, 32_000, FakeClock())
    assert type(source) is kind
    assert source.name == "a"
    assert not source.ended
    assert source.counters().dropped_samples == 0
