"""The pairs that people should rate, as ``python -m training select`` writes them."""

from __future__ import annotations

import csv
import io
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MOST_PAIRS = 10_000

_FIELDS = ("list", "caption", "text", "language", "recording", "path")
_MOST_CHARACTERS = 1_000
_MOST_TOLD = 20
_MEDIA = {
    ".flac": "audio/flac",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp3": "audio/mpeg",
}
# One pair in ten comes again, when at least so many others came in between.
_AGAIN = 10
_BETWEEN = 8


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and a recording."""

    group: int
    """Pairs of one sentence are rated one after the other."""
    caption: str
    text: str
    language: str
    recording: str
    path: Path
    media: str
    """Type of the file."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a rater is asked."""

    pair: int
    """Position among the pairs."""
    again: bool
    """Whether they were asked before."""


def load(path: Path, recordings: Path | None) -> tuple[Pair, ...]:
    """Read pairs.

    Args:
        path: ``*.jsonl`` or ``*.csv``.
        recordings: where their relative paths start; the folder of the file where ``None``.

    Raises:
        ConfigError: with every problem that was found.
    """
    base = path.parent if recordings is None else recordings
    problems: list[Problem] = []
    pairs = []
    seen: dict[tuple[str, str], str] = {}
    for where, row in _rows(path, problems):
        pair = _pair(where, row, base, problems)
        if pair is None:
            continue
        key = (pair.caption, pair.recording)
        if key in seen:
            problems.append(Problem(where, f"is the pair of {seen[key]} again", "keep one"))
        seen.setdefault(key, where)
        pairs.append(pair)
    if not pairs and not problems:
        problems.append(Problem(str(path), "holds no pair", "make it by training select"))
    if len(pairs) > MOST_PAIRS:
        found = f"holds {len(pairs)} pairs"
        problems.append(Problem(str(path), found, f"write at most {MOST_PAIRS}"))
    if problems:
        raise ConfigError(problems[:_MOST_TOLD])
    return tuple(pairs)


def order(pairs: Sequence[Pair], rater: str) -> tuple[Item, ...]:
    """What to ask a rater, in another order for each and in the same one after every restart.

    Sentences in an order by chance, the recordings of one by chance; one pair in ten comes again
    later, and nothing shows which.
    """
    chance = random.Random(f"kikimimi {rater}")  # noqa: S311 - an order, no secret
    groups: dict[int, list[int]] = {}
    for at, pair in enumerate(pairs):
        groups.setdefault(pair.group, []).append(at)
    lists = list(groups.values())
    chance.shuffle(lists)
    for group in lists:
        chance.shuffle(group)
    items = [Item(at, again=False) for group in lists for at in group]
    repeated = chance.sample(range(len(items)), len(items) // _AGAIN)
    # From the end, so that what is put in moves no place that is still to come.
    for place in sorted(repeated, reverse=True):
        first = min(place + 1 + _BETWEEN, len(items))
        later = min(first + chance.randrange(_BETWEEN), len(items))
        items.insert(later, Item(items[place].pair, again=True))
    return tuple(items)


def _rows(path: Path, problems: list[Problem]) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        found = f"cannot be read ({error})"
        problems.append(Problem(str(path), found, "name the output of training select"))
        return
    if path.suffix == ".csv":
        reader = csv.DictReader(io.StringIO(text, newline=""))
        try:
            for row in reader:
                yield f"{path}:{reader.line_num}", dict(row)
        except csv.Error as error:
            where = f"{path}:{reader.line_num}"
            problems.append(Problem(where, f"is not CSV ({error})", "mend the line"))
        return
    # Not splitlines(): it also breaks at characters that JSON allows inside a text.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append(Problem(f"{path}:{number}", f"is not JSON ({error})", "mend the line"))
            continue
        if isinstance(row, dict):
            yield f"{path}:{number}", row
        else:
            problems.append(Problem(f"{path}:{number}", "is no object", "write {…} on each line"))


def _pair(where: str, row: dict[str, Any], base: Path, problems: list[Problem]) -> Pair | None:
    texts = {name: row.get(name) for name in _FIELDS[1:]}
    wrong = [
        name
        for name, value in texts.items()
        if not isinstance(value, str) or not value.strip() or len(value) > _MOST_CHARACTERS
    ]
    group = str(row.get("list"))
    if not group.isdecimal():
        wrong.append("list")
    if wrong:
        found = f"{', '.join(wrong)}: missing or wrong"
        problems.append(Problem(where, found, f"write {', '.join(_FIELDS)} as select does"))
        return None
    path = base / str(texts["path"])
    media = _MEDIA.get(path.suffix.lower())
    if media is None:
        remedy = f"convert it to one of {', '.join(_MEDIA)}"
        problems.append(Problem(where, f"path: a browser cannot play {path.suffix!r}", remedy))
        return None
    if not path.is_file():
        remedy = "set console.recordings to the folder at which it starts"
        problems.append(Problem(where, f"path: {path} is not there", remedy))
        return None
    return Pair(
        group=int(group),
        caption=str(texts["caption"]),
        text=str(texts["text"]),
        language=str(texts["language"]),
        recording=str(texts["recording"]),
        path=path,
        media=media,
    )
