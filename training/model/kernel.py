"""Kernel ridge regression from texts to the joint space, over a few landmark texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agent.core.records import FloatArray
from training.data.arrays import Values

# Keeps the landmarks' own kernel invertible.
_JITTER = 1e-8


@dataclass(frozen=True, slots=True)
class KernelFit:
    """A fitted regression: ``targets(x) = k(x, landmarks) @ coefficients + intercept``."""

    mean: Values
    """Subtracted from text embeddings before they are brought to unit length."""
    landmarks: Values
    """Unit vectors, shape ``(landmarks, text_size)``."""
    coefficients: Values
    """Shape ``(landmarks, targets)``."""
    intercept: Values
    temperature: float

    def predict(self, embeddings: FloatArray) -> Values:
        """Targets of text embeddings, shape ``(texts, targets)``."""
        centred = centre(embeddings, self.mean)
        kernel = radial(centred, self.landmarks, self.temperature)
        return kernel @ self.coefficients + self.intercept


def centre(embeddings: FloatArray, mean: Values) -> Values:
    """Remove what all texts share and bring the rest to unit length."""
    centred = embeddings.astype(np.float64) - mean
    return unit(centred)


def unit(rows: Values) -> Values:
    """Rows at unit length."""
    scaled: Values = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def radial(left: Values, right: Values, temperature: float) -> Values:
    """The radial kernel of unit vectors, ``exp((cos - 1) / temperature)``."""
    return np.exp((left @ right.T - 1.0) / temperature)


def choose_landmarks(rows: Values, count: int, temperature: float) -> npt.NDArray[np.intp]:
    """Indices of the rows that span the kernel best, greedily.

    The pivots of an incomplete Cholesky decomposition (Fine and Scheinberg, JMLR 2001): each is
    the row that those before explain least. Deterministic.
    """
    count = min(count, len(rows))
    unexplained = np.ones(len(rows))
    factor = np.zeros((len(rows), count))
    chosen = np.zeros(count, np.intp)
    for step in range(count):
        pivot = int(np.argmax(unexplained))
        chosen[step] = pivot
        column = radial(rows, rows[pivot : pivot + 1], temperature)[:, 0]
        column -= factor[:, :step] @ factor[pivot, :step]
        factor[:, step] = column / np.sqrt(max(unexplained[pivot], _JITTER))
        unexplained = np.maximum(unexplained - factor[:, step] ** 2, 0.0)
        unexplained[chosen[: step + 1]] = -1.0
    return np.sort(chosen)


def fits(
    embeddings: FloatArray,
    targets: Values,
    weights: Values,
    *,
    landmarks: int,
    temperature: float,
    ridges: Sequence[float],
) -> list[KernelFit]:
    """Fit the regression with each of several regularisations; nearly all of the work is shared.

    Args:
        embeddings: of the texts, shape ``(texts, text_size)``.
        targets: what each text should become, shape ``(texts, targets)``.
        weights: how much each text counts, shape ``(texts,)``.
        landmarks: how many texts span the kernel at most.
        temperature: width of the kernel.
        ridges: regularisations, relative to a text of weight one.
    """
    mean: Values = embeddings.astype(np.float64).mean(axis=0)
    centred = centre(embeddings, mean)
    basis = as_stored(centred[choose_landmarks(centred, landmarks, temperature)])
    intercept: Values = np.average(targets, axis=0, weights=weights)
    kernel = radial(centred, basis, temperature)
    weighted = kernel * weights[:, None]
    penalty = radial(basis, basis, temperature) + _JITTER * np.eye(len(basis))
    gram, moments = kernel.T @ weighted, weighted.T @ (targets - intercept)
    found = []
    for ridge in ridges:
        coefficients = np.linalg.solve(gram + ridge * penalty, moments).astype(np.float64)
        found.append(KernelFit(mean, basis, as_stored(coefficients), intercept, temperature))
    return found


def as_stored(values: Values) -> Values:
    """Rounded to half precision, as the text head is stored: half its size, the same ranks."""
    return values.astype(np.float16).astype(np.float64)
