"""Puts the parts together for one box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.clips.recorder import Recorder
from agent.clips.retention import Limits
from agent.clips.scrambling import Guard
from agent.clips.speech import FRAME_S, VoiceDetector
from agent.clips.worker import ClipWorker
from agent.clips.writing import ClipWriter
from agent.frontend.log_mel import LogMel
from agent.store import CLIPS_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.config import Settings
    from agent.core.clock import Clock
    from agent.store.box import BoxStore


def folder_of(settings: Settings) -> Path:
    """Where a box's clips are."""
    return settings.state_dir / CLIPS_FOLDER


def writer(settings: Settings, bundle: Bundle) -> ClipWriter:
    """What writes clips by the site's policy.

    Raises:
        BundleError: the bundle's frontend is damaged.
    """
    guard = Guard(settings.clips.speech, VoiceDetector, FRAME_S)
    return ClipWriter(folder_of(settings), guard, LogMel.of(bundle))


def recorder(settings: Settings, bundle: Bundle, store: BoxStore, clock: Clock) -> Recorder | None:
    """What keeps the sound around alerts; ``None`` where the site wants none.

    Raises:
        BundleError: the bundle's frontend is damaged.
    """
    clips = settings.clips
    if not clips.enabled:
        return None
    worker = ClipWorker(
        folder_of(settings),
        writer=writer(settings, bundle),
        limits=Limits(clips.quota_bytes, clips.keep_days, clips.keep_per_description),
        store=store,
        clock=clock,
    )
    sources = [source.name for source in settings.sources]
    rate_hz = bundle.manifest.frontend.sample_rate_hz
    return Recorder(clips, sources, rate_hz, worker, clock, hop_s=settings.windows.hop_s)
