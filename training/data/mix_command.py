"""``python -m training mix``: a manifest and mixtures of its recordings, with known contents."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from training.data.arguments import add_folders, whole
from training.data.captions import CaptionKind
from training.data.contents import CONTENTS, Contents, alone, classes, read_contents, write_contents
from training.data.manifest import load_manifest, write_manifest
from training.data.mixing import Ingredient, Mixer, Mixture
from training.data.progress import shown
from training.data.readers.folders import FAN
from training.data.records import Caption, Manifest, Pair, Recording, Split
from training.data.sentences import LANGUAGES, VARIANTS, Voice, compose, order, plain
from training.data.sounding import RATE_HZ

PART_OF_A_MIXTURE = "part of a mixture"
"""Provenance of the pairs of a mixture and the captions of its strong parts."""

AUDIBLE_DB = -12.0
"""A part that is weaker, against all else while it sounds, is in no caption."""
FITTING_DB = 0.0
"""From here on the captions of a part alone fit the mixture; below, that is a matter of degree."""

_EVALUATION_ONLY = (FAN.name,)


@dataclass(frozen=True, slots=True)
class Mixed:
    """What was made, and what could not be."""

    manifest: Manifest
    """The mixtures alone; captions and recordings that they refer to are in the original."""
    contents: tuple[Contents, ...]
    skipped: Mapping[str, str]
    """Recordings that could not be used, by id, and why."""
    without_caption: Mapping[str, int]
    """How many mixtures have no caption, by language: one of their parts has none."""


def ingredients(manifest: Manifest) -> tuple[Ingredient, ...]:
    """The recordings that may be mixed: those that have a class, but for evaluation only.

    Raises:
        ValueError: there is none.
    """
    texts = {caption.id: caption.text for caption in manifest.captions}
    own = classes(manifest)
    found = tuple(
        Ingredient(clip, own[clip.id], texts[own[clip.id]])
        for clip in manifest.recordings
        if clip.id in own and not _evaluation_only(clip)
    )
    if not found:
        raise ValueError(
            "no recording of the manifest has a class; "
            "write it with 'python -m training manifest', or pair recordings with class captions"
        )
    return found


def mix(
    manifest: Manifest, data: Path, output: Path, counts: Mapping[Split, int], seed: int
) -> Mixed:
    """Render mixtures into ``output / "mixed"``.

    Args:
        manifest: whose recordings are mixed.
        data: what their paths are relative to.
        output: where the sound goes.
        counts: how many mixtures of each split.
        seed: the same seed gives the same bytes.

    Raises:
        ValueError: too few classes are there, or can be read.
    """
    writer = _Writer(manifest, output.resolve() / "mixed", seed)
    usable = ingredients(manifest)
    skipped: dict[str, str] = {}
    for split, count in counts.items():
        mixer = Mixer(usable, split, data)
        for number in shown(range(count), f"mixing {split}"):
            writer.add(mixer.mixture(seed, number), split, number)
        skipped |= mixer.skipped
    made = Manifest(tuple(writer.recordings), tuple(writer.captions), tuple(writer.pairs))
    return Mixed(made, tuple(writer.contents), skipped, writer.without_caption)


class _Writer:
    """Writes sound, and keeps what the manifest says of it."""

    def __init__(self, manifest: Manifest, folder: Path, seed: int) -> None:
        self.recordings: list[Recording] = []
        self.captions: list[Caption] = []
        self.pairs: list[Pair] = []
        self.contents: list[Contents] = []
        self.without_caption = dict.fromkeys(LANGUAGES, 0)
        self._folder = folder
        self._seed = seed
        by_id = {caption.id: caption for caption in manifest.captions}
        self._by_recording: dict[str, list[Caption]] = {}
        # Sorted: a set's order differs from run to run.
        for caption, recording in sorted(manifest.positives()):
            self._by_recording.setdefault(recording, []).append(by_id[caption])

    def add(self, mixture: Mixture, split: Split, number: int) -> None:
        name = f"{self._seed}-{number:04}"
        path = self._folder / split / f"{name}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, mixture.samples, RATE_HZ, subtype="PCM_16")
        made_of = [stem.ingredient.recording for stem in mixture.stems]
        recording = Recording(
            id=f"mixed/{split}/{name}",
            path=path.as_posix(),
            source=f"mixed/{self._seed}/{split}",
            split=split,
            licence="; ".join(dict.fromkeys(clip.licence or "not stated" for clip in made_of)),
            attribution=f"mixed from {'; '.join(dict.fromkeys(map(_attribution, made_of)))}",
        )
        self.recordings.append(recording)
        contents = Contents(recording.id, mixture.parts())
        self.contents.append(contents)
        for part in contents.parts:
            if part.level_db >= FITTING_DB:
                self.pairs += [
                    Pair(caption.id, recording.id, True, PART_OF_A_MIXTURE)
                    for caption in self._by_recording[part.recording]
                ]
        self._describe(recording, mixture, contents, number)

    def _describe(
        self, recording: Recording, mixture: Mixture, contents: Contents, number: int
    ) -> None:
        """Captions of what is heard, in each language in which all of it has one."""
        loudest = max(part.level_db for part in contents.parts)
        heard = [
            (part, Voice(stem.sounding, stem.power_db))
            for part, stem in zip(contents.parts, mixture.stems, strict=True)
            if part.level_db >= min(AUDIBLE_DB, loudest)
        ]
        how = order([voice for _, voice in heard])
        rng = np.random.default_rng([self._seed, list(Split).index(recording.split), number, 1])
        for language in LANGUAGES:
            texts = [self._texts(part.recording, part.caption, language) for part, _ in heard]
            if not all(texts):
                self.without_caption[language] += 1
                continue
            turns = [rng.permutation(len(own)) for own in texts]
            said = (
                compose(
                    [own[turn[way % len(own)]] for own, turn in zip(texts, turns, strict=True)],
                    how,
                    language,
                    way,
                )
                for way in range(VARIANTS)
            )
            self.captions += [
                Caption(f"{recording.id}/{language}/{way}", text, language, recording.id)
                for way, text in enumerate(dict.fromkeys(said))
            ]

    def _texts(self, recording: str, class_caption: str, language: str) -> tuple[str, ...]:
        """Captions of a part: sentences before the name of its class, and that before sounds."""
        data_set = class_caption.partition("/class/")[0]
        names, sounds, sentences = [], [], []
        for caption in self._by_recording[recording]:
            if caption.language != language:
                continue
            if caption.id == class_caption or caption.id.startswith(
                f"{data_set}/{CaptionKind.NAME}/"
            ):
                names.append(caption.text)
            elif caption.id.startswith(f"{data_set}/{CaptionKind.ONOMATOPOEIA}/"):
                sounds.append(caption.text)
            else:
                sentences.append(caption.text)
        if sentences or names:
            return plain(sentences or names, language)
        return tuple(f"{sound}という音が聞こえる" for sound in sounds if language == "ja")


def _attribution(recording: Recording) -> str:
    return f"{recording.attribution or recording.id} ({recording.licence or 'licence not stated'})"


def _evaluation_only(recording: Recording) -> bool:
    return recording.id.split("/")[0] in _EVALUATION_ONLY


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training mix``."""
    add_folders(parser, manifest="runs/data", output="runs/mixed")
    for split, count in ((Split.TRAIN, 600), (Split.VALIDATION, 120), (Split.TEST, 200)):
        told = f"mixtures of {split} recordings ({count})"
        parser.add_argument(f"--{split}", type=whole(0), default=count, metavar="N", help=told)
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N")


