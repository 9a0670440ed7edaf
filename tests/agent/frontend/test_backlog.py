"""Windows that wait: bounded, oldest dropped first, every drop counted."""

from __future__ import annotations

import threading

import numpy as np

from agent.core.records import Window
from agent.frontend.backlog import Backlog

_PATIENCE_S = 30.0


def _window(index: int) -> Window:
    return Window("mic1", index, float(index), 2.0, np.zeros((128, 200), np.float32))


def test_windows_come_out_in_order_and_in_batches() -> None:
    """Oldest first, no more than asked for."""
    backlog = Backlog(10)
    backlog.put([_window(i) for i in range(5)])
    assert [one.index for one in backlog.take(3, 0.0)] == [0, 1, 2]
    assert [one.index for one in backlog.take(3, 0.0)] == [3, 4]
    assert backlog.empty
    assert backlog.take(3, 0.0) == []


def test_when_full_the_oldest_go_and_are_counted() -> None:
    """The news matters most."""
    backlog = Backlog(3)
    for index in range(5):
        backlog.put([_window(index)])
    assert backlog.dropped == 2
    assert [one.index for one in backlog.take(9, 0.0)] == [2, 3, 4]


def test_one_that_waits_loses_nothing() -> None:
    """A file that is read faster than it is scored waits for room."""
    backlog = Backlog(2)
    count = 20

    def fill() -> None:
        for index in range(count):
            backlog.put([_window(index)], wait=True)

    filling = threading.Thread(target=fill)
    filling.start()
    found: list[int] = []
    while len(found) < count:
        found += [one.index for one in backlog.take(4, _PATIENCE_S)]
    filling.join(_PATIENCE_S)
    assert found == list(range(count))
    assert backlog.dropped == 0


def test_closed_it_lets_everybody_go() -> None:
    """Neither a taker nor one that waits for room hangs at the end."""
    backlog = Backlog(1)
    backlog.put([_window(0)])
    waiting = threading.Thread(target=backlog.put, args=([_window(1)],), kwargs={"wait": True})
    waiting.start()
    backlog.close()
    waiting.join(_PATIENCE_S)
    assert not waiting.is_alive()
    backlog.take(5, 0.0)
    assert backlog.take(1, _PATIENCE_S) == []
