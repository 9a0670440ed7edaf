"""``kikimimi score``: sound files against descriptions, window by window or whole.

One JSON object a line is the contract that outside evaluations use. With ``--truth`` it also
says how often the right description won, for each variant of the audio tower that is asked for.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent import bundle as bundles
from agent import descriptions, watchlist
from agent.audiofile import read_audio
from agent.encoder import Encoder
from agent.errors import AudioFileError, ConfigError, Problem
from agent.features import LogMel
from agent.names import shown
from agent.records import Window
from agent.retrieval import mean_average_precision, top_1

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from agent.bundle import Bundle
    from agent.matcher import Matcher
    from agent.records import FloatArray, Match

FOLDER = "folder"
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Scored:
    """One window of one file."""

    file: Path
    match: Match

    def to_json(self) -> str:
        """``{"file":…,"start":0.0,"end":2.0,"cosine":{id:…},"scores":{id:…}}``."""
        match = self.match
        return json.dumps(
            {
                "file": shown(self.file),
                "start": round(match.captured_at, 6),
                "end": round(match.captured_at + match.duration_s, 6),
                "cosine": {name: round(value, 6) for name, value in match.cosines().items()},
                "scores": {name: round(value, 6) for name, value in match.scores().items()},
            },
            ensure_ascii=False,
        )


@dataclass(frozen=True, slots=True)
class Scorer:
    """Everything that stays the same from file to file."""

    bundle: Bundle
    encoder: Encoder
    matcher: Matcher
    log_mel: LogMel
    hop_frames: int

    @classmethod
    def load(cls, bundle: Bundle, path: Path, threads: int = 1) -> Scorer:
        """Load the towers and embed the descriptions.

        Raises:
            BundleError: the bundle does not fit.
            DescriptionsError: the descriptions are wrong.
            TextError: the bundle cannot read one of them.
        """
        watched = watchlist.build(bundle, descriptions.load(path), cache=None)
        return cls(
            bundle=bundle,
            encoder=Encoder(bundle, threads=threads),
            matcher=watched.matcher,
            log_mel=LogMel.of(bundle),
            hop_frames=bundle.manifest.tuning.hop_frames,
        )

    def file(self, path: Path, *, whole: bool) -> Iterator[Scored]:
        """Score a file, as one window or as the box would hear it.

        A file that is shorter than a window is scored as one window.

        Raises:
            AudioFileError: the file cannot be read.
        """
        constants = self.bundle.manifest.frontend
        samples = read_audio(path, constants.sample_rate_hz, remark=_remark)
        log_mel = self.log_mel.whole(samples)
        size = self.bundle.manifest.tuning.window_frames
        if whole or log_mel.shape[1] <= size:
            duration_s = len(samples) / constants.sample_rate_hz
            windows = [Window(path.name, 0, 0.0, duration_s, log_mel)]
        else:
            windows = [
                Window(
                    path.name,
                    first * constants.hop_length,
                    first / constants.frame_rate_hz,
                    size / constants.frame_rate_hz,
                    log_mel[:, first : first + size],
                )
                for first in _starts(log_mel.shape[1], size, self.hop_frames)
            ]
        for start in range(0, len(windows), _BATCH):
            batch = windows[start : start + _BATCH]
            embeddings = self.encoder.encode(np.stack([one.log_mel for one in batch]))
            for match in self.matcher.match(batch, embeddings):
                yield Scored(path, match)


def _remark(text: str) -> None:
    print(f"kikimimi score: {text}", file=sys.stderr)


def _starts(frames: int, size: int, hop: int) -> list[int]:
    """First frames of the windows; the last one ends with the file, so that nothing is left."""
    starts = list(range(0, frames - size + 1, hop))
    if starts[-1] + size < frames:
        starts.append(frames - size)
    return starts


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often the right description won, on whole files."""

    variant: str
    files: int
    descriptions: int
    top_1: float
    map_10: float


def accuracy(variant: str, scored: Sequence[Scored], truth: Mapping[Path, str]) -> Accuracy:
    """Judge whole files by cosine.

    Args:
        variant: of the audio tower.
        scored: one for each file.
        truth: error id by file; every file has to be in it.
    """
    ids = scored[0].match.error_ids
    cosine: FloatArray = np.stack([one.match.cosine for one in scored])
    right = np.array([ids.index(truth[one.file]) for one in scored])
    return Accuracy(
        variant=variant,
        files=len(scored),
        descriptions=len(ids),
        top_1=top_1(cosine, right),
        map_10=mean_average_precision(cosine, right),
    )


def read_truth(
    source: str, files: Sequence[Path], ids: Sequence[str], columns: tuple[str, str]
) -> dict[Path, str]:
    """Error id of each file, from a CSV file or from the name of each file's folder.

    Raises:
        ConfigError: a column or a file is missing, or an id is no description's.
    """
    if source == FOLDER:
        truth = {path: path.parent.name for path in files}
    else:
        by_name = _truth_by_name(source, columns)
        names = {path: shown(path.name) for path in files}
        truth = {path: by_name[name] for path, name in names.items() if name in by_name}
    problems = []
    for path in files:
        if path not in truth:
            problems.append(Problem(source, f"has no line for {path.name}", "add one"))
        elif truth[path] not in ids:
            found = f"{truth[path]!r}, the truth of {path.name}, is no description's id"
            problems.append(Problem(source, found, f"write one of {', '.join(ids[:5])} ..."))
    if problems:
        raise ConfigError(problems)
    return truth


