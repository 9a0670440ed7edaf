"""What the descriptions of configs/ raise on recordings, threshold by threshold.

    python -m tests.benchmarks.thresholds --data FOLDER [--bundle BUNDLE] [--threshold 3.8 4.3]
        [--split test] [--rules]

On validation recordings a bundle's threshold is chosen, on test recordings it is judged. *Found*:
recordings of a description's labels (see thresholds_takes.csv) whose highest window reaches the
threshold. *False*: descriptions that recordings of no such label raise. ``--rules``: what is found
where the same share of false ones is raised, by other ways to make scores of the same embeddings.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent import descriptions
from agent.bundle import loading as bundles
from agent.encoder.text import embed_texts
from agent.matcher.matcher import Contrast, Described, Matcher
from agent.matcher.prototypes import CONTRAST
from tests.benchmarks.few_shot_methods import ROOT, EmbeddingCache
from tests.benchmarks.few_shot_sounds import Condition, Sounds
from training.data import takes
from training.data.records import Split
from training.data.sentences import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray, Views
    from agent.matcher.recordings import Rows

LABELS = Path(__file__).with_name("thresholds_takes.csv")
CONDITIONS = (Condition.CLEAN, Condition.SNR_10)
RULES = tuple(product((0.0, 0.5, 0.75), (1.0, 0.5, 0.3, 0.0)))
"""Share of the sounds that stand out among those that scores are told in, and of the contrast."""
_FALSE_SHARES = (0.002, 0.01)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--threshold", type=float, nargs="+", help="by default the bundle's")
    parser.add_argument(
        "--split", type=Split, choices=(Split.VALIDATION, Split.TEST), default=Split.VALIDATION
    )
    parser.add_argument("--rules", action="store_true")
    given = parser.parse_args(arguments)
    bundle = bundles.load(given.bundle)
    thresholds = given.threshold or [bundle.manifest.tuning.threshold]
    cache = Path(tempfile.gettempdir()) / "kikimimi-few-shot"
    heard, sounds = EmbeddingCache(bundle, cache), Sounds(given.data)
    known = takes.read(given.data, given.split)
    sys.stdout.write(f"{bundle.manifest.name} {bundle.manifest.version}\n")
    head = [
        "share that stands out",
        "contrast",
        *(f"found at {one:.1%} false" for one in _FALSE_SHARES),
    ]
    head = ["heard", "language", *(head if given.rules else ["threshold", "found", "false"])]
    sys.stdout.write(f"| {' | '.join(head)} |\n{'|---' * len(head)}|\n")
    for condition in CONDITIONS:
        views = [heard.hear(sounds.heard(take, condition)) for take in known]
        heard.keep()
        for language in LANGUAGES:
            matcher, ids = _matcher(bundle, language, cache)
            own = _own([take.label for take in known], ids)
            if given.rules:
                for rule in RULES:
                    scores = _scores_by(rule, matcher, bundle, views)
                    found = " | ".join(map(str, _found_at(scores, own)))
                    sys.stdout.write(
                        f"| {condition} | {language} | {rule[0]:g} | {rule[1]:g} | {found} |\n"
                    )
                continue
            scores = np.stack([matcher.compare(some)[1].max(axis=0) for some in views])
            scores = matcher.statistics.scores(scores)
            for threshold in thresholds:
                reached = scores >= threshold
                found = reached[own >= 0, own[own >= 0]]
                sys.stdout.write(
                    f"| {condition} | {language} | {threshold:g} | {found.sum()} of {len(found)} "
                    f"| {reached[own < 0].sum()} on {(own < 0).sum()} |\n"
                )
                sys.stdout.flush()
    return 0


def _scores_by(
    rule: tuple[float, float], matcher: Matcher, bundle: Bundle, views: Sequence[Views]
) -> FloatArray:
    """Of each recording the highest window's, ``(recordings, descriptions)``."""
    share, contrast = rule

    texts = matcher.prototypes

    def margins(joint: FloatArray) -> FloatArray:
        best, margin = texts.reduce(joint @ texts.embeddings.T)
        return best - contrast / CONTRAST * (best - margin)

    others = [margins(some) for some in (bundle.background().joint, bundle.foreground())]
    shares = (1.0 - share, share)
    mean = sum(own * one.mean(axis=0) for own, one in zip(shares, others, strict=True))
    variance = sum(
        own * np.square(one - mean).mean(axis=0) for own, one in zip(shares, others, strict=True)
    )
    scores: FloatArray = np.stack(
        [((margins(some.joint) - mean) / np.sqrt(variance)).max(axis=0) for some in views]
    )
    return scores


def _found_at(scores: FloatArray, own: Rows) -> list[int]:
    """How many are found where each share of the false pairs is raised."""
    right = scores[own >= 0, own[own >= 0]]
    thresholds = np.quantile(scores[own < 0], [1.0 - share for share in _FALSE_SHARES])
    return [int((right > threshold).sum()) for threshold in thresholds]


def _matcher(bundle: Bundle, language: str, cache: Path) -> tuple[Matcher, list[str]]:
    """Of the descriptions of configs/, and their ids in order."""
    known = descriptions.load(ROOT / f"configs/descriptions.{language}.yaml")

    def embedded(texts: Sequence[str]) -> FloatArray:
        if not texts:
            return np.empty((0, bundle.manifest.embedding_size), np.float32)
        return embed_texts(bundle, texts, cache / "texts")

    described = [
        Described(
            error.error_id, embedded([error.text, *error.paraphrases]), embedded(error.unlike)
        )
        for error in known.errors
    ]
    contrast = Contrast(embedded(known.background), bundle.background(), bundle.foreground())
    return Matcher.build(described, contrast), [error.error_id for error in known.errors]


def _own(labels: Sequence[str], ids: Sequence[str]) -> Rows:
    """The description that each label is of; -1 where it is of none."""
    with LABELS.open(encoding="utf-8", newline="") as file:
        owner = {
            label: ids.index(row["error_id"])
            for row in csv.DictReader(file)
            for label in row["labels"].split("|")
        }
    return np.array([owner.get(label, -1) for label in labels])


if __name__ == "__main__":
    sys.exit(main())
