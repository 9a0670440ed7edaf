"""``python -m training select``: which pairs people should rate next."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from training.data.arguments import add_folders
from training.data.files import write_lines, write_text
from training.data.manifest import load_manifest
from training.data.records import Manifest, RatingKind, Split
from training.ratings.embedded import PEOPLE, Embedded, embed, rated_pairs
from training.ratings.expected import Known, Pool
from training.ratings.selection import Choice, Rule, Settings, select
from training.ratings.traversal import FARTHEST

_MOST_PAIRS = 20_000_000
"""Some gigabytes of memory."""
_DECIMALS = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of the output: a pair to be rated."""

    list: int
    """From 1; one caption each."""
    caption: str
    text: str
    language: str
    recording: str
    path: str
    """As in the manifest."""
    score: float
    """Rating that the model expects, 0 to 100."""
    why: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training select``."""
    add_folders(parser, manifest="runs/rated", model="runs/train/model.pt", cache="runs/cache")
    parser.add_argument("--budget", type=int, required=True, metavar="N", help="how many pairs")
    parser.add_argument(
        "--output", type=Path, default=Path("runs/selected.jsonl"), help="*.jsonl or *.csv"
    )
    default = Settings()
    parser.add_argument("--items", type=int, default=default.items, help="recordings of a list")
    told = "of the budget, that one source may take at most, unless it holds more of the pool"
    parser.add_argument("--source-share", type=float, default=default.source_share, help=told)
    parser.add_argument("--rule", type=Rule, choices=list(Rule), default=default.rule)
    parser.add_argument(
        "--split", type=Split, choices=[Split.TRAIN, Split.VALIDATION], default=Split.TRAIN
    )
    told = "kinds of ratings that need not be asked for again (human, simulated)"
    parser.add_argument(
        "--rated", nargs="+", type=RatingKind, choices=PEOPLE, default=PEOPLE, help=told
    )
    parser.add_argument("--seed", type=int, default=default.seed)


def run(arguments: argparse.Namespace) -> int:
    """Choose, write the list, print what is in it."""
    if arguments.output.suffix not in {".jsonl", ".csv"}:
        raise ValueError(f"--output {arguments.output}: write a name that ends in .jsonl or .csv")
    settings = Settings(
        rule=arguments.rule,
        items=arguments.items,
        source_share=arguments.source_share,
        seed=arguments.seed,
    )
    manifest = load_manifest(arguments.manifest)
    embedded = _embed(manifest, arguments)
    for lost in embedded.unread:
        print(f"left out: {lost.recording}: {lost.reason}", file=sys.stderr)
    known, pool = survey(manifest, embedded, frozenset(arguments.rated))
    chosen = select(pool, known, arguments.budget, settings)
    asked = describe(chosen, embedded)
    write(asked, arguments.output)
    for line in _summary(chosen, embedded, pool, arguments.budget):
        print(line)
    print(f"wrote {arguments.output}")
    return 0


def survey(
    manifest: Manifest, embedded: Embedded, kinds: frozenset[RatingKind]
) -> tuple[Known, Pool]:
    """What is rated, and what there is to choose from.

    Args:
        manifest: with ratings.
        embedded: its captions and recordings, or some of them.
        kinds: of ratings that need not be asked for again. A pair with another kind, such as a
            model's opinion, or with a label, may be chosen.
    """
    rows = {caption.id: at for at, caption in enumerate(embedded.captions)}
    columns = {clip.id: at for at, clip in enumerate(embedded.recordings)}
    shape = (len(rows), len(columns))
    rated = {
        (rows[caption], columns[recording]): rating
        for (caption, recording), rating in rated_pairs(manifest.ratings, kinds).items()
        if caption in rows and recording in columns
    }
    where = np.array(list(rated), dtype=np.intp).reshape(-1, 2)
    values = np.array(list(rated.values()), dtype=np.float64)
    known = Known(where[:, 0], where[:, 1], values)
    open_pairs = np.ones(shape, dtype=np.bool_)
    open_pairs[known.captions, known.recordings] = False
    sources = tuple(clip.source for clip in embedded.recordings)
    return known, Pool(embedded.texts, embedded.sounds, sources, open_pairs)


def describe(chosen: Sequence[Choice], embedded: Embedded) -> tuple[Asked, ...]:
    """What the person who rates has to know of each pair, in the order of the lists."""
    lists = {at: number for number, at in enumerate(dict.fromkeys(c.caption for c in chosen), 1)}
    asked = []
    for pair in sorted(chosen, key=lambda choice: lists[choice.caption]):
        caption = embedded.captions[pair.caption]
        recording = embedded.recordings[pair.recording]
        asked.append(
            Asked(
                lists[pair.caption],
                caption.id,
                caption.text,
                caption.language,
                recording.id,
                recording.path,
                round(pair.model, _DECIMALS),
                f"the model expects {pair.model:.0f}, ratings nearby {pair.neighbours:.0f}; "
                + _place(pair),
            )
        )
    return tuple(asked)


def _place(choice: Choice) -> str:
    if choice.distance >= FARTHEST:
        return "the first that is rated for this caption"
    return f"{choice.distance:.2f} from the nearest in its list"


def write(asked: Sequence[Asked], path: Path) -> None:
    """Write pairs as JSON Lines, or as a table where the name ends in ``.csv``."""
    if path.suffix == ".csv":
        file = io.StringIO(newline="")
        writer = csv.DictWriter(file, list(Asked.__annotations__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(pair) for pair in asked)
        write_text(path, file.getvalue())
    else:
        write_lines(path, (json.dumps(asdict(pair), ensure_ascii=False) for pair in asked))


def _embed(manifest: Manifest, arguments: argparse.Namespace) -> Embedded:
    recordings = [clip for clip in manifest.recordings if clip.split is arguments.split]
    own = {clip.id for clip in recordings}
    # What was written for a recording of another split stays there.
    captions = [
        caption
        for caption in manifest.captions
        if caption.recording is None or caption.recording in own
    ]
    if len(recordings) * len(captions) > _MOST_PAIRS:
        raise ValueError(
            f"{arguments.manifest}: {len(captions)} captions by {len(recordings)} recordings are "
            f"more than {_MOST_PAIRS:,} pairs; name a manifest with fewer of them"
        )
    return embed(captions, recordings, arguments.model, arguments.data, arguments.cache)


def _summary(chosen: Sequence[Choice], embedded: Embedded, pool: Pool, budget: int) -> list[str]:
    lists = Counter(choice.caption for choice in chosen)
    sources = Counter(pool.sources[choice.recording] for choice in chosen)
    languages = Counter(embedded.captions[at].language for at in lists)
    most, count = sources.most_common(1)[0]
    said = ", ".join(f"{n} {language}" for language, n in sorted(languages.items()))
    lists_told = (
        f"{len(chosen)} pairs in {len(lists)} lists of {min(lists.values())} to "
        f"{max(lists.values())} ({said}), of {int(pool.open.sum())} that may be rated"
    )
    sources_told = f"sources: {len(sources)} of {len(set(pool.sources))}; {most!r} has {count}"
    expected_told = (
        f"the model expects {np.mean([pair.model for pair in chosen]):.1f} of 100 on average, "
        f"ratings nearby {np.mean([pair.neighbours for pair in chosen]):.1f}"
    )
    lines = [lists_told, sources_told, expected_told]
    if len(chosen) < budget:
        lines.append(f"{budget - len(chosen)} fewer than asked for: no more may be rated")
    return lines
