"""Our captions of recordings that come with a class only: several a class, in both languages.

How they are written is in docs/captions.md. A row of a file speaks of all recordings of a class,
or of those whose names match a pattern.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

from agent.config.values import nearest
from agent.core.errors import Problem
from training.data.manifest import ManifestError
from training.data.readers.classes import CLASS_LABEL, class_caption
from training.data.readers.table import Line, read_table
from training.data.records import Caption, Manifest, Pair

RESOURCE = Path(__file__).parents[1] / "resources" / "captions"
_COLUMNS = ("set", "class", "recording", "language", "kind", "text")
_LANGUAGES = ("en", "ja")


class CaptionKind(StrEnum):
    """What a text is."""

    NAME = "name"
    """The class's plain name, in Japanese; its label is the English one."""
    CAPTION = "caption"
    """What is heard, as a person says it."""
    ONOMATOPOEIA = "onomatopoeia"
    """The sound alone."""


@dataclass(frozen=True, slots=True)
class Described:
    """One caption of all or some recordings of a class."""

    where: str
    """File and line."""
    data_set: str
    name: str
    """Of the class, in English words: ``glass breaking``."""
    recordings: str
    """Pattern of their names in the set (``scrape_0[3-8]``); all of the class if empty."""
    language: str
    kind: CaptionKind
    text: str


def read_captions(data_sets: Collection[str], path: Path = RESOURCE) -> tuple[Described, ...]:
    """All captions, in the order of the files.

    Args:
        data_sets: names of the sets that a row may speak of.
        path: a CSV file, or a folder of them.

    Raises:
        FileNotFoundError: there is no such file, or none in the folder.
        ManifestError: rows are wrong or say again what another says; names each line.
    """
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files:
        raise FileNotFoundError(f"{path}: holds no CSV file; put captions there, or delete it")
    captions: list[Described] = []
    problems: list[Problem] = []
    for file in files:
        for line in read_table(file, _COLUMNS, "captions as docs/captions.md says"):
            if wrong := list(_wrong(line, data_sets)):
                problems += wrong
            else:
                captions.append(_described(line))
    problems += _repeated(captions)
    if problems:
        raise ManifestError(problems)
    return tuple(captions)


def described(manifest: Manifest, data_set: str, captions: Iterable[Described]) -> Manifest:
    """The manifest with our captions, and a pair for each and every recording that it describes.

    A text that several classes share (``カチッ``) is one caption, so that it is no wrong answer
    for any of them.

    Args:
        manifest: of a set whose recordings have classes.
        data_set: its name.
        captions: of any sets; those of other sets are not used.

    Raises:
        ManifestError: a caption describes a class or a recording that the set does not have;
            names each line.
    """
    of_class: dict[str, list[str]] = {}
    for pair in manifest.pairs:
        of_class.setdefault(pair.caption, []).append(pair.recording)
    added: dict[str, Caption] = {}
    pairs: dict[tuple[str, str], Pair] = {}
    problems = []
    for row in captions:
        if row.data_set != data_set:
            continue
        members = of_class.get(class_caption(data_set, row.name))
        if members is None:
            names = [caption.rpartition("/")[2] for caption in of_class]
            problems.append(_unknown(row, "class", row.name, names))
            continue
        pattern = f"{data_set}/{row.recordings or '*'}"
        recordings = [member for member in members if fnmatchcase(member, pattern)]
        if not recordings:
            names = [member.removeprefix(f"{data_set}/") for member in members]
            problems.append(_unknown(row, "recording", row.recordings, names))
        # Without a line's number: ids stay when a row is added.
        name = f"{data_set}/{row.kind}/{row.language}/{row.text}"
        added[name] = Caption(name, row.text, row.language)
        for recording in recordings:
            pairs[name, recording] = Pair(name, recording, True, CLASS_LABEL)
    if problems:
        raise ManifestError(problems)
    return manifest + Manifest(captions=tuple(added.values()), pairs=tuple(pairs.values()))


def _wrong(line: Line, data_sets: Collection[str]) -> Iterator[Problem]:
    """What is wrong with a row by itself."""
    accepted = {"set": data_sets, "language": _LANGUAGES, "kind": list(CaptionKind)}
    for column, values in accepted.items():
        if line[column] not in values:
            found = f"is {line[column]!r}"
            yield Problem(f"{line.where} {column}", found, f"write one of {', '.join(values)}")
    for column in ("class", "text"):
        if line[column] != " ".join(line[column].split()) or not line[column]:
            found = f"is {line[column]!r}"
            remedy = "write one line, without spaces at its ends"
            yield Problem(f"{line.where} {column}", found, remedy)
    if line["kind"] == CaptionKind.NAME and (line["language"] != "ja" or line["recording"]):
        remedy = "a name is Japanese and the whole class's; write caption, or change the others"
        yield Problem(f"{line.where} kind", "is 'name'", remedy)


def _described(line: Line) -> Described:
    return Described(
        where=line.where,
        data_set=line["set"],
        name=line["class"],
        recordings=line["recording"],
        language=line["language"],
        kind=CaptionKind(line["kind"]),
        text=line["text"],
    )


def _repeated(captions: Iterable[Described]) -> Iterator[Problem]:
    """Texts that stand twice, and second names of a class.

    Only onomatopoeia may be shared: many things go カチッ. A sentence that fits two classes
    tells neither from the other.
    """
    texts: dict[tuple[str, ...], Described] = {}
    names: dict[tuple[str, str], Described] = {}
    for caption in captions:
        of_one = (caption.data_set, caption.name, caption.recordings)
        shared = of_one if caption.kind is CaptionKind.ONOMATOPOEIA else ()
        first = texts.setdefault((caption.language, caption.text.casefold(), *shared), caption)
        if first is not caption:
            found = f"is {caption.text!r}, as {first.where} of {first.data_set} {first.name!r}"
            yield Problem(
                f"{caption.where} text", found, "say what tells the two apart, or delete one"
            )
        if caption.kind is CaptionKind.NAME:
            named = names.setdefault((caption.data_set, caption.name), caption)
            if named is not caption:
                found = f"is a second name beside {named.where}"
                yield Problem(f"{caption.where} kind", found, "write caption, or delete one")


def _unknown(one: Described, column: str, found: str, known: Collection[str]) -> Problem:
    near = nearest(found, known)
    hint = f"did you mean {near!r}?" if near else "write one that it has, or delete the row"
    where = f"{one.where} {column}"
    return Problem(where, f"is {found!r}, which {one.data_set} does not have", hint)
