"""A person who rates how well a caption fits a recording with a slider from 0 to 100.

The model, for a pair whose relevance is ``u`` (1: like a recording and the caption that was
written for it, 0: like two that were put together at random):

1. What the pair means to people in general is ``t = u + spread * e``, the same for all raters.
2. A rater feels ``y = t + bias + noise * e``, anew each time, the bias being the rater's own.
3. The slider stands at 0 and is left there where ``y <= low``; at 100 where ``y >= high``; between
   them at ``100 ((y - low) / (high - low)) ** curve``, in whole numbers.
4. With the probability ``tens`` it is put on a multiple of ten. Where it would stand at 0 it is
   moved a little all the same with the probability ``stray``, to a geometric number of mean
   ``stray_size``. With the probability ``untouched`` it is left at 0 whatever was heard.

A published rating of the graded relevances is the mean of several people. Its distribution
follows by convolution, so that the numbers can be fitted to people: see rater_fit.py.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from training.data.arrays import Values
from training.data.files import write_json
from training.data.records import HIGHEST_RATING, LOWEST_RATING

RESOURCE = Path(__file__).parents[1] / "resources" / "rater.json"
FIT_COMMAND = "python -m training rate --fit"
_STOPS = 101
"""Places of the slider: 0 to 100."""
_TEN = 10.0
_PROBABILITY, _WIDTH = (0.0, 1.0), (1e-4, 100.0)
_BOUNDS = {
    "low": (-100.0, 100.0),
    "high": (-100.0, 100.0),
    "curve": _WIDTH,
    "noise": _WIDTH,
    "untouched": _PROBABILITY,
    "tens": _PROBABILITY,
    "stray": _PROBABILITY,
    "stray_size": (1.0, HIGHEST_RATING),
    "spread": _WIDTH,
    "spread_known": _WIDTH,
    "semantic": _WIDTH,
    "bias_share": _PROBABILITY,
}
"""What numbers of the file may be."""


@dataclass(frozen=True, slots=True)
class RaterModel:
    """People with a slider; numbers are in units of relevance unless said otherwise."""

    low: float
    """Felt relevance up to which the slider stays at 0."""
    high: float
    """Felt relevance from which it stands at 100."""
    curve: float
    """Exponent between the two; below 1 the slider rises early."""
    noise: float
    """Standard deviation of what raters feel about one pair, biases included."""
    untouched: float
    """Probability of a slider that is left at 0 whatever was heard."""
    tens: float
    """Probability of a slider that is put on a multiple of ten."""
    stray: float
    """Probability of a slider that is moved a little although nothing fits."""
    stray_size: float
    """How far it is moved then on average, in points of 100."""
    spread: float
    """Standard deviation of what a pair means to people where only its texts are known."""
    spread_known: float
    """Standard deviation of it where the caption was written for the recording."""
    semantic: float
    """Exponent that brings similarity in the ontology to the scale of relevance."""
    bias_share: float = 0.25
    """Share of the noise's variance that is the rater's own bias. Assumed: the published ratings
    do not tell raters apart."""

    def feel(self, relevance: Values, rng: np.random.Generator) -> Values:
        """What pairs of known contents mean to people in general, same shape."""
        drawn: Values = relevance + self.spread_known * rng.standard_normal(relevance.shape)
        return drawn

    def rate(self, meant: Values, bias: float | Values, rng: np.random.Generator) -> Values:
        """Where a rater puts the slider, whole numbers from 0 to 100, same shape.

        Args:
            meant: what the pairs mean to people, see :meth:`feel`.
            bias: of the rater, see :func:`draw_raters`.
            rng: where every draw comes from.
        """
        own = self.noise * np.sqrt(1.0 - self.bias_share)
        felt = meant + bias + own * rng.standard_normal(meant.shape)
        slider = np.floor(self.slider(felt) + 0.5)
        tens = _TEN * np.floor(slider / _TEN + 0.5)
        slider = np.where(rng.random(meant.shape) < self.tens, tens, slider)
        little = np.minimum(rng.geometric(1.0 / self.stray_size, meant.shape), HIGHEST_RATING)
        moved = (slider == LOWEST_RATING) & (rng.random(meant.shape) < self.stray)
        slider = np.where(moved, little, slider)
        return np.where(rng.random(meant.shape) < self.untouched, LOWEST_RATING, slider)

    def slider(self, felt: Values) -> Values:
        """The slider before it snaps to whole numbers; never falls where ``felt`` rises."""
        part = np.clip((felt - self.low) / (self.high - self.low), 0.0, 1.0)
        return LOWEST_RATING + (HIGHEST_RATING - LOWEST_RATING) * part**self.curve

    def one_rating(self, meant: Values) -> Values:
        """Probability of each rating by one person, ``(pairs, 101)``, of ``(pairs,)``."""
        stops = (np.arange(1, _STOPS) - 0.5) / (_STOPS - 1)
        edges = self.low + (self.high - self.low) * stops ** (1.0 / self.curve)
        below = special.ndtr((edges - meant[:, None]) / self.noise)
        exact = np.diff(below, axis=1, prepend=0.0, append=1.0)
        tens = (_TEN * np.floor(np.arange(_STOPS) / _TEN + 0.5)).astype(int)
        rounded = np.zeros_like(exact)
        np.add.at(rounded.T, tens, exact.T)
        moved = (1.0 - self.tens) * exact + self.tens * rounded
        little = (1.0 - 1.0 / self.stray_size) ** np.arange(_STOPS)
        moved[:, 1:] += self.stray * moved[:, :1] * -np.diff(np.append(little[:-1], 0.0))
        moved[:, 0] *= 1.0 - self.stray
        probabilities: Values = (1.0 - self.untouched) * moved
        probabilities[:, 0] += self.untouched
        return probabilities

    def save(self, path: Path = RESOURCE) -> None:
        """Write the numbers and the command that makes them."""
        values = {name: round(value, 4) for name, value in asdict(self).items()}
        write_json(path, {"made_by": FIT_COMMAND, **values})


def load_model(path: Path = RESOURCE) -> RaterModel:
    """The fitted model.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it does not hold the model's numbers; names the field.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: is missing; run `{FIT_COMMAND}`")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: is no JSON ({error}); run `{FIT_COMMAND}`") from error
    names = [field.name for field in fields(RaterModel)]
    for name in names:
        value: Any = stored.get(name) if isinstance(stored, dict) else None
        least, most = _BOUNDS[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and least <= value <= most):
            remedy = f"write a number from {least:g} to {most:g}, or run `{FIT_COMMAND}`"
            raise ValueError(f"{path}: {name} is {value!r}; {remedy}")
    model = RaterModel(**{name: float(stored[name]) for name in names})
    if model.high <= model.low:
        raise ValueError(f"{path}: high is {model.high}; write more than low, {model.low}")
    return model


