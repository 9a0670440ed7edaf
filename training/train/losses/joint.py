"""The joint loss: how much the labels and how much the ratings count, and when.

``L = binary weight · InfoNCE + continuous weight · ListNet``. A step that has no pairs or no
rated lists leaves that term out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Weights:
    """What each term is multiplied by; written to the training's log."""

    binary: float
    continuous: float


class JointLoss(nn.Module, ABC):
    """One way of weighing the two terms. May have parameters: give them to the optimiser."""

    def forward(self, binary: Tensor | None, continuous: Tensor | None, progress: float) -> Tensor:
        """The loss of one step.

        Args:
            binary: InfoNCE, a scalar; ``None`` where the step has no pairs.
            continuous: ListNet, a scalar; ``None`` where the step has no rated list.
            progress: of the whole training, 0 to 1.

        Raises:
            ValueError: the step has neither, or the progress is outside 0 to 1.
        """
        if not 0.0 <= progress <= 1.0:
            raise ValueError(f"progress of the training is {progress}; write 0 to 1")
        terms = self._terms(binary, continuous, progress)
        if not terms:
            raise ValueError("a step has neither pairs nor rated lists; leave it out")
        return torch.stack(terms).sum()

    @abstractmethod
    def weights(self, progress: float) -> Weights:
        """The weights at a progress of 0 to 1."""

    def _terms(
        self, binary: Tensor | None, continuous: Tensor | None, progress: float
    ) -> list[Tensor]:
        now = self.weights(progress)
        pairs = ((binary, now.binary), (continuous, now.continuous))
        return [weight * term for term, weight in pairs if term is not None]


class ConstantWeights(JointLoss):
    """The same weights from first to last; with a weight of 0 one term alone."""

    def __init__(self, binary: float = 1.0, continuous: float = 1.0) -> None:
        super().__init__()
        self._weights = Weights(
            _not_negative("binary", binary), _not_negative("continuous", continuous)
        )

    def weights(self, progress: float) -> Weights:  # noqa: ARG002 - constant
        """The weights that it was made with."""
        return self._weights


class RampWeights(JointLoss):
    """Binary first, continuous later: straight from one pair of weights to another.

    Labels are many and rough, ratings few and fine: what a sound is comes before how well it
    fits.
    """

    def __init__(
        self,
        first: Weights = Weights(binary=1.0, continuous=0.0),
        last: Weights = Weights(binary=0.5, continuous=1.0),
        start: float = 0.2,
        end: float = 0.6,
    ) -> None:
        """Up to ``start`` the first weights count, from ``end`` on the last ones."""
        super().__init__()
        if not 0.0 <= start <= end <= 1.0:
            raise ValueError(f"ramp from {start} to {end}; write 0 <= start <= end <= 1")
        for weights in (first, last):
            _not_negative("binary", weights.binary)
            _not_negative("continuous", weights.continuous)
        self._first = first
        self._last = last
        self._start = start
        self._end = end

    def weights(self, progress: float) -> Weights:
        """The weights between the first and the last."""
        if progress <= self._start:
            return self._first
        if progress >= self._end:
            return self._last
        done = (progress - self._start) / (self._end - self._start)
        return Weights(
            self._first.binary + done * (self._last.binary - self._first.binary),
            self._first.continuous + done * (self._last.continuous - self._first.continuous),
        )


class UncertaintyWeights(JointLoss):
    """Weights learned from how noisy each term is.

    Kendall, Gal and Cipolla, "Multi-task learning using uncertainty to weigh losses", CVPR 2018.
    Both terms are cross-entropies, so each enters as ``L / σ² + log σ``; learned is
    ``log σ²``, which keeps the weight positive.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_variance_binary = nn.Parameter(torch.zeros(()))
        self.log_variance_continuous = nn.Parameter(torch.zeros(()))

    def weights(self, progress: float) -> Weights:  # noqa: ARG002 - learned
        """The weights as they are learned so far."""
        return Weights(
            float(torch.exp(-self.log_variance_binary.detach())),
            float(torch.exp(-self.log_variance_continuous.detach())),
        )

    def _terms(
        self,
        binary: Tensor | None,
        continuous: Tensor | None,
        progress: float,  # noqa: ARG002 - learned
    ) -> list[Tensor]:
        pairs = ((binary, self.log_variance_binary), (continuous, self.log_variance_continuous))
        # Without its term a variance would only be driven down: it is left out with it.
        return [torch.exp(-log) * term + log / 2.0 for term, log in pairs if term is not None]


def _not_negative(name: str, weight: float) -> float:
    if not 0.0 <= weight < float("inf"):
        raise ValueError(f"{name} weight is {weight}; write 0 or more")
    return weight
