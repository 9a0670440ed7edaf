"""Sounds of our own making with a meaning, for the errors of a factory that few have recorded.

Recordings teach what they hold, and a head that has learned from them takes a struck body, a
shower of shards or a buzzer of another make for nothing. These are such sounds, each of a kind
that the lexicon has words for; parameters are drawn wide, so that what a kind has in common is
learned and no single voice of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from agent.core.records import FloatArray
from training.data import events
from training.data.background import backgrounds
from training.data.synthesis import over_machines

_WET_SHARE = 0.6

_STEEL = events.Body((500.0, 3_000.0), (0.12, 0.7))
_TOOL = events.Body((900.0, 4_000.0), (0.06, 0.35), (4, 10))
_BOLT = events.Body((2_500.0, 6_000.0), (0.02, 0.12), (2, 7), 4.0)
_SHEET = events.Body((80.0, 600.0), (0.2, 0.9), (8, 24), 30.0)
_WOOD = events.Body((120.0, 700.0), (0.008, 0.05), (3, 9), 8.0)
_PLASTIC = events.Body((200.0, 1_200.0), (0.006, 0.035), (3, 9), 10.0, (0.5, 4.0))
_GLASS = events.Body((1_800.0, 4_000.0), (0.003, 0.05), (2, 7), 6.0)
_CERAMIC = events.Body((900.0, 2_500.0), (0.004, 0.03), (2, 7), 6.0)
_STONE = events.Body((300.0, 1_500.0), (0.001, 0.005), (2, 5), 6.0)
_PAWL = events.Body((1_200.0, 6_000.0), (0.001, 0.012), (2, 6), 4.0)

_KINDS: dict[str, events.Maker] = {
    "a metal part falls on a concrete floor": partial(events.dropped, _STEEL, (0.2, 0.7)),
    "a wrench is dropped on a concrete floor": partial(events.dropped, _TOOL, (0.2, 0.6)),
    "a bolt is dropped on the floor": partial(events.dropped, _BOLT, (0.4, 0.8)),
    "a wooden plank is dropped flat": partial(events.dropped, _WOOD, (0.1, 0.4)),
    "a plastic parts bin is dropped": partial(events.dropped, _PLASTIC, (0.2, 0.6)),
    "glass breaks": partial(
        events.many, _GLASS, events.Shower((60, 400), (0.05, 0.4), (2.0, 14.0))
    ),
    "a plate smashing on the floor": partial(
        events.many, _CERAMIC, events.Shower((15, 90), (0.03, 0.25), (2.0, 12.0))
    ),
    "a box of bolts is spilled": partial(events.many, _BOLT, events.Shower((60, 300), (0.15, 0.6))),
    "gravel falling": partial(events.many, _STONE, events.Shower((100, 400), (0.2, 0.7))),
    "a hammer hits metal": partial(events.strokes, _STEEL, (0.8, 4.0), (0.0, 0.3)),
    "banging on metal": partial(events.strokes, _SHEET, (0.8, 4.0), (0.0, 0.4)),
    "knocking on a door": partial(events.strokes, _WOOD, (2.5, 7.0), (0.0, 0.3)),
    "a machine is rattling": partial(events.strokes, _TOOL, (9.0, 40.0), (0.1, 0.6)),
    "a ratchet handle being worked back and forth": partial(
        events.strokes, _PAWL, (8.0, 40.0), (0.0, 0.2)
    ),
    "a buzzer": partial(
        events.held, events.Voice((90.0, 3_500.0), (4, 20), (0.3, 1.2)), (0.4, 2.0)
    ),
    "an alarm is sounding": partial(
        events.repeated, events.Voice((500.0, 4_000.0), (1, 8), (0.6, 2.0)), (1.0, 10.0), (0.3, 0.8)
    ),
    "a beep": partial(events.held, events.Voice((600.0, 4_500.0), (1, 4), (1.0, 2.5)), (0.06, 0.4)),
    "a smoke detector shrieks": partial(
        events.repeated,
        events.Voice((2_500.0, 3_800.0), (1, 5), (0.8, 2.0)),
        (0.7, 4.0),
        (0.3, 0.7),
    ),
    "a forklift reversing with a beeper": partial(
        events.repeated,
        events.Voice((800.0, 2_000.0), (1, 5), (0.8, 2.0)),
        (0.7, 2.0),
        (0.35, 0.65),
    ),
    "a siren wailing": partial(
        events.held,
        events.Voice((300.0, 1_500.0), (3, 14), (0.5, 1.8), swing=(0.15, 0.6), swing_hz=(0.1, 4.0)),
        (1.5, 2.5),
    ),
    "a whooping alarm": partial(
        events.held,
        events.Voice(
            (400.0, 1_500.0),
            (2, 10),
            (0.5, 1.8),
            swing=(0.2, 0.7),
            swing_hz=(0.6, 4.0),
            rising=True,
        ),
        (1.5, 2.5),
    ),
    "vehicle horn": partial(
        events.held, events.Voice((180.0, 700.0), (8, 24), (0.3, 1.2), voices=(1, 4)), (0.3, 2.0)
    ),
    "a signal whistle blown": partial(
        events.held,
        events.Voice(
            (1_800.0, 4_200.0),
            (1, 3),
            (1.2, 2.5),
            swing=(0.0, 0.06),
            swing_hz=(5.0, 40.0),
            breath=(0.02, 0.3),
        ),
        (0.2, 1.8),
    ),
    "a rubber belt slips on a pulley": partial(
        events.held,
        events.Voice(
            (700.0, 3_500.0),
            (2, 8),
            (0.5, 1.5),
            swing=(0.02, 0.2),
            swing_hz=(2.0, 25.0),
            breath=(0.05, 0.6),
        ),
        (0.5, 2.0),
    ),
    "air leaking from a hose": partial(events.jet, events.Rush((0.0, 7.0), (1.6, 2.5))),
    "a short puff of air": partial(events.jet, events.Rush((-2.0, 5.0), (0.1, 0.6))),
    "an angle grinder is grinding metal": partial(
        events.both,
        partial(events.jet, events.Rush((0.0, 6.0), (0.8, 2.5), (50.0, 250.0), (0.2, 0.9))),
        partial(events.held, events.Voice((150.0, 900.0), (6, 20), (0.2, 1.2)), (0.8, 2.5)),
    ),
}

KINDS = tuple(_KINDS)
"""What the lexicon's entry of each begins with, in English."""


def synthetic(
    seed: int, count: int, duration_s: float, sample_rate_hz: int
) -> Iterator[tuple[str, FloatArray]]:
    """Windows with an event of a kind, most of them over machine noise.

    Args:
        seed: the same seed gives the same sound.
        count: how many windows; kinds take turns.
        duration_s: length of each.
        sample_rate_hz: of the samples.

    Yields:
        the kind, one of :data:`KINDS`, and float32 mono, shape ``(samples,)``.
    """
    samples = round(duration_s * sample_rate_hz)
    time_s = np.arange(samples) / sample_rate_hz
    behind = backgrounds(seed + 1, count, duration_s, sample_rate_hz)
    for index, background in enumerate(behind):
        rng = np.random.default_rng([seed, index])
        kind = KINDS[index % len(KINDS)]
        event = _KINDS[kind](rng, time_s)
        yield kind, over_machines(rng, event, background, sample_rate_hz, _WET_SHARE)
