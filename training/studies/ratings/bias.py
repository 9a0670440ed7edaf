"""Whether the model's similarities depend on what they should not: loudness, language, source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agent.core.records import FloatArray
from training.data.arrays import Mask, Values
from training.data.records import Caption, Manifest, Recording
from training.studies.ratings.features import CaptionFeatures
from training.studies.ratings.findings import Finding, Mean, ModelFindings, corrected
from training.studies.ratings.grouping import (
    centred_within,
    mean_of_sources,
    mean_over,
    of_several,
    of_several_authors,
)
from training.studies.ratings.human import caption_columns
from training.studies.ratings.similarity import EmbeddedRecording, Texts
from training.studies.ratings.sound import PROPERTIES
from training.studies.ratings.statistics import (
    Association,
    Effect,
    can_vary,
    share_between,
    spearman,
)

_FEWEST_OF_AUTHOR = 3
_FEWEST_OF_CLASS = 5


@dataclass(frozen=True, slots=True)
class _Scores:
    """Cosines of captions and recordings of one language; NaN where nothing is to be told."""

    cosines: Values
    """``(captions, recordings)``."""
    own: Mask
    """Same shape: which captions are a recording's own."""

    def margin(self) -> Values:
        """Mean cosine with its own captions less that with all others, ``(recordings,)``."""
        return self.similarity() - mean_over(self.cosines, ~self.own)

    def fits(self) -> Values:
        """The same the other way round: a caption's margin over recordings, ``(captions,)``."""
        return mean_over(self.cosines.T, self.own.T) - mean_over(self.cosines.T, ~self.own.T)

    def classes(self) -> npt.NDArray[np.str_]:
        """Captions of the same recordings are of one class, ``(captions,)``."""
        return np.array([" ".join(map(str, np.flatnonzero(row))) for row in self.own])

    def similarity(self) -> Values:
        """Mean cosine with its own captions, ``(recordings,)``."""
        return mean_over(self.cosines, self.own)


@dataclass(frozen=True, slots=True)
class _Recordings:
    """Recordings that were heard, in one order."""

    recordings: tuple[Recording, ...]
    sound: dict[str, Values]
    source: npt.NDArray[np.str_]
    data_set: npt.NDArray[np.str_]
    kind: npt.NDArray[np.str_]
    """Which captions are its own: recordings of one class are of one kind."""
    author: npt.NDArray[np.str_]


def analyse_model(
    manifest: Manifest,
    heard: Mapping[str, EmbeddedRecording],
    texts: Texts,
    features: Mapping[str, CaptionFeatures],
    seed: int,
) -> ModelFindings:
    """Bias of the model's similarities on the recordings of a manifest.

    Raises:
        ValueError: no recording was heard that has a caption of its own.
    """
    left_out: list[str] = []
    known = _known(manifest, heard)
    if not known.recordings:
        raise ValueError("no recording of the manifest has a caption of its own and was heard")
    embeddings = np.stack([heard[clip.id].embedding for clip in known.recordings])
    scores = {
        language: _scores(manifest, language, known, texts, embeddings)
        for language in sorted({caption.language for caption in manifest.captions})
    }
    return ModelFindings(
        recordings=len(known.recordings),
        sources=len(np.unique(known.source)),
        sound=_of_sound(known, scores, seed, left_out),
        captions=_of_captions(manifest, scores, features, seed, left_out),
        kinds=_by_kind(manifest, scores, seed),
        sets=tuple(
            mean_of_sources(
                f"{name}, {language}", score.margin(), known.source, known.data_set == name, seed
            )
            for name in dict.fromkeys(known.data_set.tolist())
            for language, score in scores.items()
            if np.isfinite(score.margin()[known.data_set == name]).any()
        ),
        languages=_languages(known, scores, seed),
        classes=_classes(manifest, known, scores),
        authors=_authors(known, scores, seed, left_out),
        left_out=tuple(left_out),
    )


def _known(manifest: Manifest, heard: Mapping[str, EmbeddedRecording]) -> _Recordings:
    captions: dict[str, list[str]] = {}
    for caption, recording in sorted(manifest.positives()):
        captions.setdefault(recording, []).append(caption)
    kept = tuple(clip for clip in manifest.recordings if clip.id in heard and clip.id in captions)
    sound = {
        name: np.array([getattr(heard[clip.id].sound, field) for clip in kept], dtype=np.float64)
        for field, name in PROPERTIES.items()
    }
    return _Recordings(
        recordings=kept,
        sound=sound,
        source=np.array([clip.source for clip in kept], dtype=np.str_),
        data_set=np.array([clip.id.partition("/")[0] for clip in kept], dtype=np.str_),
        kind=np.array(["\n".join(captions[clip.id]) for clip in kept], dtype=np.str_),
        author=np.array([clip.attribution.partition(",")[0] for clip in kept], dtype=np.str_),
    )


def _scores(
    manifest: Manifest, language: str, known: _Recordings, texts: Texts, embeddings: FloatArray
) -> _Scores:
    captions = [caption for caption in manifest.captions if caption.language == language]
    rows = texts.joint[[texts.place[caption.text] for caption in captions]]
    positives = manifest.positives()
    own = np.array(
        [[(c.id, r.id) in positives for r in known.recordings] for c in captions], dtype=np.bool_
    )
    return _Scores((rows @ embeddings.T).astype(np.float64), own)


