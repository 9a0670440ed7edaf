"""The last minutes of a source: what is remembered, in how much room, and what comes out again."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from agent.clips import SoundMemory
from agent.clips.memory import MOST_BYTES, PIECE_S
from agent.clips.pieces import Pieces
from agent.clips.ring import ClipRing
from agent.core.records import Block, FloatArray

RATE = 8_000
BEGAN_AT = 1_767_323_045.0
BLOCK = RATE // 2


def noise(seconds: float, level: float, seed: int = 1) -> FloatArray:
    """White noise, full scale at 1."""
    drawn = np.random.default_rng(seed).normal(0.0, level, round(seconds * RATE))
    return np.clip(drawn, -1.0, 1.0).astype(np.float32)


class Source:
    """A source with a ring of some seconds and a memory behind it, both by hand."""

    def __init__(self, seconds: float = 60.0) -> None:
        self.ring = ClipRing(RATE, 12.0)
        self.memory = SoundMemory({"mic1": self.ring}, seconds, 0.5)
        self.heard_s = 0.0

    def hear(
        self, samples: FloatArray, *, first: int | None = None, at: float | None = None
    ) -> int:
        """Take sound, and compress what there is as the memory's thread does; pieces lost."""
        first = round(self.heard_s * RATE) if first is None else first
        at = BEGAN_AT + self.heard_s if at is None else at
        lost = 0
        for begin in range(0, len(samples), BLOCK):
            some = samples[begin : begin + BLOCK]
            self.ring.push(Block("mic1", first + begin, at + begin / RATE, some))
            lost += self.memory.of("mic1").compress()
        self.heard_s += len(samples) / RATE
        return lost

    def cut(self, begin_s: float, end_s: float) -> FloatArray:
        """What is remembered of that time."""
        cut = self.memory.of("mic1").cut(BEGAN_AT + begin_s, BEGAN_AT + end_s)
        assert cut is not None
        assert cut.starts_at == pytest.approx(BEGAN_AT + begin_s)
        return cut.samples


@pytest.mark.parametrize(
    ("begin_s", "end_s"),
    [(1.0, 3.0), (3.0, 12.0), (4.99, 5.01), (20.0, 36.0), (34.0, 39.5), (0.0, 40.0)],
)
def test_what_was_heard_comes_out_again(begin_s: float, end_s: float) -> None:
    """Within a piece, over several, out of the ring and over the seam: sample by sample."""
    source, heard = Source(), noise(40.0, 0.02)
    assert source.hear(heard) == 0
    found = source.cut(begin_s, end_s)
    expected = heard[round(begin_s * RATE) : round(end_s * RATE)]
    assert len(found) == len(expected)
    assert np.abs(found - expected).max() <= 1 / 32_767


def test_what_is_older_is_forgotten() -> None:
    """And the memory says from when on it remembers."""
    source = Source(seconds=20.0)
    source.hear(noise(60.0, 0.02))
    span = source.memory.of("mic1").span()
    assert span is not None
    assert span[0] == pytest.approx(BEGAN_AT + 40.0, abs=PIECE_S)
    assert span[0] <= BEGAN_AT + 40.0
    assert span[1] == pytest.approx(BEGAN_AT + 60.0)
    assert source.memory.of("mic1").cut(BEGAN_AT + 30.0, BEGAN_AT + 35.0) is None


def test_nothing_is_remembered_before_something_was_heard() -> None:
    """And asking for it is no mistake."""
    memory = Source().memory.of("mic1")
    assert memory.span() is None
    assert memory.cut(BEGAN_AT, BEGAN_AT + 1.0) is None
    assert memory.compress() == 0


