"""Intervals and comparisons of what was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.training.evaluation.world import CLEAN, Bands, Deaf, Guessing, material
from training.evaluation.evaluate import Results, evaluate
from training.evaluation.figures import compare, figures
from training.evaluation.significance import bootstrap_interval, holm, paired_permutation

pytestmark = pytest.mark.torch


def test_each_figure_is_a_mean_with_the_interval_of_its_queries() -> None:
    """As the functions for one measure give it."""
    results = evaluate(Guessing(1), material(), CLEAN, model="m")
    for figure, one in zip(figures(results, seed=3), results.measured, strict=True):
        interval = bootstrap_interval(one.values, seed=3)
        assert (figure.key, figure.model, figure.n) == (one.key, "m", len(one.values))
        assert figure.mean == pytest.approx(interval.mean)
        assert (figure.low, figure.high) == pytest.approx((interval.low, interval.high))


def test_a_model_against_itself() -> None:
    """No difference, and nothing that would make one likely."""
    results = evaluate(Guessing(1), material(), CLEAN, model="m")
    found = compare(results, [replace(results, model="same")])
    assert len(found) == len(results.measured)
    for one in found:
        assert (one.difference, one.low, one.high, one.p, one.p_holm) == (0.0, 0.0, 0.0, 1.0, 1.0)


def test_a_better_model_is_found_out() -> None:
    """Signs, p-values and their adjustment over both opponents together."""
    asked = material()
    best, deaf, other = (
        evaluate(model, asked, CLEAN, model=name)
        for model, name in ((Bands(), "best"), (Deaf(), "deaf"), (Guessing(2), "guessing"))
    )
    found = compare(best, [deaf, other], seed=1)
    assert len(found) == 2 * len(best.measured)
    top = next(one for one in found if one.key.metric == "top-1")
    assert top.difference == pytest.approx(5 / 6)
    assert top.low is not None
    assert top.low > 0.5
    assert top.p_holm is not None
    assert top.p_holm < 0.05
    values = [
        next(one.values for one in results.measured if one.key == top.key)
        for results in (best, deaf)
    ]
    assert top.p == paired_permutation(*values, seed=1, resamples=100_000)
    adjusted = holm([one.p for one in found if one.p is not None])
    assert [one.p_holm for one in found] == pytest.approx(adjusted.tolist())
    back = compare(deaf, [best], seed=1)
    assert [one.difference for one in back] == [-one.difference for one in found[: len(back)]]


def test_a_single_query_has_no_interval() -> None:
    """And is no comparison."""
    results = evaluate(Bands(), material(), CLEAN, model="m")
    one = results.measured[0]
    single = Results("m", (replace(one, queries=one.queries[:1], values=one.values[:1]),))
    (figure,) = figures(single)
    assert (figure.n, figure.low, figure.high) == (1, None, None)
    (comparison,) = compare(single, [replace(single, model="o")])
    assert (comparison.difference, comparison.p, comparison.p_holm) == (0.0, None, None)


def test_models_that_were_asked_other_things_are_not_compared() -> None:
    """Nothing is paired by position alone."""
    results = evaluate(Bands(), material(), CLEAN, model="a")
    other = replace(results, model="b", measured=results.measured[1:])
    with pytest.raises(ValueError, match="a and b were asked different things"):
        compare(results, [other])
    shuffled = [replace(one, queries=one.queries[::-1]) for one in results.measured]
    with pytest.raises(ValueError, match="different things"):
        compare(results, [Results("b", tuple(shuffled))])


def test_conditions_are_paired_with_themselves() -> None:
    """Values of one condition are never set against another's."""
    results = evaluate(Bands(), material(), CLEAN, model="a")
    renamed = [replace(one, key=replace(one.key, condition="snr0")) for one in results.measured]
    with pytest.raises(ValueError, match="different things"):
        compare(results, [Results("b", tuple(renamed))])
    assert np.isfinite([one.mean for one in figures(results)]).all()
