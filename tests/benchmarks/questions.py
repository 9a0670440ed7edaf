"""How many questions sounds in a hall come to: the table of docs/benchmarks.md.

    python -m tests.benchmarks.questions --data FOLDER [--minutes N] [--bundle FOLDER]

Sounds of effects-cc and industrial-cc over a fan (mimii-fan) and synthetic machines: each alone,
and each second one within a longer one. Every description alarms where its score is over all but
one in two thousand of the windows without a sound.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent import descriptions
from agent.bundle import loading as bundles
from agent.capture.audiofile import read_audio
from agent.capture.scene import RATE_HZ, at_level, machines
from agent.core import shipped
from agent.core.records import Step
from agent.detector.competition import Competition
from agent.detector.detector import Detector
from agent.encoder.audio import Encoder
from agent.hearing.recogniser import embedded
from agent.hearing.windows import own_hop_s, windows_of
from agent.watchlist.site import listened_for_alone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.bundle.loading import Bundle
    from agent.core.records import Detection, FloatArray, Match
    from agent.detector.rule import Policy
    from agent.watchlist.watchlist import Watchlist

HELD_S = (0.0, 0.5, 1.0, 1.5)
_SEED = 5
_QUIET = 1.0 / 2_000.0
_SHORT = re.compile(r"metal|glass|drop|hammer|bang|crash|break|impact|clap|horn|beep|bell|steam")
_LONG = re.compile(r"alarm|siren|engine|drill|grind|saw|steam|motor|pump|fan")
_BED_DBFS, _LASTS_S, _AFTER_S = -42.0, 20.0, 5.0


@dataclass(frozen=True, slots=True)
class Hall:
    """Sound and when something is heard in it."""

    samples: FloatArray
    sounds: tuple[tuple[float, float], ...]
    """From when to when, seconds."""
    seconds: tuple[tuple[float, float], ...] = ()
    """Those that come while another one lasts."""


def recordings(data: Path, wanted: re.Pattern[str], rng: np.random.Generator) -> list[FloatArray]:
    """Sounds whose labels name something, in an order by chance."""
    found = [
        data / folder / "audio" / row["filename"]
        for folder in ("effects-cc", "industrial-cc")
        for row in csv.DictReader((data / folder / "clips.csv").open(encoding="utf-8"))
        if wanted.search(row["label"].lower())
    ]
    rng.shuffle(found)  # type: ignore[arg-type]
    sounds = (read_audio(path, RATE_HZ) for path in found[:400])
    return [one for one in sounds if len(one) > RATE_HZ // 4 and np.abs(one).max() > 0.01]


def hall(data: Path, minutes: float, *, within: bool) -> Hall:
    """Sounds with calm between them, each alone or within a longer one."""
    rng = np.random.default_rng(_SEED)
    size = round(minutes * 60.0 * RATE_HZ)
    fans = [read_audio(path, RATE_HZ) for path in sorted((data / "mimii-fan/normal").iterdir())]
    bed = np.resize(np.concatenate(fans).astype(np.float64), size)
    bed *= 10.0 ** (_BED_DBFS / 20.0) / np.sqrt(np.mean(np.square(bed)))
    bed += np.resize(at_level(machines(rng, 60 * RATE_HZ), _BED_DBFS), size)
    short, long = recordings(data, _SHORT, rng), recordings(data, _LONG, rng)
    sounds, seconds, at_s, number = [], [], 20.0, 0
    while at_s < minutes * 60.0 - 2.0 * _LASTS_S:
        begins_s = at_s
        if within:
            lasting = np.resize(long[number % len(long)], round(_LASTS_S * RATE_HZ))
            _lay(bed, lasting, at_s, rng.uniform(-30.0, -22.0))
            begins_s += rng.uniform(7.0, 14.0)
        sound = short[number % len(short)][: 3 * RATE_HZ]
        level = rng.uniform(-18.0, -12.0) if within else rng.uniform(-30.0, -14.0)
        ends_s = _lay(bed, sound, begins_s, level)
        if within:
            seconds.append((begins_s, ends_s))
            ends_s = at_s + _LASTS_S
        sounds.append((at_s, ends_s))
        at_s, number = ends_s + rng.uniform(15.0, 40.0), number + 1
    samples = np.clip(bed, -1.0, 1.0).astype(np.float32)
    return Hall(samples, tuple(sounds), tuple(seconds))


def _lay(bed: np.ndarray, sound: FloatArray, at_s: float, dbfs: float) -> float:
    """Put a sound into a hall; when it ends."""
    first = round(at_s * RATE_HZ)
    bed[first : first + len(sound)] += at_level(sound.astype(np.float64), dbfs)[: len(bed) - first]
    return at_s + len(sound) / RATE_HZ


def matches(bundle: Bundle, watch: Watchlist, heard: Hall) -> Iterator[Match]:
    """Each window with its scores."""
    blocks = (heard.samples[at : at + RATE_HZ] for at in range(0, len(heard.samples), RATE_HZ))
    windows = windows_of(bundle, "hall", blocks, own_hop_s(bundle))
    for some, views in embedded(Encoder(bundle), windows):
        yield from watch.matcher.match(some, views)


def calibrated(watch: Watchlist, heard: Hall, found: Sequence[Match]) -> Mapping[str, Policy]:
    """Thresholds by the windows that hold no sound."""
    at_s = np.array([match.captured_at for match in found])
    quiet = np.ones(len(found), bool)
    for starts_s, ends_s in heard.sounds:
        quiet &= (at_s + 2.0 < starts_s) | (at_s > ends_s + 1.0)
    scores = np.stack([match.score for match in found])[quiet]
    return {
        error_id: replace(
            watch.policies[error_id], threshold_on=float(np.quantile(scores[:, at], 1.0 - _QUIET))
        )
        for at, error_id in enumerate(found[0].error_ids)
    }


def asked(
    policies: Mapping[str, Policy], found: Sequence[Match], held_s: float
) -> tuple[list[Detection], list[Detection]]:
    """Events, and what is told of questions."""
    detector, competition = Detector(policies, RATE_HZ), Competition(RATE_HZ, held_s=held_s)
    events: list[Detection] = []
    told: list[Detection] = []
    for match in found:
        changes = list(detector.feed(match))
        events += [change for change in changes if change.step is Step.NEW]
        told += competition.feed(match, changes, detector.going_on(match.source))
    return events, told + competition.close(detector.close())


def row(heard: Hall, events: Sequence[Detection], told: Sequence[Detection]) -> str:
    """One line of the table."""
    new = [one for one in told if one.step is Step.NEW]
    ended = [one for one in told if one.step is Step.END]
    several = [
        sum(starts_s - 2.0 < one.starts_at < ends_s + 1.0 for one in new)
        for starts_s, ends_s in heard.sounds
    ]
    exceeded = sum(
        bool(one.candidates) and one.candidates[0].excess - one.excess > 1.0 for one in ended
    )

    def on(of: Sequence[Detection]) -> set[tuple[float, float]]:
        """Second sounds on which something peaks that began with them."""
        return {
            (starts_s, ends_s)
            for starts_s, ends_s in heard.seconds
            for one in of
            if starts_s - 3.0 < one.starts_at and starts_s - 2.0 < one.peaks_at < ends_s
        }

    second = f"{len(on(new))} of {len(on(events))}" if heard.seconds else ""
    more = sum(count > 1 for count in several)
    cells = len(heard.sounds), len(events), len(new), more, exceeded, second
    return " | ".join(map(str, cells))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=75.0)
    parser.add_argument("--bundle", type=Path)
    arguments = parser.parse_args()
    bundle = bundles.load(arguments.bundle)
    watch = listened_for_alone(bundle, descriptions.load(shipped.config("descriptions.en.yaml")))
    sys.stdout.write(
        "| each | held | sounds | events | questions | sounds with more than one "
        "| a candidate exceeds by 1 | second sounds asked of |\n|---|---|---|---|---|---|---|---|\n"
    )
    policies: Mapping[str, Policy] = {}
    for within in (False, True):
        heard = hall(arguments.data, arguments.minutes, within=within)
        found = list(matches(bundle, watch, heard))
        policies = policies or calibrated(watch, heard, found)
        name = "within another one" if within else "alone"
        for held_s in HELD_S:
            line = row(heard, *asked(policies, found, held_s))
            sys.stdout.write(f"| {name} | {held_s:g} s | {line} |\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
