"""``python -m training analyse``: from ratings and recordings to a report with figures."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from training import checkpoint
from training.analyse import plots, report
from training.analyse.bias import analyse_model
from training.analyse.features import LANGUAGES, CaptionReader
from training.analyse.human import Material, analyse_ratings, wanted_texts
from training.analyse.ratings import read_lists
from training.analyse.similarity import embed, listen
from training.audioset import data_folder
from training.data.manifest import load_manifest
from training.data.readers import tau

if TYPE_CHECKING:
    import argparse

    from training.analyse.findings import HumanFindings, ModelFindings
    from training.analyse.similarity import Heard
    from training.data.cache import Unreadable
    from training.data.records import Manifest

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
    parser.add_argument("--data", type=Path, default=data_folder(), help="the data folder")
    parser.add_argument("--model", type=Path, default=Path("runs/bootstrap/model.pt"))
    parser.add_argument("--manifest", type=Path, default=Path("runs/data"))
    parser.add_argument("--output", type=Path, default=Path("runs/analysis"))
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
    (arguments.output / "report.md").write_text(text, encoding="utf-8")
    report.write_json(found.human, found.model, arguments.output / "analysis.json")
    print(f"wrote {arguments.output / 'report.md'} with {len(drawn)} figures")
    if arguments.docs is not None:
        (arguments.docs / report.FIGURES).mkdir(parents=True, exist_ok=True)
        (arguments.docs / "ratings.md").write_text(text, encoding="utf-8")
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
    heard: dict[str, Heard] = {}
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
    captions = tuple(one for one in manifest.captions if one.language in LANGUAGES)
    missing = len(manifest.captions) - len(captions)
    if not missing:
        return manifest, []
    kept = {one.id for one in captions}
    pairs = tuple(one for one in manifest.pairs if one.caption in kept)
    known = " and ".join(LANGUAGES)
    line = f"{missing} captions of the manifest in other languages than {known}"
    return replace(manifest, captions=captions, pairs=pairs), [line]


def _told(unread: tuple[Unreadable, ...], wanted: int) -> list[str]:
    lines = [f"{one.recording}: {one.reason}" for one in unread]
    return [*lines, f"{len(unread)} of {wanted} recordings"] if unread else []