@pytest.mark.parametrize("level", [0.001, 0.02, 0.3])
def test_loud_sound_has_as_many_minutes_as_quiet_sound(level: float) -> None:
    """In the same room, at the cost of bits that lie far below it."""
    seconds, most = 120.0, 600_000
    pieces, heard = Pieces(RATE, seconds, most), noise(180.0, level)
    size = round(PIECE_S * RATE)
    for begin in range(0, len(heard), size):
        pcm = np.round(heard[begin : begin + size] * 32_767).astype(np.int16)
        pieces.add(begin, BEGAN_AT + begin / RATE, pcm)
    kept = pieces.pieces
    assert sum(piece.size for piece in kept) <= most
    assert sum(piece.samples for piece in kept) >= (seconds - 2 * PIECE_S) * RATE
    newest = pieces.pcm(kept[-1])
    assert newest is not None
    expected = heard[kept[-1].begin : kept[-1].end]
    error = newest / 32_767.0 - expected
    assert 20.0 * np.log10(np.std(expected) / np.std(error)) > 20.0
    assert pieces.rounded_bits > 0


def test_a_piece_that_was_overwritten_meanwhile_is_gone() -> None:
    """Whoever holds its place gets nothing of what lies there now."""
    pieces = Pieces(RATE, 10.0, 100_000)
    pcm = np.round(noise(5.0, 0.01) * 32_767).astype(np.int16)
    pieces.add(0, BEGAN_AT, pcm)
    first = pieces.pieces[0]
    for number in range(1, 4):
        pieces.add(number * len(pcm), BEGAN_AT + 5.0 * number, pcm)
    assert pieces.pcm(first) is None


def test_sound_that_was_overwritten_is_counted_and_silent() -> None:
    """A box too busy to compress: times stay right all the same."""
    source = Source()
    source.hear(noise(6.0, 0.02, seed=1))
    for number in range(60):  # half a minute without the thread
        at = source.heard_s + number / 2
        first = round(at * RATE)
        source.ring.push(Block("mic1", first, BEGAN_AT + at, noise(0.5, 0.1, seed=number)))
    source.heard_s += 30.0
    assert source.hear(noise(1.0, 0.02, seed=2)) == 1
    found = source.cut(2.0, 36.0)
    assert np.abs(found[: 3 * RATE]).max() > 0.0
    assert not found[4 * RATE : 20 * RATE].any()
    assert np.abs(found[-BLOCK:]).max() > 0.0


def test_a_source_that_begins_anew_is_told_apart_by_time() -> None:
    """Its indices start at nought again; what was before stays where it was."""
    source = Source()
    before, after = noise(11.0, 0.02, seed=1), noise(11.0, 0.02, seed=2)
    source.hear(before)
    source.hear(after, first=0, at=BEGAN_AT + 100.0)
    found = source.cut(1.0, 4.0)
    assert np.abs(found - before[RATE : 4 * RATE]).max() <= 1 / 32_767
    later = source.memory.of("mic1").cut(BEGAN_AT + 101.0, BEGAN_AT + 104.0)
    assert later is not None
    assert np.abs(later.samples - after[RATE : 4 * RATE]).max() <= 1 / 32_767
    over = source.memory.of("mic1").cut(BEGAN_AT + 8.0, BEGAN_AT + 105.0)
    assert over is not None
    assert len(over.samples) <= 3 * RATE


def test_the_thread_compresses_and_has_ended_after_stop() -> None:
    """It is waited for: within libsndfile at the interpreter's end it would take that down."""
    ring = ClipRing(RATE, 12.0)
    memory = SoundMemory({"mic1": ring}, 60.0, 0.5)
    ring.push(Block("mic1", 0, BEGAN_AT, noise(11.0, 0.02)))
    memory.start()
    threads = [one for one in threading.enumerate() if one.name == "memory"]
    assert [one.daemon for one in threads] == [False]
    memory.stop()
    assert not threads[0].is_alive()
    memory.stop()  # once more is no mistake
    assert memory.tally.failed == memory.tally.lost == 0


def test_the_room_of_a_source_is_what_the_documents_promise() -> None:
    """12 MiB."""
    assert MOST_BYTES == 12 * 1024 * 1024
