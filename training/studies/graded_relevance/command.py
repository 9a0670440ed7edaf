"""``python -m training graded-relevance``: what people's ratings add to pairs, in a text head."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

import numpy as np

from training.data.arguments import add_folders, whole
from training.data.arrays import Values
from training.data.progress import shown
from training.data.records import Split
from training.evaluation.metrics import kendall_tau, ndcg_at
from training.studies.comparison import differences, reached
from training.studies.graded_relevance.material import Lists, read
from training.studies.graded_relevance.report import REPORT, Findings, write
from training.studies.graded_relevance.text_head import (
    ARMS,
    BINARISED,
    BINARY,
    CONTINUOUS,
    JOINT,
    fit,
    scored,
    untrained,
)

START = "start"
RANDOM, PAIRED_FIRST = "random order", "paired first, others in random order"
_DEPTHS = (5, 10, 17)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training graded-relevance``."""
    parser.add_argument("--seeds", type=whole(1), default=5)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="may be deleted")
    parser.add_argument("--docs", type=Path, help="where the report goes; the output if left out")
    add_folders(parser, output="runs/graded-relevance")


def run(arguments: argparse.Namespace) -> int:
    """Fit every arm with every seed, judge on the evaluation split, write."""
    material = read(arguments.data, arguments.cache)
    lists = material.lists[Split.TEST]
    values: dict[tuple[str, str], list[Values]] = {}
    for name, scores in (
        (RANDOM, np.zeros(lists.ratings.shape)),
        (PAIRED_FIRST, lists.paired.astype(np.float64)),
        (START, scored(untrained(material), lists)),
    ):
        _judge(values, name, scores, lists)
    tried = [(arm, seed) for arm in ARMS for seed in range(arguments.seeds)]
    for arm, seed in shown(tried, "fitting", len(tried)):
        _judge(values, arm.name, scored(fit(arm, material, seed), lists), lists)
    joint = [(arm, single) for arm in JOINT for single in (BINARY, CONTINUOUS)]
    against = [(BINARY, START), (CONTINUOUS, START), (BINARY, PAIRED_FIRST), *joint]
    findings = Findings(
        command=f"python -m training {shlex.join(sys.argv[1:])}",
        seeds=arguments.seeds,
        lists={split: len(own) for split, own in material.lists.items()},
        recordings=len(material.pairs),
        reached=reached(values),
        differences=differences(values, [*against, (CONTINUOUS, BINARISED)]),
    )
    folder: Path = arguments.docs or arguments.output
    write(findings, folder)
    print(f"wrote {folder / REPORT}")
    return 0


def _judge(
    values: dict[tuple[str, str], list[Values]], arm: str, scores: Values, lists: Lists
) -> None:
    """Add one value a list for each measure.

    *Others* leaves out the recording that the caption was written for, which is rated highest in
    most lists: what is left is order among recordings that fit more or less.
    """
    others = lists.rated & ~lists.paired
    found = {
        f"nDCG@{depth}": ndcg_at(scores, lists.ratings, depth, rated=lists.rated)
        for depth in _DEPTHS
    }
    found["nDCG@10 of others"] = ndcg_at(scores, lists.ratings, 10, rated=others)
    found["Kendall's tau"] = kendall_tau(scores, lists.ratings, lists.rated)
    for measure, own in found.items():
        values.setdefault((arm, measure), []).append(own)
