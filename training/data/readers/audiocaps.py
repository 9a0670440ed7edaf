"""AudioCaps' sentences in English and Japanese (Kim et al., NAACL 2019; sarulab-speech).

The Japanese ones are a translator's. Both files name the sentence by ``audiocap_id``; no sound is
needed to learn from them that two sentences say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.data.readers.splits import by_hash
from training.data.readers.table import read_table
from training.data.records import Split

NAME = "audiocaps-captions"
_PARTS = ("val", "test")
"""The parts that a person translated."""
_COLUMNS = ("audiocap_id", "youtube_id", "caption")
_ORIGIN = "the captions of AudioCaps (cdjkim/audiocaps, sarulab-speech/ml-audiocaps)"


@dataclass(frozen=True, slots=True)
class Translation:
    """One sentence about a sound, twice."""

    english: str
    japanese: str
    split: Split
    """By the sound that it is about."""


def read(data: Path) -> tuple[Translation, ...]:
    """All sentences that stand in both languages.

    Raises:
        FileNotFoundError: a table is not there.
        ManifestError: a table is damaged; names the line.
    """
    found = []
    for part in _PARTS:
        english = {
            line["audiocap_id"]: line["caption"].strip()
            for line in read_table(data / NAME / "en" / f"{part}.csv", _COLUMNS, _ORIGIN)
        }
        for line in read_table(data / NAME / "ja" / f"{part}.csv", _COLUMNS, _ORIGIN):
            sentence = english.get(line["audiocap_id"])
            if sentence and line["caption"].strip():
                split = by_hash(f"youtube/{line['youtube_id']}")
                found.append(Translation(sentence, line["caption"].strip(), split))
    return tuple(found)
