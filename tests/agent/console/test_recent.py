"""What pages asked for of the last minutes: whole or not at all, and of nobody else."""

from __future__ import annotations

import json

import pytest

from agent.clips.parcel import PIECE_BYTES
from agent.clips.recent import View, answers, refusal
from agent.console.recent import MOST, Recent
from agent.core.reasons import Reason


def test_pieces_become_a_file_in_any_order() -> None:
    """And the pages are told once it is whole."""
    recent, data = Recent(), bytes(range(256)) * 600
    recent.expect("r1")
    pieces = [json.loads(one) for one in answers("r1", "mic1", View.AUDIO, data)]
    assert len(pieces) == -(-len(data) // PIECE_BYTES) > 2
    told = [recent.take(one) for one in reversed(pieces)]
    assert told == [None] * (len(pieces) - 1) + [
        {"request_id": "r1", "kind": "audio", "source": "mic1"}
    ]
    file = recent.file("r1")
    assert file is not None
    assert (file.data, file.media) == (data, "audio/flac")


def test_why_nothing_comes_is_told() -> None:
    """With its code."""
    recent = Recent()
    recent.expect("r1")
    why = Reason.of("recent_spoken", kind="audio")
    told = recent.take(json.loads(refusal("r1", "mic1", View.AUDIO, why)))
    assert told is not None
    assert (told["code"], told["reason"]) == ("recent_spoken", why)
    assert recent.file("r1") is None


@pytest.mark.parametrize(
    "change",
    [
        {"request_id": "r2"},
        {"request_id": None},
        {"index": -1},
        {"index": "0"},
        {"count": 0},
        {"count": 10_000},
        {"data": "%%"},
        {"media_type": "text/html"},
        {"sha256": "0" * 64},
    ],
)
def test_what_is_no_piece_of_ours_is_left_out(change: dict[str, object]) -> None:
    """Anybody may write to the topic."""
    recent = Recent()
    recent.expect("r1")
    (piece,) = answers("r1", "mic1", View.CURVE, b"{}")
    assert recent.take(json.loads(piece) | change) is None
    assert recent.file("r1") is None


def test_the_oldest_go_first() -> None:
    """However many are asked for."""
    recent = Recent()
    for number in range(MOST + 1):
        recent.expect(f"r{number}")
        (piece,) = answers(f"r{number}", "mic1", View.CURVE, b"{}")
        recent.take(json.loads(piece))
    assert recent.file("r0") is None
    assert recent.file(f"r{MOST}") is not None
