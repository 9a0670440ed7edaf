"""Labels of the box: what people answered to its alerts, as a data set; see docs/labels.md.

What cannot be learned from (no clip, unsure, people who differ) is counted and told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agent.core.errors import Problem
from training.data.manifest import ManifestError
from training.data.readers.label_lines import Label, Verdict, parse_labels
from training.data.readers.splits import by_hash
from training.data.records import Caption, Manifest, Pair, Rating, RatingKind, Recording

NAME = "labels"
_HASH_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Disputed:
    """A clip of which people said different things; to be listened to again."""

    clip: str
    description: str
    verdicts: tuple[tuple[str, Verdict], ...]
    """Each operator's last."""

    def __str__(self) -> str:
        said = ", ".join(f"{operator} says {verdict}" for operator, verdict in self.verdicts)
        return f"{self.clip}: {said} of {self.description!r}; listen again and decide"


@dataclass(frozen=True, slots=True)
class LabelSet:
    """What the training learns from labels, and what it does not."""

    manifest: Manifest
    labels: int
    without_clip: int
    """Labels whose sound was not kept: nothing to learn from."""
    unsure: int
    """Answers that were neither yes nor no."""
    changed: int
    """Answers that the same operator changed later: the last one counts."""
    disputed: tuple[Disputed, ...]

    def summary(self) -> tuple[str, ...]:
        """Lines that tell what was not used, and why."""
        told = (
            f"{self.labels} labels: {self.without_clip} without a clip and {self.unsure} unsure "
            f"are not used, {self.changed} were changed later by who gave them, "
            f"{len(self.disputed)} pairs are left out because people differ"
        )
        return (told, *(f"people differ: {clip}" for clip in self.disputed))


def read(folders: Iterable[Path]) -> LabelSet:
    """The labels of one or several exports as one data set.

    Raises:
        FileNotFoundError: a folder has no ``labels.jsonl``.
        ManifestError: a label is wrong, stands twice, or two disagree about where a clip is from;
            one problem each, with file, line and field.
    """
    problems: list[Problem] = []
    gathered = _Gathered(problems)
    ids: dict[str, str] = {}
    for folder in folders:
        for label in parse_labels(folder, problems):
            if before := ids.get(label.label_id):
                found = f"{label.label_id!r} stands at {before} too"
                problems.append(Problem(f"{label.where} label_id", found, "delete one of the two"))
            ids[label.label_id] = label.where
            gathered.add(label, folder)
    if problems:
        raise ManifestError(problems)
    return gathered.result()


class _Gathered:
    """Takes labels one by one, and puts together what they say of each clip and text."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._recordings: dict[str, Recording] = {}
        self._captions: dict[str, Caption] = {}
        self._places: dict[str, tuple[str, str]] = {}
        self._answers: dict[tuple[str, str], list[Label]] = {}
        self._labels = self._without_clip = 0

    def add(self, label: Label, folder: Path) -> None:
        """Take a label of a folder."""
        self._labels += 1
        if label.clip is None:
            self._without_clip += 1
            return
        path = (folder / label.clip).resolve().as_posix()
        name = label.clip.removeprefix("clips/").removesuffix(".flac")
        identity = f"{NAME}/{label.site}/{label.node}/{name}"
        for key in (path, identity):
            place, before = self._places.setdefault(key, (label.place, label.where))
            if place != label.place:
                found = f"{label.clip!r} is of {label.place} here and of {place} at {before}"
                remedy = "give each sound a clip of its own"
                self._problems.append(Problem(f"{label.where} clip", found, remedy))
                return
        # All that one site heard on one day is in one split: two microphones hear the same bang.
        split = by_hash(f"{NAME}/{label.site}/{label.started_at:%Y-%m-%d}")
        recording = Recording(identity, path, f"{NAME}/{label.place}", split)
        self._recordings.setdefault(identity, recording)
        digest = hashlib.sha256(label.description.encode()).hexdigest()[:_HASH_CHARACTERS]
        caption = Caption(f"{NAME}/{label.language}/{digest}", label.description, label.language)
        self._captions.setdefault(caption.id, caption)
        self._answers.setdefault((caption.id, identity), []).append(label)

    def result(self) -> LabelSet:
        """The data set, and what of the labels is not in it."""
        pairs: list[Pair] = []
        ratings: list[Rating] = []
        disputed: list[Disputed] = []
        unsure = changed = 0
        for key, labels in self._answers.items():
            verdicts: dict[str, Verdict] = {}
            relevances: dict[str, float] = {}
            for answer in sorted(labels, key=lambda label: (label.judged_at, label.label_id)):
                before = (verdicts.get(answer.operator), relevances.get(answer.operator))
                if answer.verdict is not None:
                    verdicts[answer.operator] = answer.verdict
                if answer.relevance is not None:
                    relevances[answer.operator] = answer.relevance
                after = (verdicts.get(answer.operator), relevances.get(answer.operator))
                changed += any(b not in {None, a} for b, a in zip(before, after, strict=True))
            ratings += [Rating(*key, value, o, RatingKind.HUMAN) for o, value in relevances.items()]
            unsure += sum(verdict is Verdict.UNSURE for verdict in verdicts.values())
            decided = {o: v for o, v in verdicts.items() if v is not Verdict.UNSURE}
            if len(set(decided.values())) > 1:
                clip, text = self._recordings[key[1]].path, self._captions[key[0]].text
                disputed.append(Disputed(clip, text, tuple(decided.items())))
                continue
            pairs += [
                Pair(*key, label=verdict is Verdict.CONFIRM, provenance=f"verdict of {operator}")
                for operator, verdict in decided.items()
            ]
        manifest = Manifest(
            tuple(self._recordings.values()),
            tuple(self._captions.values()),
            tuple(pairs),
            tuple(ratings),
        )
        return LabelSet(
            manifest, self._labels, self._without_clip, unsure, changed, tuple(disputed)
        )
