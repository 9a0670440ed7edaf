"""The experiment: every arm trains, is judged and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.data.records import Caption, Manifest, Pair, Recording, Split
from training.evaluation.evaluate import Key, Measured, Results
from training.evaluation.figures import figures
from training.evaluation.report import RESULTS, Evaluation, write
from training.studies.joint_loss import report
from training.studies.joint_loss.pool import MAP, NDCG, pool
from training.studies.joint_loss.run import ARMS, BINARY, CONTINUOUS, EVALUATION, START, Plan
from training.train.config import Ratings, TrainConfig, Weighting

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

_QUERIES = 60
_SEEDS = (0, 1)


def test_arms_differ_in_the_objective_alone(tmp_path: Path) -> None:
    """Same steps, rates and batches; folders of their own."""
    base = TrainConfig(steps=7)
    configs = {arm.name: arm.config(base, 3, tmp_path) for arm in ARMS}
    assert len({one.output for one in configs.values()}) == len(ARMS)
    assert {(one.steps, one.seed, one.batch, one.optimiser) for one in configs.values()} == {
        (7, 3, base.batch, base.optimiser)
    }
    assert configs[BINARY].learn.ratings is Ratings.NONE
    assert not configs[CONTINUOUS].learn.labels
    assert configs["joint-ramp"].loss.weighting is Weighting.RAMP


def _manifest() -> Manifest:
    """Two captions fit each recording: they are one group."""
    names = [f"set/{at}" for at in range(_QUERIES // 2)]
    return Manifest(
        tuple(Recording(one, f"{one}.flac", one, Split.TEST) for one in names),
        tuple(Caption(f"c{at}", f"text {at}", "en") for at in range(_QUERIES)),
        tuple(Pair(f"c{at}", names[at // 2], True, "class label") for at in range(_QUERIES)),
    )


def _judged(plan: Plan, arm: str, seed: int, better: float) -> None:
    """An evaluation whose values are ``better`` than those of the start."""
    rng = np.random.default_rng(5)
    measured = []
    for measure in (MAP, NDCG):
        values = 0.4 + 0.2 * rng.random(_QUERIES) + better
        values += 0.01 * np.random.default_rng(seed).standard_normal(_QUERIES)
        key = Key("set", "en", measure.task, measure.direction, measure.metric, "all", "clean")
        queries = tuple(f"c{at}" for at in range(_QUERIES))
        measured.append(Measured(key, queries, values, 0.1))
    results = (Results(arm, tuple(measured)),)
    write(
        Evaluation(
            "made here", "test", seed, ((arm, "0"),), 30, results, figures(results[0]), (), (), ()
        ),
        plan.folder(arm, seed) / EVALUATION,
    )


def _plan(folder: Path, better: dict[str, float]) -> Plan:
    plan = Plan(TrainConfig(output=folder), _SEEDS, folder)
    _judged(plan, START, 0, 0.0)
    for arm in plan.arms:
        for seed in _SEEDS:
            _judged(plan, arm.name, seed, better.get(arm.name, 0.0))
    return plan


def test_what_is_better_is_found_and_what_is_not_is_not(tmp_path: Path) -> None:
    """Of one arm that is better and one that is alike."""
    plan = _plan(tmp_path, {"joint-ramp": 0.1})
    pairs = [("joint-ramp", BINARY), ("joint-constant", BINARY)]
    pooled = pool(plan, _manifest(), pairs)
    ramp, constant = (
        next(one for one in pooled.differences if (one.arm, one.measure) == (arm, MAP.name))
        for arm, _ in pairs
    )
    assert ramp.interval.mean == pytest.approx(0.1)
    assert ramp.interval.low > 0.0
    assert (ramp.better_seeds, ramp.p_holm < 0.01) == (2, True)
    assert constant.interval.mean == pytest.approx(0.0)
    assert constant.p == 1.0


def test_captions_of_the_same_recordings_are_one_group(tmp_path: Path) -> None:
    """Two captions about one sound are not two pieces of evidence."""
    pooled = pool(_plan(tmp_path, {}), _manifest(), [(CONTINUOUS, BINARY)])
    assert pooled.queries[MAP.name] == _QUERIES
    assert pooled.groups[MAP.name] == _QUERIES // 2


def test_report_says_what_the_numbers_say(tmp_path: Path) -> None:
    """Better where the interval excludes zero, worse likewise, and not sure otherwise."""
    plan = _plan(tmp_path, {"joint-ramp": 0.1, "joint-constant": -0.1})
    pairs = [(arm.name, BINARY) for arm in ARMS if arm.joint]
    report.write(plan, pool(plan, _manifest(), pairs), "made by a test", tmp_path / "docs")
    text = (tmp_path / "docs" / report.REPORT).read_text(encoding="utf-8")
    assert "**joint-ramp** is better than binary by mAP@10 (+0.100" in text
    assert "**joint-constant** is worse than binary by mAP@10 (-0.100" in text
    assert "**joint-uncertainty** is not surely better or worse than binary" in text
    assert "simulated" in text
    drawn = sorted(one.name for one in (tmp_path / "docs" / "figures").iterdir())
    assert drawn == ["joint-loss-differences.png", "joint-loss-reached.png"]


def test_missing_training_is_named(tmp_path: Path) -> None:
    """A report of half an experiment would not say so."""
    plan = _plan(tmp_path, {})
    (plan.folder(BINARY, 1) / EVALUATION / RESULTS).unlink()
    with pytest.raises(FileNotFoundError, match="binary/1"):
        pool(plan, _manifest(), [(CONTINUOUS, BINARY)])
