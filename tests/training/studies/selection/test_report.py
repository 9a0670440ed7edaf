"""The report on the selection: its numbers follow from what was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.training.studies.selection.world import small_world
from training.data.markdown import document
from training.data.records import Split
from training.ratings.selection import Rule
from training.studies.selection.command import RULES, measure
from training.studies.selection.report import Measured, tables, write
from training.studies.selection.simulation import Look, Plan

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


def looks(*ndcg: float) -> list[Look]:
    """Looks at 0, 10 and 30 ratings, each rating 50."""
    marks = (0, 10, 30)
    return [
        Look(at, {Split.TEST: one}, 50.0 * at, at / 100)
        for at, one in zip(marks, ndcg, strict=True)
    ]


def test_area_is_the_mean_over_ratings() -> None:
    """A trapezoid from 0 to 10 ratings and one from 10 to 30."""
    measured = Measured.of([looks(0.2, 0.4, 0.6), looks(0.5, 0.5, 0.5)])
    assert measured.ratings == (0, 10, 30)
    assert measured.area(Split.TEST) == pytest.approx([(10 * 0.3 + 20 * 0.5) / 30, 0.5])


def test_tables_tell_differences_of_the_same_seeds() -> None:
    """Seeds that start high do so for every rule: what counts is what a rule adds."""
    starts = np.linspace(0.2, 0.8, 8)
    chance = Measured.of([looks(one, one, one) for one in starts])
    better = Measured.of([looks(one, one + 0.1, one + 0.1) for one in starts])
    own = {Rule.RANDOM: chance, Rule.HIGHEST: better, Rule.MEDOID_HIGHEST: better}
    rows = document(tables(own)).splitlines()
    (row,) = [one for one in rows if one.startswith("| highest | 0.5000 | 0.6000 | 0.6000 |")]
    assert "| 0.5833 | **+0.0833** | [+0.0833, +0.0833] | 0.0078 | 0.0156 |" in row
    (found,) = [one for one in rows if one.startswith("| highest | 50.0 | 50.0 |")]
    assert found == "| highest | 50.0 | 50.0 | 30.0 % |"


def test_report_tells_what_ratings_at_random_would_cost() -> None:
    """What ten chosen ratings teach, random ones teach half-way from 10 to 30."""
    chance = Measured.of([looks(0.2, 0.3, 0.5), looks(0.3, 0.4, 0.6)])
    chosen = Measured.of([looks(0.2, 0.4, 0.5), looks(0.3, 0.5, 0.6)])
    others = dict.fromkeys((Rule.MEDOID_HIGHEST, Rule.HIGHEST), chosen)
    told = " ".join(document(tables({Rule.RANDOM: chance} | others)).split())
    assert "medoid-highest asks for teach as much as about 20 random ones" in told
    assert "After 10 it is better: +0.1000" in told
    assert "After 30 it is not surely different: +0.0000" in told


def test_report_of_a_small_world(tmp_path: Path) -> None:
    """Every rule is run, and every figure that the report shows is there."""
    world = small_world()
    plan = Plan(budgets=(12, 24), first_lists=1, captions=20, seeds=2)
    measured = measure(world, plan)
    assert set(measured) == set(RULES) == set(Rule)
    assert all(one.ndcg[Split.VALIDATION].shape == (2, 3) for one in measured.values())
    starts = [one.ndcg[Split.VALIDATION][:, 0].tolist() for one in measured.values()]
    assert starts == starts[:1] * len(Rule)
    write(measured, world, plan, "the command", tmp_path)
    text = (tmp_path / "selection.md").read_text(encoding="utf-8")
    assert "Made by `the command`" in text
    assert all(f"| {rule} |" in text for rule in Rule)
    for path in ("figures/selection-ndcg.png", "figures/selection-relevance.png"):
        assert f"({path})" in text
        assert (tmp_path / path).read_bytes().startswith(b"\x89PNG")
    again = measure(world, replace(plan, seeds=2))
    assert again[Rule.RANDOM].relevance.tolist() == measured[Rule.RANDOM].relevance.tolist()
