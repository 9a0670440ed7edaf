"""How much a number of rare events tells of their rate: exact bounds of Poisson's distribution.

Garwood, Biometrika 28, 1936. Needs no SciPy: the counts are small and the box has NumPy alone.
"""

from __future__ import annotations

import math

CONFIDENCE = 0.9
"""With which a promise of false alarms is made, one-sided."""
DAY_H = 24.0

_HALVINGS = 80


def cdf(count: int, mean: float) -> float:
    """Probability of at most so many events where ``mean`` are expected."""
    if count < 0:
        return 0.0
    if mean <= 0.0:
        return 1.0
    logs = [k * math.log(mean) - mean - math.lgamma(k + 1.0) for k in range(count + 1)]
    most = max(logs)
    return min(1.0, math.exp(most) * math.fsum(math.exp(log - most) for log in logs))


def upper(count: int, confidence: float = CONFIDENCE) -> float:
    """Largest mean that is not refuted by so few events: the one-sided upper bound."""
    low, high = float(count), count + 10.0 * math.sqrt(count + 1.0) + 20.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if cdf(count, middle) > 1.0 - confidence else (low, middle)
    return high


def lower(count: int, confidence: float = CONFIDENCE) -> float:
    """Smallest mean that is not refuted by so many events; 0 for none."""
    if count == 0:
        return 0.0
    low, high = 0.0, float(count)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if cdf(count - 1, middle) > confidence else (low, middle)
    return low


def allowed(mean: float, confidence: float = CONFIDENCE, dispersion: float = 1.0) -> int | None:
    """Most events that may be seen where a mean is still promised; ``None``: not even none.

    The (k + 1)-th largest of all maxima is then a threshold whose rate is at most the wanted
    one, with this confidence and whatever the distribution of scores: an order statistic, as
    in conformal prediction.

    Args:
        mean: promised.
        confidence: one-sided.
        dispersion: so many events come together, and count as one.
    """
    clusters = mean / dispersion
    if upper(0, confidence) > clusters:
        return None
    low, high = 0, int(clusters) + 1
    while low < high:
        middle = (low + high + 1) // 2
        enough = upper(middle, confidence) <= clusters
        low, high = (middle, high) if enough else (low, middle - 1)
    return int(low * dispersion)


def hours_needed(per_day: float, confidence: float = CONFIDENCE) -> float:
    """Hours of background without an event after which a rate can be promised."""
    return upper(0, confidence) * DAY_H / per_day


def promise(hours: float, confidence: float = CONFIDENCE) -> float:
    """Lowest rate a day that so many hours can promise without any assumption."""
    return math.inf if hours <= 0.0 else upper(0, confidence) * DAY_H / hours
