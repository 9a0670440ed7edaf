"""How fast an archive is scanned, in processor time of one core: docs/scale.md.

    python -m tests.benchmarks.scan FOLDER

FOLDER keeps the sound that is made and the embeddings of texts, for the next time.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent import descriptions
from agent.alerts.alerts import Wording
from agent.archive.work import Job, Worker
from agent.bundle import loading as bundles
from agent.capture.audiofile import write_flac
from agent.capture.scene import RATE_HZ, at_level, build_scene, machines
from agent.core import shipped
from agent.core.records import Severity
from agent.descriptions import DetectionPolicy
from agent.detector.rule import Policy, Rule
from agent.encoder.text import embed_texts
from agent.hearing.files import FileHearing
from agent.hearing.recogniser import Recogniser
from agent.matcher.matcher import Contrast, Described, Matcher
from agent.watchlist import watchlist
from agent.watchlist.watchlist import Watchlist

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray

MINUTES = (5, 10)
HOPS_S = (0.5, 2.0)
COUNTS = (10, 100, 1_000, 10_000)
ROUNDS = 2
_HALL_DBFS = -40.0
_OWN = 1.0
_BACKGROUND = 8


def write_hall(folder: Path, minutes: int) -> Path:
    """A hall, with the demo's work errors once in each five minutes; FLAC at 32 kHz, 16 bits."""
    path = folder / f"hall-{minutes}.flac"
    if not path.exists():
        rng = np.random.default_rng(1)
        hall = at_level(machines(rng, 300 * RATE_HZ), _HALL_DBFS)
        scene = build_scene().samples
        hall[60 * RATE_HZ : 60 * RATE_HZ + len(scene)] += scene
        write_flac(path, np.tile(hall, minutes // 5).astype(np.float32), RATE_HZ)
    return path


def listening(bundle: Bundle, count: int, real: FloatArray) -> Watchlist:
    """A watchlist of so many texts, more than a file of descriptions may hold.

    Their embeddings are made up, near those of real texts and each in a direction of its own.

    Args:
        bundle: the model.
        count: of descriptions.
        real: embeddings of real texts, ``(texts, dim)``.
    """
    rng = np.random.default_rng(count)
    own = rng.standard_normal((count, real.shape[1])) / np.sqrt(real.shape[1])
    made = real[rng.integers(0, len(real), count)] + _OWN * own
    made = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    ids = [f"e{at}" for at in range(count)]
    described = [
        Described(error_id, made[at : at + 1], made[:0]) for at, error_id in enumerate(ids)
    ]
    contrast = Contrast(real[:_BACKGROUND], bundle.background(), bundle.foreground())
    policy = Policy(bundle.manifest.tuning.threshold, Rule.of(DetectionPolicy()))
    wording = Wording("made up", Severity.MINOR)
    return Watchlist(
        digest="",
        matcher=Matcher.build(described, contrast),
        policies=dict.fromkeys(ids, policy),
        wordings=dict.fromkeys(ids, wording),
    )


def processor_s(work: Callable[[], object]) -> float:
    """Processor time of the best of some rounds: the others tell what else the machine did."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def main(folder: Path) -> None:
    """Print the tables of docs/scale.md."""
    folder.mkdir(parents=True, exist_ok=True)
    bundle = bundles.load()
    shipped_list = shipped.config("descriptions.en.yaml")
    described = descriptions.load(shipped_list)
    watch = watchlist.build(bundle, described, folder / "embeddings")
    real = embed_texts(bundle, described.texts(), folder / "embeddings")
    paths = {minutes: write_hall(folder, minutes) for minutes in MINUTES}
    _say("| hop | sound | processor time | times real time |\n|---|---|---|---|")
    for hop_s in HOPS_S:
        hearing = FileHearing.of(bundle, hop_s)
        worker = Worker(Job.of(hearing, watch, None), hearing, watch.matcher)
        for minutes, path in paths.items():
            took = processor_s(partial(worker.hear, path))
            _say(f"| {hop_s:g} s | {minutes} min | {took:.2f} s | {60 * minutes / took:.0f} |")
    _stages(FileHearing.of(bundle), watch, paths[MINUTES[0]], 60.0 * MINUTES[0])
    _say("\n| descriptions | processor time | times real time | alerts |\n|---|---|---|---|")
    for count in COUNTS:
        watch = listening(bundle, count, real)
        hearing = FileHearing.of(bundle)
        worker = Worker(Job.of(hearing, watch, None), hearing, watch.matcher)
        path, seconds = paths[MINUTES[0]], 60 * MINUTES[0]
        took = processor_s(partial(worker.hear, path))
        alerts = len(worker.hear(path).alerts)
        _say(f"| {count:,} | {took:.2f} s | {seconds / took:.0f} | {alerts} |")


def _stages(hearing: FileHearing, watch: Watchlist, path: Path, seconds: float) -> None:
    """What a second of sound costs, stage by stage."""
    decoded = processor_s(lambda: hearing.samples(path))
    cut = processor_s(lambda: list(hearing.windows(path)))
    heard = list(hearing.embedded(path))
    embedded = processor_s(lambda: [hearing.encoder.embed(windows) for windows, _ in heard])

    def recognise() -> None:
        recogniser = Recogniser(watch.matcher, watch.policies, hearing.rate_hz)
        list(recogniser.detections(heard))

    told = processor_s(recognise)
    _say("\n| stage | a second of sound |\n|---|---|")
    stages = {
        "FLAC decoded": decoded,
        "log-mel and windows": cut - decoded,
        "audio tower": embedded,
        "matching and detection": told,
    }
    for name, took in stages.items():
        _say(f"| {name} | {1_000.0 * took / seconds:.2f} ms |")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
