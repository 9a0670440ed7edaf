"""How the two losses are weighed along the training."""

from __future__ import annotations

import math

import pytest
import torch

from training.train.losses.joint import (
    ConstantWeights,
    JointLoss,
    RampWeights,
    UncertaintyWeights,
    Weights,
)

BINARY, CONTINUOUS = torch.tensor(2.0), torch.tensor(3.0)


def test_constant_weights_hold_throughout() -> None:
    """The same sum at the first and at the last step."""
    loss = ConstantWeights(binary=0.5, continuous=2.0)
    assert [float(loss(BINARY, CONTINUOUS, p)) for p in (0.0, 0.4, 1.0)] == [7.0, 7.0, 7.0]


def test_weight_of_nothing_is_one_term_alone() -> None:
    """Binary only and continuous only are constants too."""
    assert float(ConstantWeights(continuous=0.0)(BINARY, CONTINUOUS, 0.5)) == 2.0
    assert float(ConstantWeights(binary=0.0)(BINARY, CONTINUOUS, 0.5)) == 3.0


def test_ramp_goes_from_binary_to_continuous() -> None:
    """Flat, straight, flat; binary first, continuous later."""
    ramp = RampWeights(Weights(1.0, 0.0), Weights(0.5, 2.0), start=0.2, end=0.6)
    assert ramp.weights(0.0) == ramp.weights(0.2) == Weights(1.0, 0.0)
    middle = ramp.weights(0.4)
    assert (middle.binary, middle.continuous) == pytest.approx((0.75, 1.0))
    assert ramp.weights(0.6) == ramp.weights(1.0) == Weights(0.5, 2.0)
    assert float(ramp(BINARY, CONTINUOUS, 0.0)) == 2.0
    assert float(ramp(BINARY, CONTINUOUS, 1.0)) == 7.0


def test_ramp_of_no_length_is_a_step() -> None:
    """Start and end may be the same."""
    ramp = RampWeights(Weights(1.0, 0.0), Weights(0.0, 1.0), start=0.5, end=0.5)
    assert ramp.weights(0.5) == Weights(1.0, 0.0)
    assert ramp.weights(0.51) == Weights(0.0, 1.0)


def test_uncertainty_starts_even() -> None:
    """Variances of one: the plain sum."""
    loss = UncertaintyWeights()
    assert float(loss(BINARY, CONTINUOUS, 0.3).detach()) == 5.0
    assert loss.weights(0.3) == Weights(1.0, 1.0)


def test_uncertainty_is_least_at_twice_the_loss() -> None:
    """``L / s² + log s`` is least where the variance is twice the loss."""
    loss = UncertaintyWeights()
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        loss(BINARY, CONTINUOUS, 0.5).backward()
        optimizer.step()
    assert math.exp(float(loss.log_variance_binary.detach())) == pytest.approx(4.0, rel=1e-3)
    assert math.exp(float(loss.log_variance_continuous.detach())) == pytest.approx(6.0, rel=1e-3)
    assert loss.weights(0.5).binary == pytest.approx(0.25, rel=1e-3)


def test_uncertainty_gradient_is_right_in_float64() -> None:
    """Finite differences agree for both losses and both variances."""
    loss = UncertaintyWeights().double()
    terms = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (2.0, 3.0)]
    variances = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.3, -0.7)]

    def weighed(*values: torch.Tensor) -> torch.Tensor:
        named = {"log_variance_binary": values[2], "log_variance_continuous": values[3]}
        result = torch.func.functional_call(loss, named, (values[0], values[1], 0.5))
        assert isinstance(result, torch.Tensor)
        return result

    assert torch.autograd.gradcheck(weighed, (*terms, *variances))


def test_missing_term_leaves_its_variance_alone() -> None:
    """A step without rated lists must not make the ratings count for more."""
    loss = UncertaintyWeights()
    loss(BINARY, None, 0.5).backward()
    assert loss.log_variance_continuous.grad is None
    assert loss.log_variance_binary.grad is not None


@pytest.mark.parametrize("loss", [ConstantWeights(), RampWeights(), UncertaintyWeights()])
def test_step_may_lack_one_term_but_not_both(loss: JointLoss) -> None:
    """One term alone is weighed as ever; nothing at all is a mistake."""
    now = loss.weights(1.0)
    assert float(loss(BINARY, None, 1.0).detach()) == pytest.approx(2.0 * now.binary)
    assert float(loss(None, CONTINUOUS, 1.0).detach()) == pytest.approx(3.0 * now.continuous)
    with pytest.raises(ValueError, match="neither pairs nor rated lists"):
        loss(None, None, 1.0)


def test_wrong_settings_are_refused() -> None:
    """The message names the number and what to write."""
    with pytest.raises(ValueError, match="binary weight is -1"):
        ConstantWeights(binary=-1.0)
    with pytest.raises(ValueError, match="continuous weight is nan"):
        RampWeights(last=Weights(1.0, math.nan))
    with pytest.raises(ValueError, match=r"ramp from 0\.7 to 0\.2"):
        RampWeights(start=0.7, end=0.2)
    with pytest.raises(ValueError, match=r"progress of the training is 1\.5"):
        ConstantWeights()(BINARY, CONTINUOUS, 1.5)
