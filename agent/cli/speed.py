"""How long this machine takes to hear a piece of sound, in the way of the running box."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.hearing.windows import windows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray
    from agent.encoder.audio import Encoder

_ROUNDS = 15
_BLOCK_S = 0.01


def best_ms(work: Callable[[], object], rounds: int = _ROUNDS) -> float:
    """Wall-clock time of the best of some rounds, after one that does not count.

    The others tell what else the machine was doing, see :mod:`timeit`.
    """
    work()
    times = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        work()
        times.append(time.perf_counter() - began_s)
    return 1_000.0 * min(times)


def hear_stream(bundle: Bundle, encoder: Encoder, sound: FloatArray, hop_s: float) -> None:
    """Sound in blocks to views, window by window.

    Args:
        bundle: the model.
        encoder: its tower.
        sound: at the bundle's rate, shape ``(samples,)``.
        hop_s: from window to window.
    """
    step = round(_BLOCK_S * bundle.manifest.frontend.sample_rate_hz)
    blocks = (sound[at : at + step] for at in range(0, len(sound), step))
    for window in windows_of(bundle, "bench", blocks, hop_s):
        encoder.encode(window.log_mel[None])
