"""Learns a sound without the agent's help: from a file, or from the microphone where none runs."""

from __future__ import annotations

import threading
import uuid
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from agent import clips
from agent.alerts.reports import Report, Reports
from agent.capture.build import make_source
from agent.capture.supervisor import Supervisor
from agent.cli.teach.learnt import Learnt, TeachError
from agent.clips.job import Job
from agent.core.reasons import Reason
from agent.core.records import Origin, Provenance, Views
from agent.encoder.audio import Encoder
from agent.hearing.recogniser import embedded
from agent.hearing.windows import holding_sound, windows_at
from agent.mqtt.topics import Topics
from agent.run.teaching import told
from agent.store import Store
from agent.watchlist.examples import Library
from agent.watchlist.site import listened_for
from agent.watchlist.sureness import most_telling, sureness

if TYPE_CHECKING:
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.config import Settings
    from agent.config.sources import SourceSettings
    from agent.core.clock import Clock
    from agent.core.records import FloatArray
    from agent.descriptions import DescriptionSet
    from agent.watchlist.watchlist import Watchlist

_PATIENCE_S = 15.0
_CACHE = "embeddings"
"""The agent's own, in ``state_dir``: texts that it knows are not embedded again."""


def record(source: SourceSettings, bundle: Bundle, seconds: float, clock: Clock) -> FloatArray:
    """The next seconds of a source, full scale at 1.0, shape ``(samples,)``.

    Raises:
        TeachError: it does not give them.
    """
    rate_hz = bundle.manifest.frontend.sample_rate_hz
    supervisor = Supervisor(
        make_source(source, rate_hz, clock), sample_rate_hz=rate_hz, clock=clock
    )
    wanted, taken = round(seconds * rate_hz), 0
    parts: list[FloatArray] = []
    until_s = clock.monotonic() + seconds + _PATIENCE_S
    stop = threading.Event()
    for block in supervisor.blocks(stop):
        if block is not None:
            parts.append(block.samples)
            taken += len(block.samples)
        if taken >= wanted or clock.monotonic() >= until_s:
            stop.set()
    if taken < wanted:
        why = supervisor.status.reason or "it ended before"
        raise TeachError(f"{source.name}: gave {taken / rate_hz:.1f} of {seconds:g} s: {why}")
    return np.concatenate(parts)[:wanted]


def learn(
    settings: Settings,
    bundle: Bundle,
    descriptions: DescriptionSet,
    clock: Clock,
    *,
    error_id: str,
    samples: FloatArray,
    source: str,
    operator: str,
) -> Learnt:
    """Keep a sound as an example, and try what the box makes of it.

    An agent that runs meanwhile takes it over within seconds.

    Args:
        settings: of the box.
        bundle: the model.
        descriptions: that are listened for.
        clock: says when.
        error_id: of the description.
        samples: at the bundle's rate, shape ``(samples,)``.
        source: what heard it.
        operator: who teaches.

    Raises:
        TeachError: the site keeps no clips, or the sound holds nothing but digital silence.
        StoreError: the database refuses.
        TextError: the bundle cannot read a text.
        BundleError: the bundle is damaged, or speech cannot be looked for.
        AudioFileError: the clip cannot be written.
    """
    if not settings.clips.enabled:
        raise TeachError(
            "clips.enabled is false in agent.yaml: no sound is kept here; name the file under "
            "examples of the description instead"
        )
    rate_hz = bundle.manifest.frontend.sample_rate_hz
    windows = windows_at(bundle, source, samples)
    sounds = holding_sound(windows, samples, rate_hz)
    windows = [window for window, one in zip(windows, sounds, strict=True) if one]
    if not windows:
        raise TeachError(f"{source}: {Reason.of('recording_silent')}")
    views = Views.concatenate([some for _, some in embedded(Encoder(bundle), windows)])
    now = clock.now()
    begins_at = now - len(samples) / rate_hz
    with closing(Store.open(settings.state_dir)) as store:

        def listened() -> Watchlist:
            library = Library(bundle, store, clips.folder_of(settings))
            cache: Path = settings.state_dir / _CACHE
            return listened_for(
                settings, bundle, descriptions, store, library, cache=cache, now=now
            )

        before = listened()
        usual = bundle.background().joint.mean(axis=0)
        telling = most_telling(before, error_id, windows, views, usual)
        peak = windows[telling.row]
        threshold = before.policies[error_id].threshold_on
        topics = Topics(settings.mqtt.prefix, settings.site, settings.node)
        reports = Reports(topics=topics, store=store, link=None, clock=clock)
        times = begins_at, begins_at + peak.captured_at, now
        report = Report(f"teach-{uuid.uuid4().hex}", error_id, operator, now, Origin.TAUGHT)
        alert = reports.keep(
            report,
            telling.event(source, error_id, threshold, times),
            before.wordings[error_id],
            Provenance(bundle.digest, before.digest),
        )
        job = Job(
            alert=alert,
            samples=samples,
            sample_rate_hz=rate_hz,
            starts_at=begins_at,
            begins_s=0.0,
            ends_s=len(samples) / rate_hz,
            peak_s=peak.captured_at,
            views=views[telling.row : telling.row + 1],
        )
        store.keep_clip(clips.writer(settings, bundle).write(job))
        after = listened()
    found = sureness(after, error_id, alert.alert_id, windows, views, row=telling.row)
    return Learnt(told(report, "learnt", now, alert=alert, sure=found))
