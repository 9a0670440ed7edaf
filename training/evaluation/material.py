"""Everything that a model is asked on a split, decoded and put in order once for all models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agent.core.records import FloatArray
from training.data.arrays import Mask
from training.data.cache import Unreadable
from training.data.records import Caption, Manifest, Recording, Split
from training.evaluation.classes import TEXTS, Classes, ClassText, parse_classes
from training.evaluation.tasks import (
    ClassNames,
    Graded,
    Neighbours,
    Onomatopoeia,
    Queries,
    Retrieval,
    Task,
)
from training.ratings.lists import RatedList, matrix, rated_lists

_ONE_SET = "recordings"
"""What recordings are called whose ids begin with no data set."""


@dataclass(frozen=True, slots=True)
class Material:
    """Recordings and texts, and what is asked about them."""

    recordings: tuple[str, ...]
    """Ids."""
    log_mels: tuple[FloatArray, ...]
    """Of each, ``(n_mels, n_frames)``."""
    texts: tuple[str, ...]
    """Each once."""
    tasks: tuple[Task, ...]
    unreadable: tuple[Unreadable, ...] = ()
    """Recordings that are missing here."""
    notes: tuple[str, ...] = ()
    """What else is not asked, and why."""


def data_set_of(recording: str) -> str:
    """The data set of a recording: what its id begins with, up to ``/``."""
    name, slash, _ = recording.partition("/")
    return name if slash else _ONE_SET


def recordings_of(
    manifest: Manifest, split: Split, sets: Sequence[str] | None = None
) -> tuple[Recording, ...]:
    """The recordings of a split.

    Args:
        manifest: what there is.
        split: which part of it.
        sets: of these data sets only; of all if ``None``.

    Raises:
        ValueError: there are none, or none of one of the data sets.
    """
    found = [clip for clip in manifest.recordings if clip.split is split]
    known = Counter(data_set_of(clip.id) for clip in found)
    for name in sets or ():
        if name not in known:
            listed = ", ".join(known) or "nothing"
            raise ValueError(f"--sets: {name!r} has no recording in {split}; it holds {listed}")
    if not found:
        raise ValueError(f"the manifest has no recording in {split}; name another split")
    return tuple(clip for clip in found if sets is None or data_set_of(clip.id) in sets)


def material_of(
    manifest: Manifest,
    recordings: Iterable[Recording],
    log_mels: Mapping[str, FloatArray],
    *,
    left_out: Sequence[str] = (),
    unreadable: Iterable[Unreadable] = (),
) -> Material:
    """What is asked about recordings.

    Args:
        manifest: that they are of; captions and classes of other splits' recordings are what
            there is to choose from, besides their own.
        recordings: see :func:`recordings_of`.
        log_mels: by id of the recording; one that is missing could not be read and is left out.
        left_out: classes that were left out of the training, or one file of them, see
            :func:`training.evaluation.classes.parse_classes`; they are reported apart.
        unreadable: why recordings are missing.

    Raises:
        ValueError: nothing can be asked, or a class is unknown.
    """
    read = [clip.id for clip in recordings if clip.id in log_mels]
    builder = _Builder(manifest, read)
    if left_out:
        builder.leave_out(left_out)
    tasks = tuple(builder.tasks())
    if not tasks:
        raise ValueError("nothing can be asked: no caption and no rating fits these recordings")
    return Material(
        recordings=tuple(read),
        log_mels=tuple(log_mels[name] for name in read),
        texts=tuple(builder.texts),
        tasks=tasks,
        unreadable=tuple(unreadable),
        notes=tuple(builder.notes),
    )


class _Builder:
    """Builds the tasks data set by data set, and collects the texts that they need."""

    def __init__(self, manifest: Manifest, read: list[str]) -> None:
        self.texts: dict[str, int] = {}
        self.notes: list[str] = []
        self._manifest = manifest
        self._positives = positives = manifest.fitting()
        self._columns = {name: at for at, name in enumerate(read)}
        self._sets: dict[str, list[str]] = {}
        for name in read:
            self._sets.setdefault(data_set_of(name), []).append(name)
        self._classes = {name: Classes.of(manifest, positives, name) for name in self._sets}
        self._out: frozenset[str] = frozenset()
        self._lists = rated_lists(manifest.ratings)

    def leave_out(self, given: Sequence[str]) -> None:
        """Note the recordings of some classes."""
        for data_set, name in parse_classes(given, self._classes.values()):
            self._out |= self._classes[data_set].recordings[name]

    def tasks(self) -> Iterator[Task]:
        """All tasks that have a query."""
        for data_set, names in self._sets.items():
            recordings = self._recordings(names)
            everything = {clip.id for clip in self._manifest.recordings}
            own = {name for name in everything if data_set_of(name) == data_set}
            here = frozenset(names)
            captions = [
                caption for caption in self._manifest.captions if self._belongs(caption, own, here)
            ]
            spoken = {path.suffixes[0][1:] for path in TEXTS.glob(f"{data_set}.*.yaml")}
            for language in sorted({caption.language for caption in captions} | spoken):
                spelt = [caption for caption in captions if caption.language == language]
                yield from self._retrieval(data_set, language, spelt, recordings)
                yield from self._told_apart(data_set, language, spelt, recordings)
            yield from self._graded(data_set, recordings)
            yield from self._neighbours(data_set, captions, recordings)

    def _belongs(self, caption: Caption, own: set[str], here: frozenset[str]) -> bool:
        """Whether a caption is there to choose from among a set's.

        One that was written for a recording goes with it; one of a class is its set's.
        """
        if caption.recording is not None:
            return caption.recording in here
        return not own.isdisjoint(self._positives.get(caption.id, frozenset()))

    def _retrieval(
        self, data_set: str, language: str, captions: list[Caption], recordings: Queries
    ) -> Iterator[Task]:
        relevant = self._relevant(captions, recordings)
        if relevant.any():
            texts = self._queries(
                [(caption.id, caption.text) for caption in captions], relevant, recordings
            )
            yield Retrieval(data_set, language, texts, recordings, relevant)

    def _told_apart(
        self, data_set: str, language: str, captions: list[Caption], recordings: Queries
    ) -> Iterator[Task]:
        classes = self._classes[data_set]
        names = classes.names(captions, self._positives, language)
        task = self._class_names(ClassNames.name, data_set, language, names, recordings)
        if task is not None:
            yield task
        imitated = classes.onomatopoeia(captions, self._positives, language)
        task = self._class_names(Onomatopoeia.name, data_set, language, imitated, recordings)
        if task is not None:
            yield Onomatopoeia(task)

    def _class_names(
        self,
        kind: str,
        data_set: str,
        language: str,
        texts: tuple[ClassText, ...],
        recordings: Queries,
    ) -> ClassNames | None:
        """``None`` where there are not two classes to choose from, or no recording of one."""
        classes = list(dict.fromkeys(text.class_name for text in texts))
        own = self._classes[data_set].recordings
        right = np.array(
            [
                [name in own.get(class_name, ()) for class_name in classes]
                for name in recordings.names
            ],
            dtype=np.bool_,
        ).reshape(len(recordings.names), len(classes))
        asked = np.flatnonzero(right.any(axis=1))
        if len(classes) < 2 or not len(asked):  # noqa: PLR2004 - a choice
            return None
        silent = {recordings.names[at] for at in np.flatnonzero(~right.any(axis=1))}
        if silent:
            nameless = [name for name, members in own.items() if members & silent]
            self.notes.append(
                f"{data_set}, {language}: {len(silent)} recordings are not told apart by {kind}, "
                f"for {len(nameless)} classes have none: {', '.join(nameless)}"
            )
        heard = self._recordings([recordings.names[at] for at in asked])
        by_id = {text.id: text.text for text in texts}
        whose = {(text.id, text.class_name) for text in texts}
        about = np.array([[(key, name) in whose for name in classes] for key in by_id])
        # A text of configs/evaluation is no caption: it fits all of its class.
        fits = np.stack(
            [
                self._fitting(key, heard, right[asked] @ row)
                for key, row in zip(by_id, about, strict=True)
            ]
        )
        rows = self._queries(list(by_id.items()), fits, heard)
        return ClassNames(data_set, language, rows, about, fits, heard, right[asked])

    def _fitting(self, caption: str, heard: Queries, of_class: Mask) -> Mask:
        """Which recordings a caption fits, ``(recordings,)``; those of its class if it is none."""
        fitting = self._positives.get(caption)
        if fitting is None:
            return of_class
        return np.array([name in fitting for name in heard.names], dtype=np.bool_)

    def _graded(self, data_set: str, recordings: Queries) -> Iterator[Task]:
        """One task a language and kind of rating."""
        captions = {caption.id: caption for caption in self._manifest.captions}
        position = {name: at for at, name in enumerate(recordings.names)}
        groups: dict[tuple[str, str], list[RatedList]] = {}
        for own in self._lists:
            if sum(name in position for name in own.recordings) > 1:
                language = captions[own.caption].language
                groups.setdefault((language, own.kind), []).append(own)
        for (language, _), lists in sorted(groups.items()):
            ratings = matrix(lists, position)
            rated = ~np.isnan(ratings)
            ratings = np.nan_to_num(ratings)
            texts = [(rated.caption, captions[rated.caption].text) for rated in lists]
            rows = self._queries(texts, ratings > 0.0, recordings)
            kind = lists[0].kind
            yield Graded(data_set, language, kind, rows, recordings, ratings, rated)

    def _neighbours(
        self, data_set: str, captions: list[Caption], recordings: Queries
    ) -> Iterator[Task]:
        shared = self._relevant(captions, recordings).astype(np.float32)
        alike = shared.T @ shared > 0.0
        np.fill_diagonal(alike, val=False)
        if alike.any():
            yield Neighbours(data_set, recordings, alike)

    def _relevant(self, captions: list[Caption], recordings: Queries) -> Mask:
        position = {name: at for at, name in enumerate(recordings.names)}
        relevant = np.zeros((len(captions), len(position)), dtype=np.bool_)
        for row, caption in enumerate(captions):
            fitting = self._positives.get(caption.id, frozenset())
            relevant[row, [position[name] for name in fitting if name in position]] = True
        return relevant

    def _recordings(self, names: list[str]) -> Queries:
        at = np.array([self._columns[name] for name in names], dtype=np.intp)
        left_out = np.array([name in self._out for name in names], dtype=np.bool_)
        return Queries(tuple(names), at, left_out)

    def _queries(
        self, texts: list[tuple[str, str]], relevant: Mask, recordings: Queries
    ) -> Queries:
        """Texts as queries; left out where all that fits is."""
        at = [self.texts.setdefault(text, len(self.texts)) for _, text in texts]
        outside = (relevant & ~recordings.left_out).any(axis=1)
        return Queries(
            tuple(name for name, _ in texts),
            np.array(at, dtype=np.intp),
            np.asarray(relevant.any(axis=1) & ~outside),
        )
