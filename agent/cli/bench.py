"""``kikimimi bench``: what the box costs on this machine, on one thread.

Milliseconds of different machines do not compare, so each figure also stands as a ratio to
something measured in the same run: real time, or the float32 tower.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from agent import descriptions
from agent.bundle import loading as bundles
from agent.capture.scene import RATE_HZ, build_scene
from agent.cli.child import running_agent
from agent.cli.demo_broker import HOST, local_broker
from agent.cli.score import variants_of
from agent.cli.speed import best_ms, hear_stream
from agent.core import shipped
from agent.encoder.audio import Encoder
from agent.frontend.log_mel import LogMel
from agent.hearing.windows import own_hop_s, windows_at
from agent.mqtt.subscriber import Subscriber
from agent.watchlist import watchlist

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from agent.bundle.loading import Bundle
    from agent.cli.child import Child
    from agent.core.records import FloatArray

_READY_S = 600.0
_LISTEN_S = 45.0
_WARM_UP_S = 5.0
_SETTLED_S = 60.0
_MEBI = 1024.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure beside what it is to be compared with."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    to: str = ""
    """What the ratio is to."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``kikimimi bench``."""
    parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="instead of the shipped one")
    parser.add_argument(
        "--descriptions",
        type=Path,
        default=shipped.config("descriptions.en.yaml"),
        metavar="FILE",
        help="instead of the English ones that come with the package",
    )
    parser.add_argument(
        "--seconds", type=float, default=_LISTEN_S, help="how long the running agent is measured"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a figure")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    bundle = bundles.load(arguments.bundle)
    sound = build_scene().samples
    figures = [
        *numeric_path(bundle, sound),
        *matching(bundle, arguments.descriptions, sound),
        *running(arguments.bundle, arguments.descriptions, sound, arguments.seconds),
    ]
    for figure in figures:
        if arguments.json:
            print(json.dumps(asdict(figure)))
        else:
            ratio = "" if figure.ratio is None else f"{figure.ratio:10.4g} {figure.to}"
            print(f"{figure.name:<58} {figure.value:10.3f} {figure.unit:<4} {ratio}")
    return 0


def numeric_path(bundle: Bundle, sound: FloatArray) -> list[Figure]:
    """Frontend and encoder, without overlap and as the box runs them."""
    seconds = len(sound) / RATE_HZ
    constants, tuning = bundle.manifest.frontend, bundle.manifest.tuning
    log_mel = LogMel.of(bundle)
    size = tuning.window_frames
    whole = log_mel.whole(sound)
    starts = range(0, whole.shape[1] - size + 1, size)
    apart = np.stack([whole[:, at : at + size] for at in starts])
    covered_s = len(apart) * size / constants.frame_rate_hz
    frontend_ms = best_ms(lambda: log_mel.whole(sound)) / seconds
    figures = [_of_real_time("frontend, a second of audio", frontend_ms)]
    by_variant = {}
    for name, variant in variants_of(bundle, "all").items():
        work = partial(_one_by_one, Encoder(variant), apart)
        by_variant[name] = best_ms(work) / covered_s
    reference_ms = by_variant["reference"]
    for name, cost_ms in by_variant.items():
        label = f"encoder ({name}), a second of audio, no overlap"
        figures.append(Figure(label, cost_ms, "ms", cost_ms / reference_ms, "of float32"))
    encoder = Encoder(bundle)
    own_ms = best_ms(lambda: _one_by_one(encoder, apart)) / covered_s
    figures.append(
        _of_real_time("frontend and encoder, a second of audio, no overlap", frontend_ms + own_ms)
    )
    streaming_ms = best_ms(lambda: hear_stream(bundle, encoder, sound, own_hop_s(bundle))) / seconds
    every = f"every {own_hop_s(bundle):g} s"
    label = f"the same in streaming, {size / constants.frame_rate_hz:g} s {every}"
    figures.append(_of_real_time(label, streaming_ms))
    return figures


def _of_real_time(name: str, cost_ms: float) -> Figure:
    return Figure(name, cost_ms, "ms", cost_ms / 1_000.0, "of real time")


def _one_by_one(encoder: Encoder, windows: FloatArray) -> None:
    for window in windows:
        encoder.encode(window[None])


def matching(bundle: Bundle, described: Path, sound: FloatArray) -> list[Figure]:
    """One window against every description."""
    watched = watchlist.build(bundle, descriptions.load(described), cache=None)
    (window,) = windows_at(bundle, "bench", sound, [0.0])
    views = Encoder(bundle).embed([window])
    prototypes = watched.matcher.prototypes
    p50, p99 = _percentiles_us(lambda: watched.matcher.match([window], views))
    plain, _ = _percentiles_us(lambda: prototypes.compare(views))
    count = len(prototypes)
    return [
        Figure(f"matcher, {count} prototypes, p50", p50, "us"),
        Figure(f"matcher, {count} prototypes, p99", p99, "us", p99 / p50, "of p50"),
        Figure(
            "their cosines and margins without an index, p50", plain, "us", plain / p50, "of p50"
        ),
    ]


def _percentiles_us(work: Callable[[], object]) -> tuple[float, float]:
    """The 50th and the 99th percentile of how long something takes."""
    times = []
    for _ in range(2_000):
        began_s = time.perf_counter()
        work()
        times.append(time.perf_counter() - began_s)
    p50, p99 = (1e6 * float(np.percentile(times, q)) for q in (50, 99))
    return p50, p99


def running(
    folder: Path | None, described: Path, sound: FloatArray, seconds: float
) -> list[Figure]:
    """The running agent: memory, start, and the delay until another process has the message."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kikimimi-bench-")))
        path = place / "sound.wav"
        soundfile.write(path, sound, RATE_HZ, subtype="PCM_16")
        broker = stack.enter_context(local_broker())
        subscriber = stack.enter_context(
            closing(Subscriber(HOST, broker.port, "kikimimi/bench/box/#"))
        )
        settings = {
            "site": "bench",
            "node": "box",
            "descriptions": str(described.resolve()),
            "state_dir": str(place / "state"),
            "sources": [{"name": "file", "kind": "file", "path": str(path), "loop": True}],
            "mqtt": {"host": HOST, "port": broker.port},
            "publish": {"scores": True},
            "log": {"format": "json"},
        }
        if folder is not None:
            settings["bundle"] = str(folder.resolve())
        # The first start embeds the texts, the second finds them in the cache.
        starts_s = []
        for _ in range(2):
            began_s = time.perf_counter()
            with running_agent(place, settings) as child:
                child.wait_for_event("ready", _READY_S)
                starts_s.append(time.perf_counter() - began_s)
                if len(starts_s) == 2:  # noqa: PLR2004 - the one that is measured further
                    run = _observe(subscriber, child, seconds)
    delays_ms = run.delays_ms or [math.nan]
    p50, p99 = (float(np.percentile(delays_ms, q)) for q in (50, 99))
    early, late = run.resident_mib[0], run.resident_mib[-1]
    return [
        Figure("start to ready, texts to embed", starts_s[0], "s"),
        Figure(
            "start to ready, texts cached", starts_s[1], "s", starts_s[1] / starts_s[0], "of it"
        ),
        Figure(f"resident memory after {min(_SETTLED_S, seconds / 2):.0f} s", early, "MiB"),
        Figure(f"resident memory after {seconds:.0f} s", late, "MiB", late / early, "of that"),
        Figure("threads at the end", float(run.threads), ""),
        Figure("open files at the end", float(run.open_files), ""),
        Figure("windows dropped", run.dropped, "", run.drop_ratio, "of all"),
        Figure("alerts", float(run.alerts), ""),
        Figure(f"end of window to message, {len(delays_ms)} windows, p50", p50, "ms"),
        Figure(f"end of window to message, {len(delays_ms)} windows, p99", p99, "ms"),
    ]


@dataclass(slots=True)
class Observed:
    """What a running agent said and took."""

    delays_ms: list[float] = field(default_factory=list)
    """From the end of each window's last sample to the arrival of its scores here."""
    resident_mib: list[float] = field(default_factory=list)
    """Once when the first minute is over, then at the end."""
    threads: int = 0
    open_files: int = 0
    dropped: float = math.nan
    """Windows, as its last health message says."""
    drop_ratio: float = math.nan
    alerts: int = 0


def _observe(subscriber: Subscriber, child: Child, seconds: float) -> Observed:
    run = Observed()
    process = Path(f"/proc/{child.pid}")
    settled_s = min(_SETTLED_S, seconds / 2)
    began_s = time.monotonic()
    while (elapsed_s := time.monotonic() - began_s) < seconds:
        message = subscriber.next(1.0)
        child.check()
        if not run.resident_mib and elapsed_s >= settled_s:
            run.resident_mib.append(_status(process, "VmRSS") / _MEBI)
        if message is None:
            continue
        kind = message.topic.rsplit("/", 1)[-1]
        if kind == "scores" and elapsed_s >= _WARM_UP_S:
            ends_at = datetime.fromisoformat(json.loads(message.payload)["ts_end"]).timestamp()
            run.delays_ms.append(1_000.0 * (message.at - ends_at))
        elif kind == "health":
            health = json.loads(message.payload)
            run.dropped = health["counters"]["windows_dropped"]
            run.drop_ratio = health["drop_ratio"]
        elif kind == "alert":
            run.alerts += json.loads(message.payload)["event_type"] == "new"
    run.resident_mib.append(_status(process, "VmRSS") / _MEBI)
    run.threads = round(_status(process, "Threads"))
    run.open_files = len(list((process / "fd").iterdir()))
    return run


def _status(process: Path, name: str) -> float:
    """A number of a process's ``status``, as Linux tells it."""
    for line in (process / "status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return float(line.split()[1])
    return math.nan