def _truth_by_name(source: str, columns: tuple[str, str]) -> dict[str, str]:
    file_column, id_column = columns
    try:
        # Names of files are bytes; a table may hold them as they are.
        with Path(source).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError([Problem(source, reason, "name a CSV file in UTF-8")]) from error
    if rows and not {file_column, id_column} <= rows[0].keys():
        found = f"has the columns {', '.join(rows[0])}"
        remedy = "name two of them with --truth-columns FILE,ID"
        raise ConfigError([Problem(source, found, remedy)])
    return {shown(row[file_column]): row[id_column] for row in rows}


def variants_of(bundle: Bundle, wanted: str) -> dict[str, Bundle]:
    """The bundle with one or each of its audio towers in the place of this machine's."""
    towers = bundle.manifest.variants
    names = {
        "reference": towers.reference,
        "x86_64": towers.x86_64,
        "aarch64": towers.aarch64,
    }
    chosen = names if wanted == "all" else {wanted: names[wanted]}
    return {
        name: replace(
            bundle,
            manifest=replace(
                bundle.manifest,
                variants=replace(towers, reference=file, x86_64=file, aarch64=file),
            ),
        )
        for name, file in chosen.items()
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``kikimimi score``."""
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="WAV, FLAC, Ogg, Opus, MP3 and the like; through ffmpeg also m4a, aac, mp4, mov, mkv, "
        "webm, wma, 3gp, amr",
    )
    parser.add_argument("--descriptions", type=Path, required=True, metavar="FILE")
    parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="instead of the shipped one")
    parser.add_argument("--whole", action="store_true", help="score each file as one window")
    parser.add_argument("--json", action="store_true", help="print one JSON object a window")
    parser.add_argument(
        "--truth",
        metavar="CSV|folder",
        help="right id of each file: a CSV file, or 'folder' for the name of its folder; "
        "prints accuracies of whole files",
    )
    parser.add_argument(
        "--truth-columns", default="filename,category", metavar="FILE,ID", help="of the CSV file"
    )
    parser.add_argument(
        "--variant",
        choices=("reference", "x86_64", "aarch64", "all"),
        help="audio tower to use; this machine's by default",
    )


def run(arguments: argparse.Namespace) -> int:
    """Score; 1 if a file could not be read."""
    bundle = bundles.load(arguments.bundle)
    scorer = Scorer.load(bundle, arguments.descriptions)
    chosen = variants_of(bundle, arguments.variant) if arguments.variant else {"": bundle}
    truth = None
    if arguments.truth is not None:
        file_column, _, id_column = arguments.truth_columns.partition(",")
        ids = scorer.matcher.error_ids
        columns = (file_column, id_column)
        truth = read_truth(arguments.truth, arguments.files, ids, columns)
    unread: list[AudioFileError] = []
    results = []
    for name, variant in chosen.items():
        one = replace(scorer, encoder=Encoder(variant))
        if truth is None:
            for scored in _score_files(
                one, arguments.files, unread, whole=arguments.whole, quiet=False
            ):
                _print(scored, as_json=arguments.json)
            continue
        judged = list(chain(*_score_files(one, arguments.files, unread, whole=True, quiet=True)))
        if judged:
            results.append(accuracy(name or "this machine", judged, truth))
    if results:
        _print_accuracies(results, as_json=arguments.json)
    return 1 if unread else 0


def _score_files(
    scorer: Scorer, files: Sequence[Path], unread: list[AudioFileError], *, whole: bool, quiet: bool
) -> Iterator[list[Scored]]:
    """Windows of each file as soon as it is scored; one that cannot be read is told and kept."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    # What is printed on a terminal shows the progress itself.
    shown = console.is_terminal and len(files) > 1 and (quiet or not sys.stdout.isatty())
    for path in track(files, "scoring", console=console, transient=True, disable=not shown):
        try:
            scored = list(scorer.file(path, whole=whole))
        except AudioFileError as error:
            unread.append(error)
            print(f"kikimimi score: {error}", file=sys.stderr)
        else:
            yield scored


def _print(scored: Sequence[Scored], *, as_json: bool) -> None:
    for one in scored:
        if as_json:
            print(one.to_json())
            continue
        match = one.match
        best = np.argsort(-match.score, kind="stable")[:3]
        words = "  ".join(f"{match.error_ids[i]} {match.score[i]:+.2f}" for i in best)
        end = match.captured_at + match.duration_s
        print(f"{shown(one.file)}  {match.captured_at:7.2f}-{end:7.2f} s  {words}")


def _print_accuracies(results: Sequence[Accuracy], *, as_json: bool) -> None:
    if as_json:
        for one in results:
            fields = ("variant", "files", "descriptions", "top_1", "map_10")
            print(json.dumps({name: getattr(one, name) for name in fields}))
        return
    print("| variant | files | descriptions | top-1 | mAP@10 |")
    print("|---|---|---|---|---|")
    for one in results:
        print(
            f"| {one.variant} | {one.files} | {one.descriptions} "
            f"| {one.top_1:.4f} | {one.map_10:.4f} |"
        )