def mean_of(rating: Values, people: int) -> Values:
    """Probability of the rounded mean of several people's ratings, ``(pairs, 101)``.

    Args:
        rating: of one person's, ``(pairs, 101)``, see :meth:`RaterModel.one_rating`.
        people: how many, independent given what the pair means to people.
    """
    sums = (_STOPS - 1) * people + 1
    length = 1 << (sums - 1).bit_length()
    powers = np.fft.rfft(rating, length, axis=1) ** people
    together = np.fft.irfft(powers, length, axis=1)[:, :sums].clip(min=0.0)
    means = np.floor(np.arange(sums) / people + 0.5).astype(int)
    starts = np.searchsorted(means, np.arange(_STOPS))
    probabilities: Values = np.add.reduceat(together, starts, axis=1)
    return probabilities


@dataclass(frozen=True, slots=True)
class Rater:
    """One simulated person."""

    name: str
    bias: float
    """In units of relevance; positive: finds that more fits."""


def draw_raters(model: RaterModel, count: int, rng: np.random.Generator) -> tuple[Rater, ...]:
    """Raters with biases of their own: ``sim-01``, ``sim-02`` ..."""
    biases = model.noise * np.sqrt(model.bias_share) * rng.standard_normal(count)
    return tuple(Rater(f"sim-{at:02}", float(bias)) for at, bias in enumerate(biases, start=1))
