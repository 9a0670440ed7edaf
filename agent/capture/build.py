"""From a source's settings to the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.capture.file import FileSource
from agent.capture.microphone import Microphone
from agent.capture.network import network_source
from agent.capture.pcm import PcmFormat
from agent.capture.stream import StandardInput, StreamSource
from agent.config.sources import FileSettings, MicrophoneSettings, StreamSettings

if TYPE_CHECKING:
    from agent.capture.source import Source
    from agent.config.sources import SourceSettings
    from agent.core.clock import Clock


def make_source(settings: SourceSettings, sample_rate_hz: int, clock: Clock) -> Source:
    """The source that a site asks for, not opened yet.

    Args:
        settings: one item of ``sources``.
        sample_rate_hz: of the blocks, the bundle's.
        clock: passed on.
    """
    if isinstance(settings, MicrophoneSettings):
        return Microphone(
            settings.name,
            device=settings.device,
            channels=settings.channels,
            sample_rate_hz=sample_rate_hz,
            clock=clock,
        )
    if isinstance(settings, FileSettings):
        return FileSource(
            settings.name,
            path=settings.path,
            sample_rate_hz=sample_rate_hz,
            clock=clock,
            realtime=settings.realtime,
            loop=settings.loop,
            speed=settings.speed,
            channels=settings.channels,
        )
    if isinstance(settings, StreamSettings):
        return network_source(settings, sample_rate_hz, clock)
    return StreamSource(
        settings.name,
        StandardInput(),
        sample_rate_hz=sample_rate_hz,
        clock=clock,
        raw=PcmFormat(settings.format, settings.rate_hz or sample_rate_hz, settings.channel_count),
        final=True,
        channels=settings.channels,
    )
