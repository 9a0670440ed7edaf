"""``python -m training analyse``: from ratings and recordings to a report with figures."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from training.data.arguments import add_folders
from training.data.cache import Unreadable
from training.data.files import write_text
from training.data.manifest import load_manifest
from training.data.readers import tau
from training.data.records import Manifest
from training.model import checkpoint
from training.studies.ratings import plots, report
from training.studies.ratings.bias import analyse_model
from training.studies.ratings.features import LANGUAGES, CaptionReader
from training.studies.ratings.findings import HumanFindings, ModelFindings
from training.studies.ratings.human import Material, analyse_ratings, wanted_texts
from training.studies.ratings.published import read_lists
from training.studies.ratings.similarity import EmbeddedRecording, embed, listen

NO_CLOTHO = (
    "loudness and spectrum of the rated recordings, and the model's similarity with their sound: "
    "give --clotho FOLDER to have them"
)


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was found, and what was left out on the way."""

    human: HumanFindings
    model: ModelFindings
    left_out: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training analyse``."""
    add_folders(
        parser, model="runs/bootstrap/model.pt", manifest="runs/data", output="runs/analysis"
    )
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="may be deleted")
    parser.add_argument(
        "--clotho",
        type=Path,
        help="folder of Clotho's recordings: adds what can be told of their sound only",
    )
    parser.add_argument(
        "--own-captions",
        type=int,
        choices=range(1, 6),
        default=1,
        metavar="1-5",
        help="how many of a rated recording's own captions stand for it by text (default 1; "
        "each costs some 70 seconds of one core, once)",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--docs", type=Path, help="also write ratings.md and its figures there")


def run(arguments: argparse.Namespace) -> int:
    """Analyse, write, print where."""
    found = analyse(arguments)
    for line in found.left_out:
        print(f"left out: {line}", file=sys.stderr)
    how = report.Run(
        model=arguments.model.as_posix(),
        clotho=arguments.clotho is not None,
        own_captions=arguments.own_captions,
        seed=arguments.seed,
    )
    figures = arguments.output / report.FIGURES
    drawn = plots.draw(found.human, found.model, figures)
    text = report.write(found.human, found.model, found.left_out, how, drawn)
    write_text(arguments.output / "report.md", text)
    report.write_findings(found.human, found.model, arguments.output / "analysis.json")
    print(f"wrote {arguments.output / 'report.md'} with {len(drawn)} figures")
    if arguments.docs is not None:
        (arguments.docs / report.FIGURES).mkdir(parents=True, exist_ok=True)
        write_text(arguments.docs / "ratings.md", text)
        for name in drawn:
            shutil.copyfile(figures / name, arguments.docs / report.FIGURES / name)
        print(f"wrote {arguments.docs / 'ratings.md'}")
    return 0


def analyse(arguments: argparse.Namespace) -> Found:
    """All findings; tells what could not be read.

    Raises:
        FileNotFoundError: a table, the checkpoint, or recordings of Clotho are not there.
        ManifestError: a table or the manifest is damaged.
        ValueError: nothing can be analysed.
    """
    if arguments.clotho is not None:
        tau.require_audio(arguments.data, arguments.clotho)
    rated = read_lists(arguments.data, arguments.clotho)
    manifest, left_out = _readable(load_manifest(arguments.manifest))
    model = checkpoint.load(arguments.model)
    reader = CaptionReader()
    english = dict.fromkeys(wanted_texts(rated, arguments.own_captions), "en")
    ours = {caption.text: caption.language for caption in manifest.captions}
    wanted = ours | english
    features = {text: reader.read(text, language) for text, language in wanted.items()}
    texts = embed(model, list(wanted), arguments.cache)
    heard: dict[str, EmbeddedRecording] = {}
    if arguments.clotho is None:
        left_out.append(NO_CLOTHO)
    else:
        clips = [clip.recording for clip in rated.clips]
        heard, unread = listen(model, clips, arguments.data, arguments.cache)
        left_out += _told(unread, len(clips))
    human = analyse_ratings(
        Material(rated, features, texts, arguments.own_captions, heard, arguments.seed)
    )
    own, unread = listen(model, manifest.recordings, arguments.data, arguments.cache)
    left_out += _told(unread, len(manifest.recordings))
    found = analyse_model(manifest, own, texts, features, arguments.seed)
    return Found(human, found, (*left_out, *human.left_out, *found.left_out))


def _readable(manifest: Manifest) -> tuple[Manifest, list[str]]:
    """The manifest without captions that no tagger can read, and a line about them."""
    unread = {caption.id for caption in manifest.captions if caption.language not in LANGUAGES}
    if not unread:
        return manifest, []
    known = " and ".join(LANGUAGES)
    line = f"{len(unread)} captions of the manifest in other languages than {known}"
    return manifest.without(captions=unread), [line]


def _told(unread: tuple[Unreadable, ...], wanted: int) -> list[str]:
    lines = [f"{lost.recording}: {lost.reason}" for lost in unread]
    return [*lines, f"{len(unread)} of {wanted} recordings"] if unread else []
