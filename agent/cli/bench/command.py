"""``kikimimi bench``: what the box costs on this machine, on one thread.

Milliseconds of different machines do not compare, so each figure also stands as a ratio to
something measured in the same run: real time, or the float32 tower.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent import descriptions
from agent.bundle import loading as bundles
from agent.capture.scene import RATE_HZ, build_scene
from agent.cli.bench.figures import Figure
from agent.cli.bench.running import running
from agent.cli.bench.whole import whole_agent
from agent.cli.score import variants_of
from agent.cli.speed import best_ms, hear_stream
from agent.core import shipped
from agent.encoder.audio import Encoder
from agent.encoder.choice import with_fastest_tower
from agent.frontend.log_mel import LogMel
from agent.hearing.windows import own_hop_s, windows_at
from agent.watchlist import watchlist

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray

_LISTEN_S = 45.0


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
        "--seconds",
        type=float,
        default=_LISTEN_S,
        help="how long the running agent is measured, each time",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a figure")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="kikimimi-bench-") as nowhere:
        bundle = with_fastest_tower(bundles.load(arguments.bundle), Path(nowhere), keep=False)
    sound = build_scene().samples
    figures = [
        *numeric_path(bundle, sound),
        *matching(bundle, arguments.descriptions, sound),
        *running(arguments.bundle, arguments.descriptions, sound, arguments.seconds),
        *whole_agent(arguments.bundle, arguments.descriptions, arguments.seconds),
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
