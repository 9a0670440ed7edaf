"""What people rated: a journal of every answer, and the ratings as a manifest holds them."""

from __future__ import annotations

import json
import os
import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.alerts.alerts import timestamp
from agent.console.tasks import order
from agent.core import files, folders
from agent.core.errors import StoreError, failing_as
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agent.console.tasks import Item, Pair
    from agent.core.clock import Clock

JOURNAL, RATINGS = "journal.jsonl", "ratings.jsonl"

_SCHEMA = 1
_HIGHEST = 100
_MOST_RATERS = 200


@dataclass(frozen=True, slots=True)
class Rated:
    """What a rater said of one item."""

    rating: int | None
    """0 to 100; ``None``: cannot say."""
    played_s: float
    """How much of the recording they heard, in all."""
    took_s: float
    """From when it was shown to when it was answered."""


class RefusedRatingError(ValueError):
    """It is not kept; says why."""


class Ratings:
    """The ratings of one list of pairs. Safe to use from several threads."""

    def __init__(self, pairs: Sequence[Pair], folder: Path, clock: Clock) -> None:
        """Take up where it was left.

        Args:
            pairs: to be rated.
            folder: of the ratings; made if missing.
            clock: says when.

        Raises:
            StoreError: the journal cannot be read.
        """
        self.pairs = tuple(pairs)
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._said: dict[str, dict[tuple[str, str, bool], int | None]] = defaultdict(dict)
        """By rater, then by caption, recording and whether it was asked again."""
        self._orders: dict[str, tuple[Item, ...]] = {}
        self._read()

    def next(self, rater: str) -> dict[str, Any]:
        """What to ask a rater now, how far they are, and at the end how steady they were."""
        with self._lock:
            items, place = self._place(rater)
            shown: dict[str, Any] = {"done": place, "total": len(items), "item": None}
            if place < len(items):
                pair = self.pairs[items[place].pair]
                shown["item"] = {
                    "number": place,
                    "text": pair.text,
                    "language": pair.language,
                    "sound": f"/api/rating/sound/{items[place].pair}",
                }
            else:
                shown["steadiness"] = self._steadiness(rater)
            return shown

    def rate(self, rater: str, number: int, rated: Rated) -> None:
        """Keep what a rater says of an item.

        Raises:
            RefusedRatingError: it is not the one that they were asked, or was not heard.
            StoreError: it cannot be written.
        """
        if rated.rating is not None and not 0 <= rated.rating <= _HIGHEST:
            raise RefusedRatingError(Reason.of("rating_range", most=_HIGHEST))
        if not rated.played_s > 0.0:
            raise RefusedRatingError(Reason.of("rating_unheard"))
        with self._lock:
            if rater not in self._said and len(self._said) >= _MOST_RATERS:
                raise RefusedRatingError(Reason.of("raters_full", most=_MOST_RATERS))
            items, place = self._place(rater)
            if place >= len(items) or number != place:
                raise RefusedRatingError(Reason.of("rating_done"))
            item = items[place]
            pair = self.pairs[item.pair]
            line = {
                "schema": _SCHEMA,
                "ts": timestamp(self._clock.now()),
                "rater": rater,
                "caption": pair.caption,
                "recording": pair.recording,
                "again": item.again,
                "rating": rated.rating,
                "played_s": round(rated.played_s, 2),
                "took_s": round(rated.took_s, 2),
            }
            self._append(JOURNAL, line)
            self._said[rater][pair.caption, pair.recording, item.again] = rated.rating
            if rated.rating is not None and not item.again:
                self._append(RATINGS, _manifest_line(line))

    def _place(self, rater: str) -> tuple[tuple[Item, ...], int]:
        if rater not in self._orders:
            if len(self._orders) >= _MOST_RATERS:
                self._orders.clear()
            self._orders[rater] = order(self.pairs, rater)
        items = self._orders[rater]
        given: Mapping[tuple[str, str, bool], int | None] = self._said.get(rater, {})
        for place, item in enumerate(items):
            pair = self.pairs[item.pair]
            if (pair.caption, pair.recording, item.again) not in given:
                return items, place
        return items, len(items)

    def _steadiness(self, rater: str) -> dict[str, Any]:
        """Mean difference between the two ratings of what came twice."""
        given = self._said.get(rater, {})
        apart = []
        for (caption, recording, again), second in given.items():
            first = given.get((caption, recording, False)) if again else None
            if first is not None and second is not None:
                apart.append(abs(first - second))
        mean = round(sum(apart) / len(apart), 1) if apart else None
        return {"pairs": len(apart), "mean_difference": mean}

    def _append(self, name: str, line: Mapping[str, Any]) -> None:
        path = self._folder / name
        with failing_as(
            StoreError, path, "make console.ratings a folder that this user may write to"
        ):
            folders.make(self._folder)
            with path.open("ab") as file:
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())

    def _read(self) -> None:
        path = self._folder / JOURNAL
        if not path.exists():
            return
        lines = []
        where = str(path)
        try:
            # Whoever mends a line by an editor may leave a byte-order mark.
            written = path.read_text(encoding="utf-8-sig").split("\n")
            for number, text in enumerate(written, start=1):
                if not text.strip():
                    continue
                where = f"{path}:{number}"
                line = json.loads(text)
                key = (line["caption"], line["recording"], bool(line["again"]))
                self._said[line["rater"]][key] = line["rating"]
                lines.append(line)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{where}: {error!r}; mend or delete the line") from error
        self._mend(lines)

    def _mend(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Write the ratings anew from the journal: a power cut may have left one of two."""
        kept = [
            _manifest_line(line)
            for line in lines
            if line["rating"] is not None and not line["again"]
        ]
        text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in kept)
        path = self._folder / RATINGS
        try:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                files.write_text(path, text)
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{path}: {error}; mend console.ratings") from error


def _manifest_line(line: Mapping[str, Any]) -> dict[str, Any]:
    """As docs/manifest.md has it."""
    return {
        "caption": line["caption"],
        "recording": line["recording"],
        "rating": line["rating"],
        "rater": line["rater"],
        "kind": "human",
    }
