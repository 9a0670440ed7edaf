"""TAU Audio-Text Graded Relevances 2023 (Xie et al., DCASE 2023) on Clotho (Drossos et al., 2020).

People rated how well 600 captions of Clotho fit 17 recordings each. Ratings, captions and the
recordings' licences are in the set; the recordings are the user's to download.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from training.data.readers.table import Line, read_table
from training.data.records import (
    HIGHEST_RATING,
    LOWEST_RATING,
    Caption,
    Manifest,
    Rating,
    RatingKind,
    Recording,
    Split,
)
from training.data.subsets import without_leaks

NAME = "tau-graded-relevances-2023"
RATER = "TAU 2023 crowd"
"""The set has one rating a pair, aggregated over people who are not told apart."""
CLOTHO = "clotho"
_SPLITS = {"development": Split.TRAIN, "validation": Split.VALIDATION, "evaluation": Split.TEST}
_ORIGIN = "TAU Audio-Text Graded Relevances 2023 (xieh97/retrieval-relevance-crowdsourcing)"
_NO_SOUND_ID = "Not found"


class Group(StrEnum):
    """Why a recording was rated for a caption."""

    PAIRED = "TP"
    """The caption was written for it."""
    UNRELATED = "TN"
    CANDIDATE = "C15"
    """One of fifteen others. How they were chosen is not told; the query tables name first five
    that are rated about 46 on average, the other ten about 4."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """One rating as it was published; ids are those of the manifest."""

    split: Split
    caption: str
    recording: str
    group: Group
    rating: float


def relevances(data: Path) -> tuple[Relevance, ...]:
    """All published ratings, for statistics.

    Raises:
        FileNotFoundError: a table is not there.
        ManifestError: a table is damaged; names the line.
    """
    columns = ("tid", "fid", "fid_group", "rating")
    return tuple(
        _relevance(line, split)
        for part, split in _SPLITS.items()
        for line in _table(data, f"relevance_data/{part}_relevances.csv", columns)
    )


def published(data: Path, clotho: Path | None = None) -> Manifest:
    """Everything as it was published; five sounds of Freesound are in two splits there.

    Args:
        data: the data folder.
        clotho: folder with Clotho's folders ``development``, ``validation`` and ``evaluation``;
            ``clotho`` in the data folder if ``None``. Not looked into, see
            :func:`require_audio`.

    Raises:
        FileNotFoundError: a table is not there.
        ManifestError: a table is damaged; names the line.
    """
    recordings: list[Recording] = []
    captions: list[Caption] = []
    for part, split in _SPLITS.items():
        folder = _audio_folder(data, clotho, part)
        metadata = ("fid", "file_name", "sound_id", "sound_link", "manufacturer", "license")
        lines = _table(data, f"audio_metadata/{part}_audio_metadata.csv", metadata)
        recordings.extend(_recording(line, split, folder) for line in lines)
        lines = _table(data, f"text_data/{part}_text.csv", ("tid", "fid", "text"))
        captions.extend(_caption(line) for line in lines)
    ratings = tuple(
        Rating(relevance.caption, relevance.recording, relevance.rating, RATER, RatingKind.HUMAN)
        for relevance in relevances(data)
    )
    return Manifest(tuple(recordings), tuple(captions), ratings=ratings)


def read(data: Path, clotho: Path | None = None) -> Manifest:
    """What can be trained on and tested on: :func:`published` less what leaks.

    Raises:
        FileNotFoundError: a table is not there.
        ManifestError: a table is damaged; names the line.
    """
    return without_leaks(published(data, clotho))


def require_audio(data: Path, clotho: Path | None = None) -> None:
    """Make sure that Clotho's recordings are where the manifest says.

    Raises:
        FileNotFoundError: some are not; says for each split what to download and where to put it.
    """
    messages = []
    for part in _SPLITS:
        lines = _table(data, f"audio_metadata/{part}_audio_metadata.csv", ("file_name",))
        folder = data / _audio_folder(data, clotho, part)
        missing = [
            line["file_name"] for line in lines if not (folder / line["file_name"]).is_file()
        ]
        if missing:
            messages.append(
                f"{folder}: {len(missing)} of {len(lines)} recordings are missing, such as "
                f"{missing[0]!r}; download clotho_audio_{part}.7z of 'Clotho dataset' "
                f"(version 2.1, Zenodo) and unpack its WAV files into this folder"
            )
    if messages:
        raise FileNotFoundError("\n".join(messages))


def _table(data: Path, name: str, columns: tuple[str, ...]) -> tuple[Line, ...]:
    return read_table(data / NAME / name, columns, _ORIGIN)


def _audio_folder(data: Path, clotho: Path | None, part: str) -> str:
    """Relative to the data folder if it lies there, else absolute."""
    if clotho is None:
        return f"{CLOTHO}/{part}"
    folder = clotho.resolve() / part
    inside = folder.is_relative_to(data.resolve())
    return (folder.relative_to(data.resolve()) if inside else folder).as_posix()


def _recording(line: Line, split: Split, folder: str) -> Recording:
    # Where Freesound's id was not found nothing tells whether two are of one sound.
    known = line["sound_id"] != _NO_SOUND_ID
    return Recording(
        id=f"{CLOTHO}/{line['fid']}",
        path=f"{folder}/{line['file_name']}",
        source=f"freesound/{line['sound_id']}" if known else f"{CLOTHO}/{line['fid']}",
        split=split,
        licence=line["license"],
        attribution=", ".join(filter(None, (line["manufacturer"], line["sound_link"]))),
    )


def _caption(line: Line) -> Caption:
    text = " ".join(line["text"].split())
    return Caption(f"{CLOTHO}/{line['tid']}", text, "en", f"{CLOTHO}/{line['fid']}")


def _relevance(line: Line, split: Split) -> Relevance:
    if line["fid_group"] not in list(Group):
        raise line.wrong("fid_group", f"write one of {', '.join(Group)}")
    try:
        rating = float(line["rating"])
    except ValueError:
        rating = float("nan")
    if not LOWEST_RATING <= rating <= HIGHEST_RATING:
        raise line.wrong("rating", f"write a number from {LOWEST_RATING:g} to {HIGHEST_RATING:g}")
    return Relevance(
        split=split,
        caption=f"{CLOTHO}/{line['tid']}",
        recording=f"{CLOTHO}/{line['fid']}",
        group=Group(line["fid_group"]),
        rating=rating,
    )
