"""Recordings of four kinds that tests can make, two of each in each split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soundfile

from training.data.readers.classes import CLASS_LABEL, Labelled, class_manifest
from training.data.records import Caption, Manifest, Pair, Recording, Split
from training.data.sounding import RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {"bell": 700.0, "horn": 300.0, "drum": 90.0, "hiss": 5_000.0}
CAPTIONS = {
    ("bell", "en"): "a bell rings",
    ("bell", "ja"): "ベルが鳴る",
    ("horn", "en"): "a horn honks",
    ("horn", "ja"): "クラクションが響く",
    ("drum", "en"): "someone beats a drum",
    ("drum", "ja"): "太鼓をたたく音",
    ("hiss", "en"): "the hiss of air",
}


def write_sounds(folder: Path) -> None:
    """The files of :func:`mixable_manifest`, into a data folder."""
    for number, one in enumerate(mixable_manifest().recordings):
        path = folder / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        hz = KINDS[one.id.split("/")[1].split("-")[0]]
        soundfile.write(path, _sound(hz, number), RATE_HZ)


def mixable_manifest() -> Manifest:
    """With class captions, and sentences in two languages; the hiss has none in Japanese."""
    labelled = []
    for split in Split:
        for kind in KINDS:
            for take in (1, 2):
                name = f"{kind}-{split}-{take}"
                attribution = f"author of {name}"
                one = Recording(
                    f"set/{name}", f"set/{name}.flac", f"{split}", split, "CC BY", attribution
                )
                labelled.append(Labelled(one, kind))
    captions = tuple(
        Caption(f"set/caption/{language}/{text}", text, language)
        for (_, language), text in CAPTIONS.items()
    )
    pairs = tuple(
        Pair(caption.id, one.recording.id, label=True, provenance=CLASS_LABEL)
        for one in labelled
        for (kind, _), caption in zip(CAPTIONS, captions, strict=True)
        if kind == one.name
    )
    return class_manifest("set", labelled) + Manifest(captions=captions, pairs=pairs)


def _sound(hz: float, seed: int) -> np.ndarray:
    """A second that decays, between silences."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(RATE_HZ) / RATE_HZ
    ringing = 0.3 * np.sin(2 * np.pi * hz * time_s) * np.exp(-2 * time_s)
    before, after = rng.integers(1_000, 20_000, 2)
    return np.concatenate([np.zeros(before), ringing, np.zeros(after)])
