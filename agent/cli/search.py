"""``kikimimi search``: sounds of an archive, found by words or by a recording."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.archive.index import GraphIndex
from agent.archive.search import of_clip, of_text, search
from agent.bundle import loading as bundles
from agent.capture.soundfiles.kinds import ENDINGS
from agent.core.errors import AudioFileError, ConfigError, Problem
from agent.core.names import shown

if TYPE_CHECKING:
    import argparse

    from agent.archive.search import Hit, Query
    from agent.bundle.loading import Bundle

_MOST = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``kikimimi search``."""
    parser.add_argument(
        "query",
        metavar="TEXT|FILE",
        help="words in Japanese or English, or a sound file of at most a minute",
    )
    parser.add_argument(
        "--archive", type=Path, required=True, metavar="FOLDER", help="of kikimimi scan --embed"
    )
    parser.add_argument("--top", type=int, default=20, metavar="N", help="sounds to tell of")
    parser.add_argument(
        "--bundle", type=Path, metavar="FOLDER", help="that the archive was embedded by"
    )
    parser.add_argument(
        "--qdrant",
        metavar="URL|FOLDER",
        help="search in Qdrant, and bring there first what it lacks; a folder needs no server. By "
        "default an index in memory",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a sound")


def run(arguments: argparse.Namespace) -> int:
    """Search; 1 if nothing is found."""
    from agent.archive.views import ViewArchive  # here, so that the help needs no extra

    if not 1 <= arguments.top <= _MOST:
        remedy = f"write a number from 1 to {_MOST}"
        raise ConfigError([Problem("--top", f"is {arguments.top}", remedy)])
    bundle = bundles.load(arguments.bundle)
    archive = ViewArchive.open(arguments.archive, bundle)
    query = _query(bundle, arguments.query)
    if arguments.qdrant is None:
        hits = search(GraphIndex.of(archive, _remark), query, arguments.top)
    else:
        from agent.archive.qdrant import QdrantIndex

        with QdrantIndex.opened(archive, arguments.qdrant, _remark) as index:
            hits = search(index, query, arguments.top)
    for hit in hits:
        print(_json(hit) if arguments.json else _text(hit))
    return 0 if hits else 1


def _query(bundle: Bundle, asked: str) -> Query:
    """What is meant: a sound file if there is one of the name, words otherwise."""
    path = Path(asked)
    if path.is_file():
        return of_clip(bundle, path, _remark)
    if path.suffix.lower() in ENDINGS:
        raise AudioFileError(f"{asked}: no such file; name one that is there, or write words")
    if not asked.strip():
        raise ConfigError([Problem("TEXT|FILE", "is empty", "write what to look for")])
    return of_text(bundle, asked)


def _json(hit: Hit) -> str:
    return json.dumps(
        {
            "file": hit.place.file,
            "start": round(hit.place.start, 3),
            "end": round(hit.place.end, 3),
            "cosine": round(hit.cosine, 4),
        },
        ensure_ascii=False,
    )


def _text(hit: Hit) -> str:
    return f"{hit.cosine:6.3f}  {hit.place.start:9.2f}-{hit.place.end:.2f} s  {hit.place.file}"


def _remark(text: str) -> None:
    print(f"kikimimi search: {shown(text)}", file=sys.stderr)
