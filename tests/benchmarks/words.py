"""What words find, by recordings that nothing was learned from: tables of docs/benchmarks.md.

    python -m tests.benchmarks.words --data FOLDER [--bundle BUNDLE] [--weight 0 0.3 1]
        [--heard "0 dB" "30 dB quieter"]

Each recording is heard as the box hears it; its score is that of its highest window, told in
standard deviations over the bundle's ordinary sound. Only test recordings of the frozen split.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.bundle import loading as bundles
from agent.encoder.text import embed_texts
from agent.matcher.matcher import Contrast, Described, Matcher
from export.learned import WEIGHT
from tests.benchmarks.few_shot_methods import EmbeddingCache
from tests.benchmarks.few_shot_sounds import Condition, Sounds
from training.data import takes
from training.data.audioset import load_classes
from training.data.captions import read_captions
from training.data.lexicon import read_lexicon
from training.data.readers import effects
from training.data.readers.registry import data_sets
from training.data.records import Split
from training.data.sentences import LANGUAGES
from training.data.wordings import take_meanings
from training.train.learned import LearnedConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.core.records import FloatArray, Views
    from training.data.takes import Take

TASKS = Path(__file__).with_name("words_tasks.csv")
CONDITIONS = (Condition.CLEAN, Condition.SNR_10)
_DRAWN, _DRAWS, _SEED = 45, 40, 7
_TOP = 10
_OTHERS_ALARM = 0.99


@dataclass(frozen=True)
class Task:
    """Texts, and recordings of which each is of one of them."""

    name: str
    texts: dict[str, tuple[str, ...]]
    """By language, in the order of the classes."""
    takes: tuple[Take, ...]
    truth: np.ndarray[tuple[int], np.dtype[np.intp]]


@dataclass(frozen=True)
class Figures:
    """How well texts and recordings find each other."""

    right_first: float
    """Of 45 texts, or all if there are fewer, the right one scores highest."""
    mean_average_precision: float
    """Of the ten best recordings of each text."""
    recall: float
    """Of a text's recordings, at a threshold that 1 % of the others reach."""


def tasks(data: Path) -> Iterator[Task]:
    """All of them, from the test recordings of the frozen split."""
    known = takes.read(data, Split.TEST)
    lexicon = read_lexicon([sound.name for sound in load_classes(data)])
    captions = read_captions(data_sets())
    effect = tuple(take for take in known if take.data_set in effects.SETS)
    with TASKS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in dict.fromkeys(row["task"] for row in rows):
        own = [row for row in rows if row["task"] == name]
        owner = {label: at for at, row in enumerate(own) for label in row["labels"].split("|")}
        chosen = tuple(take for take in effect if take.label in owner)
        texts = {language: tuple(row[language] for row in own) for language in LANGUAGES}
        yield Task(name, texts, chosen, np.array([owner[take.label] for take in chosen]))
    for name, sets in (
        ("effects", effects.SETS),
        ("everyday-cc", ("everyday-cc",)),
        ("esc50-40, fold 5", ("esc50-40",)),
    ):
        chosen = tuple(take for take in known if take.data_set in sets)
        meant = take_meanings(chosen, lexicon, captions)
        texts = {
            language: tuple(meaning.wordings[language][0] for meaning in meant.meanings)
            for language in LANGUAGES
        }
        yield Task(name, texts, chosen, meant.of_take)


def figures(scores: FloatArray, truth: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Figures:
    """Of ``(recordings, texts)``."""
    rng, texts = np.random.default_rng(_SEED), scores.shape[1]
    first = []
    for _ in range(_DRAWS if texts > _DRAWN else 1):
        drawn = rng.permutation(texts)[:_DRAWN]
        rows = np.isin(truth, drawn)
        first.append(float((drawn[scores[rows][:, drawn].argmax(axis=1)] == truth[rows]).mean()))
    precision, recall = [], []
    for text in range(texts):
        own = truth == text
        best = np.argsort(-scores[:, text], kind="stable")[:_TOP]
        found = own[best]
        places = np.arange(1, len(best) + 1)
        precision.append(float((found.cumsum() / places)[found].sum() / min(_TOP, own.sum())))
        threshold = np.quantile(scores[~own, text], _OTHERS_ALARM)
        recall.append(float((scores[own, text] > threshold).mean()))
    return Figures(float(np.mean(first)), float(np.mean(precision)), float(np.mean(recall)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument(
        "--weight",
        type=float,
        nargs="+",
        help="of the learned head beside the first one, as the bundle has it by default; 0: the "
        "first head alone, 1: both alike",
    )
    parser.add_argument(
        "--heard", type=Condition, nargs="+", choices=tuple(Condition), default=CONDITIONS
    )
    given = parser.parse_args(arguments)
    bundle = bundles.load(given.bundle)
    cache = Path(tempfile.gettempdir()) / "kikimimi-few-shot"
    heard, sounds = EmbeddingCache(bundle, cache), Sounds(given.data)
    contrast = Contrast(
        _none(bundle.manifest.embedding_size), bundle.background(), bundle.foreground()
    )
    sys.stdout.write(f"{bundle.manifest.name} {bundle.manifest.version}\n")
    sys.stdout.write(
        "| task | texts | recordings | heard | language | weight | right first | mAP@10 "
        "| recall at 1 % |\n"
    )
    sys.stdout.write("|---|---|---|---|---|---|---|---|---|\n")
    for task in tasks(given.data):
        for condition in given.heard:
            views = [heard.hear(sounds.heard(take, condition)) for take in task.takes]
            heard.keep()
            for language in LANGUAGES:
                texts = embed_texts(bundle, task.texts[language], cache / "texts")
                for weight in given.weight or [WEIGHT]:
                    weighed = _weighed(texts, weight)
                    found = figures(_scores(weighed, contrast, views), task.truth)
                    count = len(Counter(task.truth.tolist()))
                    sys.stdout.write(
                        f"| {task.name} | {count} | {len(views)} | {condition} | {language} "
                        f"| {weight:g} | {found.right_first:.3f} "
                        f"| {found.mean_average_precision:.3f} | {found.recall:.3f} |\n"
                    )
                    sys.stdout.flush()
    return 0


def _weighed(texts: FloatArray, weight: float) -> FloatArray:
    """Texts with another weight of the learned head, unit length, ``(texts, embedding_size)``."""
    if weight == WEIGHT:
        return texts
    parts = texts.copy()
    parts[:, -LearnedConfig().size :] *= weight / WEIGHT
    unit: FloatArray = parts / np.linalg.norm(parts, axis=1, keepdims=True)
    return unit


def _scores(texts: FloatArray, contrast: Contrast, views: Sequence[Views]) -> FloatArray:
    """Of each recording its highest window's, ``(recordings, texts)``."""
    none = _none(texts.shape[1])
    described = [Described(str(number), text[None], none) for number, text in enumerate(texts)]
    matcher = Matcher.build(described, contrast)
    rows = [matcher.statistics.scores(matcher.compare(heard)[1]).max(axis=0) for heard in views]
    return np.stack(rows)


def _none(size: int) -> FloatArray:
    return np.empty((0, size), np.float32)


if __name__ == "__main__":
    sys.exit(main())
