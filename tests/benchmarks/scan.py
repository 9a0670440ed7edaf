"""How fast an archive is scanned, in processor time of one core: docs/scale.md.

    python -m tests.benchmarks.scan FOLDER

FOLDER keeps the sound that is made and the embeddings of the wordings, for the next time.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent import descriptions
from agent.archive.work import Job, Worker
from agent.bundle import loading as bundles
from agent.capture.audiofile import write_flac
from agent.capture.scene import RATE_HZ, at_level, build_scene, machines
from agent.core import shipped
from agent.hearing.files import FileHearing
from agent.hearing.recogniser import Recogniser
from agent.watchlist import watchlist

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.bundle.loading import Bundle
    from agent.watchlist.watchlist import Watchlist

MINUTES = (5, 10)
HOPS_S = (0.5, 2.0)
COUNTS = (10, 100, 1_000, 10_000)
ROUNDS = 2
_HALL_DBFS = -40.0

THINGS = (
    *("a metal part", "a bolt", "a bearing", "a belt", "a chain", "a gear", "a pump", "a valve"),
    *("a fan", "a motor", "a compressor", "a conveyor", "a drill", "a saw", "a press", "a pipe"),
    *("a tank", "a door", "a cart", "a forklift", "a cable", "a tool", "a pallet", "a glass"),
    "a nozzle",
)
EVENTS = (
    *("drops", "squeals", "rattles", "grinds", "leaks", "hisses", "bangs", "cracks", "hums"),
    *("knocks", "scrapes", "slips", "bursts", "whistles", "rumbles", "clicks", "vibrates"),
    *("stalls", "jams", "overheats"),
)
PLACES = (
    *("on concrete", "in the hall", "near the wall", "under load", "at high speed", "slowly"),
    *("again and again", "once", "in the distance", "close by", "in a metal box", "under water"),
    *("outdoors", "in a corridor", "behind glass", "at the start", "at the end", "on wood"),
    *("on a plate", "with an echo"),
)


def wordings(count: int) -> list[str]:
    """Descriptions of sounds, each of them once, no two alike."""
    made = [" ".join(words) for words in product(THINGS, EVENTS, PLACES)]
    order = np.random.default_rng(7).permutation(len(made))
    return [made[at] for at in order[:count]]


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


def listening(bundle: Bundle, folder: Path, count: int) -> Watchlist:
    """The watchlist of so many wordings."""
    path = folder / f"wordings-{count}.yaml"
    lines = [f"  - {{id: e{at}, text: {text}}}" for at, text in enumerate(wordings(count))]
    path.write_text("\n".join(["version: 1", "errors:", *lines, ""]), encoding="utf-8")
    return watchlist.build(bundle, descriptions.load(path), folder / "embeddings")


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
    watch = watchlist.build(bundle, descriptions.load(shipped_list), folder / "embeddings")
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
        watch = listening(bundle, folder, count)
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