def _of_sound(
    known: _Recordings, scores: Mapping[str, _Scores], seed: int, left_out: list[str]
) -> tuple[Finding, ...]:
    found: list[tuple[str, str, Association]] = []
    for language, score in scores.items():
        margin = score.margin()
        told = np.isfinite(margin)
        # A class of one recording is at its own mean, whatever its sound.
        inside = told & of_several(known.kind, told)
        for name, values in known.sound.items():
            for outcome, rows in (("all", told), ("within class", inside)):
                x, y, source = values[rows], margin[rows], known.source[rows]
                if outcome == "within class" and rows.any():
                    x, y = centred_within(x, known.kind[rows]), centred_within(y, known.kind[rows])
                if rows.any() and can_vary(x, source) and can_vary(y, source):
                    found.append(
                        (name, f"{language}, {outcome}", spearman(x, y, source, seed=seed))
                    )
                else:
                    left_out.append(f"{name}, {language}, {outcome}: too few sources, or all alike")
    return corrected(found)


def _of_captions(
    manifest: Manifest,
    scores: Mapping[str, _Scores],
    features: Mapping[str, CaptionFeatures],
    seed: int,
    left_out: list[str],
) -> tuple[Finding, ...]:
    """Captions of one class and kind against each other: what makes one of them fit better."""
    found: list[tuple[str, str, Association]] = []
    for language, score in scores.items():
        captions = [c for c in manifest.captions if c.language == language]
        fits, classes = score.fits(), score.classes()
        # Onomatopoeia alone and names of classes are another matter than sentences.
        kind = np.char.add(np.char.add(_kinds(captions), " "), classes)
        told = np.isfinite(fits)
        told &= of_several(kind, told)
        columns = caption_columns([features[c.text] for c in captions])
        for name, column in columns.items():
            if not told.any() or not can_vary(column[told], kind[told]):
                left_out.append(f"{name}, {language} captions: no class with two of them")
                continue
            x, y = centred_within(column[told], kind[told]), centred_within(fits[told], kind[told])
            if can_vary(x, kind[told]):
                found.append((name, language, spearman(x, y, kind[told], seed=seed)))
    return corrected(found)


def _kinds(captions: Sequence[Caption]) -> npt.NDArray[np.str_]:
    """The part of an id that says what a caption is: ``esc50-40/onomatopoeia/7``; or nothing."""
    parts = [caption.id.split("/") for caption in captions]
    return np.array([part[1] if len(part) > 2 else "" for part in parts], dtype=np.str_)  # noqa: PLR2004


def _by_kind(manifest: Manifest, scores: Mapping[str, _Scores], seed: int) -> tuple[Mean, ...]:
    """Margins of captions by kind, of the classes that have captions of several kinds."""
    found = []
    for language, score in scores.items():
        captions = [c for c in manifest.captions if c.language == language]
        kinds, classes, fits = _kinds(captions), score.classes(), score.fits()
        several = {name for name in classes.tolist() if len(set(kinds[classes == name])) > 1}
        asked = np.isfinite(fits) & np.isin(classes, sorted(several))
        found += [
            mean_of_sources(f"{kind}, {language}", fits, classes, asked & (kinds == kind), seed)
            for kind in dict.fromkeys(kinds[asked].tolist())
        ]
    return tuple(found)


def _languages(known: _Recordings, scores: Mapping[str, _Scores], seed: int) -> tuple[Mean, ...]:
    margins = {language: score.margin() for language, score in scores.items()}
    both = np.all([np.isfinite(margin) for margin in margins.values()], axis=0)
    if len(margins) < 2 or not both.any():  # noqa: PLR2004 - a comparison needs two
        return ()
    found = [
        mean_of_sources(name, margin, known.source, both, seed) for name, margin in margins.items()
    ]
    names = list(margins)
    for at, first in enumerate(names):
        for second in names[at + 1 :]:
            difference = margins[first] - margins[second]
            label = f"{first} less {second}"
            found.append(mean_of_sources(label, difference, known.source, both, seed))
    return tuple(found)


def _classes(
    manifest: Manifest, known: _Recordings, scores: Mapping[str, _Scores]
) -> tuple[tuple[str, float, float], ...]:
    if not {"en", "ja"} <= scores.keys():
        return ()
    english, japanese = scores["en"].margin(), scores["ja"].margin()
    texts = {caption.id: caption.text for caption in manifest.captions}
    found = []
    for kind in dict.fromkeys(known.kind.tolist()):
        own = (known.kind == kind) & np.isfinite(english) & np.isfinite(japanese)
        if int(own.sum()) >= _FEWEST_OF_CLASS:
            # The class's own name is the caption that stands under .../class/.
            ids = kind.split("\n")
            name = next((texts[caption] for caption in ids if "/class/" in caption), texts[ids[0]])
            found.append((name, float(english[own].mean()), float(japanese[own].mean())))
    return tuple(found)


def _authors(
    known: _Recordings, scores: Mapping[str, _Scores], seed: int, left_out: list[str]
) -> tuple[tuple[str, int, Effect], ...]:
    found = []
    for language, score in scores.items():
        margin = score.margin()
        for name in dict.fromkeys(known.data_set.tolist()):
            own = np.isfinite(margin) & (known.data_set == name)
            # In a class that one author recorded there is nothing to compare authors by.
            own &= of_several_authors(known.kind, known.author, own)
            label = f"{name}, {language}"
            if not own.any():
                left_out.append(f"authors of {label}: no class that several recorded")
                continue
            centred = np.full(len(own), np.nan)
            centred[own] = centred_within(margin[own], known.kind[own])
            own &= of_several(known.author, own, _FEWEST_OF_AUTHOR)
            authors = len(np.unique(known.author[own]))
            try:
                found.append(
                    (label, authors, share_between(centred[own], known.author[own], seed=seed))
                )
            except ValueError as error:
                left_out.append(f"authors of {label}: {error}")
    return tuple(found)