def run(arguments: argparse.Namespace) -> int:
    """Read a manifest, mix, write the larger manifest, print what is in it."""
    if arguments.output.resolve() == arguments.manifest.resolve():
        raise ValueError(
            f"--output {arguments.output}: is the manifest itself; name another folder"
        )
    manifest = load_manifest(arguments.manifest)
    known: tuple[Contents, ...] = ()
    if (arguments.manifest / CONTENTS).is_file():
        known = read_contents(arguments.manifest, manifest)
    counts = {split: getattr(arguments, split) for split in Split}
    mixed = mix(manifest, arguments.data, arguments.output, counts, arguments.seed)
    everything = manifest + mixed.manifest
    own = classes(manifest)
    singles = [alone(clip.id, own[clip.id]) for clip in manifest.recordings if clip.id in own]
    before = [content for content in known if content.recording not in own]
    write_manifest(everything, arguments.output)
    write_contents([*singles, *before, *mixed.contents], arguments.output, everything)
    _print(manifest, mixed, counts)
    print(f"wrote {arguments.output}")
    return 0


def _print(manifest: Manifest, mixed: Mixed, counts: Mapping[Split, int]) -> None:
    made = {clip.id for clip in mixed.manifest.recordings}
    split_of = {clip.id: clip.split for clip in mixed.manifest.recordings}
    print(f"{'split':<12}{'mixtures':>9}{'parts':>7}{'captions':>10}{'pairs':>8}")
    for split in counts:
        parts = sum(
            len(content.parts) for content in mixed.contents if split_of[content.recording] is split
        )
        captions = _of(
            split, (caption.recording or "" for caption in mixed.manifest.captions), split_of
        )
        pairs = _of(split, (pair.recording for pair in mixed.manifest.pairs), split_of)
        print(f"{split:<12}{_of(split, made, split_of):>9}{parts:>7}{captions:>10}{pairs:>8}")
    for language, count in mixed.without_caption.items():
        if count:
            print(f"without a caption in {language}: {count}; one of their parts has none")
    if unused := sum(map(_evaluation_only, manifest.recordings)):
        print(f"never mixed: {unused} recordings of {FAN.name}, which is for evaluation only")
    for recording, reason in mixed.skipped.items():
        print(f"skipped: {recording}: {reason}")
    print(f"skipped: {len(mixed.skipped)} recordings that cannot be read or are silent")


def _of(split: Split, recordings: Iterable[str], split_of: Mapping[str, Split]) -> int:
    return sum(split_of[clip] is split for clip in recordings)
