"""``kikimimi score``: what the box hears in sound files, window by window, whole, or as alerts.

One JSON object a line is the contract that outside evaluations use. With ``--truth`` it also
says how often the right description won, for each variant of the audio tower that is asked for.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from agent.alerts.alerts import severity_of
from agent.alerts.recorded import RecordedAlert
from agent.capture.soundfiles.kinds import READ
from agent.cli import file_hearing
from agent.cli.accuracy import accuracy, read_truth
from agent.core.errors import AudioFileError, ConfigError, Problem
from agent.core.names import shown
from agent.core.records import Provenance, Step
from agent.encoder.audio import Encoder
from agent.hearing.files import LONGEST_WHOLE_S
from agent.hearing.recogniser import Recogniser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from agent.bundle.loading import Bundle
    from agent.cli.accuracy import Accuracy
    from agent.core.records import Detection, Match
    from agent.hearing.files import FileHearing
    from agent.watchlist.watchlist import Watchlist

_Scored = TypeVar("_Scored")


@dataclass(frozen=True, slots=True)
class Scorer:
    """Everything that stays the same from file to file.

    Each method raises ``AudioFileError`` where a file cannot be read, and before it gives anything:
    the scores of half a recording would pass for those of the whole.
    """

    hearing: FileHearing
    watch: Watchlist

    def windows(self, path: Path) -> Iterator[Match]:
        """A file's windows as the box would hear them; one window where it is no longer."""
        manifest = self.hearing.bundle.manifest
        window = manifest.tuning.window_frames * manifest.frontend.hop_length
        whole = self.hearing.samples(path) <= window
        return self.hearing.matches(path, self.watch.matcher, whole=whole)

    def whole(self, path: Path) -> Match:
        """A file as one window; one that is too long for that cannot be read."""
        return next(self.hearing.matches(path, self.watch.matcher, whole=True))

    def judged(self, path: Path) -> Iterator[tuple[Path, Match]]:
        """A file as one window, with the file's name."""
        yield path, self.whole(path)

    def score_lines(self, path: Path, *, whole: bool, as_json: bool) -> Iterator[str]:
        """Each window as a line to print."""
        for match in [self.whole(path)] if whole else self.windows(path):
            yield window_json(path, match) if as_json else _window_text(path, match)

    def alert_lines(self, path: Path, *, as_json: bool) -> Iterator[str]:
        """Each alert as a line to print, when it has ended; for people, a last line sums up."""
        lasts_s = self.hearing.samples(path) / self.hearing.rate_hz
        recogniser = Recogniser(self.watch.matcher, self.watch.policies, self.hearing.rate_hz)
        alerts = 0
        for detection in self.hearing.detections(path, recogniser):
            if detection.step is Step.END:
                alerts += 1
                yield (
                    self._alert_json(path, detection)
                    if as_json
                    else self._alert_text(path, detection)
                )
        if not as_json:
            found = f"{alerts or 'no'} alert{'s' if alerts > 1 else ''} in {lasts_s:.1f} s"
            if recogniser.suppressed:
                found += f", {recogniser.suppressed} more kept back by their cooldown"
            yield f"{shown(path)}  {found}"

    def _alert_json(self, path: Path, alert: Detection) -> str:
        """As the box would publish it; times are seconds from the file's start."""
        origin = Provenance(self.hearing.bundle.digest, self.watch.digest)
        recorded = RecordedAlert.of(shown(path), alert, self.watch.wordings, origin)
        return json.dumps(asdict(recorded), ensure_ascii=False)

    def _alert_text(self, path: Path, alert: Detection) -> str:
        wording = self.watch.wordings[alert.error_id]
        when = f"{alert.starts_at:7.2f}-{alert.ends_at:7.2f} s"
        severity = severity_of(alert, wording.severity, self.watch.wordings).value
        score = f"{alert.error_id} {alert.score:+.2f} of {alert.threshold:.2f}"
        others = "".join(
            f"; or {one.error_id} {one.score:+.2f} of {one.threshold:.2f}"
            for one in alert.candidates
        )
        return f"{shown(path)}  {when}  {severity}  {score}  {wording.description}{others}"


