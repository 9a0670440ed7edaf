"""What was committed against what arrived: nothing lost, nothing moved, each alert whole."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was committed beside what arrived."""

    committed: int
    alerts: int
    arrived: int
    """With those that came more than once."""
    problems: tuple[str, ...]


def compare(committed: Sequence[str], arrived: Sequence[str]) -> Verdict:
    """Whether all that was committed arrived, in its order, and each alert has one whole life.

    Args:
        committed: payloads in the order of their transactions.
        arrived: payloads in the order of their arrival; the same may come again.
    """
    first = list(dict.fromkeys(arrived))
    there, known = set(first), set(committed)
    problems = [f"committed twice: {one}" for one, n in Counter(committed).items() if n > 1]
    problems += [f"lost: {one}" for one in committed if one not in there]
    problems += [f"never committed: {one}" for one in first if one not in known]
    if not problems and first != list(committed):
        at = next(i for i, (a, b) in enumerate(zip(first, committed, strict=True)) if a != b)
        problems.append(f"out of order: {first[at]} came before {committed[at]}")
    lives: dict[str, list[str]] = {}
    for one in map(json.loads, first):
        lives.setdefault(one["alert_id"], []).append(one["event_type"])
    for alert_id, events in lives.items():
        whole = events[0] == "new" and events[-1] == "end"
        if not whole or set(events[1:-1]) - {"update"}:
            problems.append(f"alert {alert_id} has the life {events}")
    return Verdict(len(committed), len(lives), len(arrived), tuple(problems))
