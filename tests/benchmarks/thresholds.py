"""What the descriptions of configs/ raise on recordings, threshold by threshold.

    python -m tests.benchmarks.thresholds --data FOLDER [--bundle BUNDLE] [--threshold 3.8 4.3]
        [--split test]

On validation recordings a bundle's threshold is chosen, on test recordings it is judged. *Found*:
recordings of a description's labels (see thresholds_takes.csv) whose highest window reaches the
threshold. *False*: descriptions that recordings of no such label raise.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent import descriptions
from agent.bundle import loading as bundles
from agent.encoder.text import embed_texts
from agent.matcher.matcher import Contrast, Described, Matcher
from tests.benchmarks.few_shot_methods import ROOT, EmbeddingCache
from tests.benchmarks.few_shot_sounds import Condition, Sounds
from training.data import takes
from training.data.records import Split
from training.data.sentences import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray

LABELS = Path(__file__).with_name("thresholds_takes.csv")
CONDITIONS = (Condition.CLEAN, Condition.SNR_10)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--threshold", type=float, nargs="+", help="by default the bundle's")
    parser.add_argument(
        "--split", type=Split, choices=(Split.VALIDATION, Split.TEST), default=Split.VALIDATION
    )
    given = parser.parse_args(arguments)
    bundle = bundles.load(given.bundle)
    thresholds = given.threshold or [bundle.manifest.tuning.threshold]
    cache = Path(tempfile.gettempdir()) / "kikimimi-few-shot"
    heard, sounds = EmbeddingCache(bundle, cache), Sounds(given.data)
    known = takes.read(given.data, given.split)
    sys.stdout.write(f"{bundle.manifest.name} {bundle.manifest.version}\n")
    sys.stdout.write("| heard | language | threshold | found | false |\n|---|---|---|---|---|\n")
    for condition in CONDITIONS:
        views = [heard.hear(sounds.heard(take, condition)) for take in known]
        heard.keep()
        for language in LANGUAGES:
            matcher, ids = _matcher(bundle, language, cache)
            scores = np.stack([matcher.compare(some)[1].max(axis=0) for some in views])
            scores = matcher.statistics.scores(scores)
            own = _own([take.label for take in known], ids)
            for threshold in thresholds:
                reached = scores >= threshold
                found = reached[own >= 0, own[own >= 0]]
                sys.stdout.write(
                    f"| {condition} | {language} | {threshold:g} | {found.sum()} of {len(found)} "
                    f"| {reached[own < 0].sum()} on {(own < 0).sum()} |\n"
                )
                sys.stdout.flush()
    return 0


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
    contrast = Contrast(embedded(known.background), bundle.background())
    return Matcher.build(described, contrast), [error.error_id for error in known.errors]


def _own(labels: Sequence[str], ids: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
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