def window_json(path: Path, match: Match) -> str:
    """``{"file":…,"start":0.0,"end":2.0,"cosine":{id:…},"scores":{id:…}}``."""
    return json.dumps(
        {
            "file": shown(path),
            "start": round(match.captured_at, 6),
            "end": round(match.captured_at + match.duration_s, 6),
            "cosine": {name: round(value, 6) for name, value in match.cosines().items()},
            "scores": {name: round(value, 6) for name, value in match.scores().items()},
        },
        ensure_ascii=False,
    )


def _window_text(path: Path, match: Match) -> str:
    best = np.argsort(-match.score, kind="stable")[:3]
    words = "  ".join(f"{match.error_ids[i]} {match.score[i]:+.2f}" for i in best)
    end = match.captured_at + match.duration_s
    return f"{shown(path)}  {match.captured_at:7.2f}-{end:7.2f} s  {words}"


def variants_of(bundle: Bundle, wanted: str) -> dict[str, Bundle]:
    """The bundle with one or each of its audio towers, whatever this machine's is."""
    towers = bundle.manifest.variants
    names = {
        "reference": towers.reference,
        "x86_64": towers.x86_64,
        "aarch64": towers.aarch64,
    }
    chosen = names if wanted == "all" else {wanted: names[wanted]}
    return {name: replace(bundle, tower=file) for name, file in chosen.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``kikimimi score``."""
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help=READ,
    )
    file_hearing.add_options(parser)
    parser.add_argument(
        "--whole",
        action="store_true",
        help=f"score each file as one window, of at most {LONGEST_WHOLE_S:.0f} s",
    )
    parser.add_argument(
        "--alerts", action="store_true", help="print what would have alarmed instead of scores"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a window, or an alert"
    )
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
    if arguments.alerts and (arguments.whole or arguments.truth):
        found = "is given with --whole or --truth, where no window follows another"
        raise ConfigError([Problem("--alerts", found, "leave one of them out")])
    scorer = Scorer(*file_hearing.load(arguments, "score", _remark))
    bundle = scorer.hearing.bundle
    chosen = variants_of(bundle, arguments.variant) if arguments.variant else {"": bundle}
    truth = None
    if arguments.truth is not None:
        file_column, _, id_column = arguments.truth_columns.partition(",")
        ids = scorer.watch.matcher.error_ids
        columns = (file_column, id_column)
        truth = read_truth(arguments.truth, arguments.files, ids, columns)
    unread: list[AudioFileError] = []
    results = []
    for name, variant in chosen.items():
        variant_scorer = scorer
        if name:
            hearing = replace(scorer.hearing, encoder=Encoder(variant))
            variant_scorer = replace(scorer, hearing=hearing)
        if truth is None:
            lines = partial(
                variant_scorer.score_lines, whole=arguments.whole, as_json=arguments.json
            )
            if arguments.alerts:
                lines = partial(variant_scorer.alert_lines, as_json=arguments.json)
            for line in _each(arguments.files, lines, unread, quiet=False):
                print(line)
            continue
        judged = list(_each(arguments.files, variant_scorer.judged, unread, quiet=True))
        if judged:
            results.append(accuracy(name or "this machine", judged, truth))
    if results:
        _print_accuracies(results, as_json=arguments.json)
    return 1 if unread else 0


def _remark(text: str) -> None:
    print(f"kikimimi score: {text}", file=sys.stderr)


def _each(
    files: Sequence[Path],
    hear: Callable[[Path], Iterable[_Scored]],
    unread: list[AudioFileError],
    *,
    quiet: bool,
) -> Iterator[_Scored]:
    """What is heard in each file; one that cannot be read is told and kept in ``unread``."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    # What is printed on a terminal shows the progress itself.
    visible = console.is_terminal and len(files) > 1 and (quiet or not sys.stdout.isatty())
    for path in track(files, "scoring", console=console, transient=True, disable=not visible):
        try:
            yield from hear(path)
        except AudioFileError as error:
            unread.append(error)
            _remark(str(error))


def _print_accuracies(results: Sequence[Accuracy], *, as_json: bool) -> None:
    if as_json:
        for result in results:
            fields = ("variant", "files", "descriptions", "top_1", "map_10")
            print(json.dumps({name: getattr(result, name) for name in fields}))
        return
    print("| variant | files | descriptions | top-1 | mAP@10 |")
    print("|---|---|---|---|---|")
    for result in results:
        print(
            f"| {result.variant} | {result.files} | {result.descriptions} "
            f"| {result.top_1:.4f} | {result.map_10:.4f} |"
        )
