"""Answers that should be listened to again: sounds like it were answered otherwise.

Each answered sound is held against its nearest neighbours among those of the same description and
bundle, itself left out. Whether their vote is out of the ordinary is decided as in confident
learning (Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset
labels", JAIR 70, 2021): against what sounds with the other answer get on average, so that a
description that is nearly always confirmed is not judged by its majority.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.data.arrays import Values
from training.data.readers.label_lines import Verdict
from training.quality.answers import Item

NEIGHBOURS = 7
_LEAST, _LEAST_EACH = 10, 3
"""Answered sounds of a description, and those of either answer, below which nothing is said."""
_FAR = -2.0
"""Below every cosine."""
_FITS_FROM, _FITS_NOT_UP_TO = 75.0, 25.0
_OF_SUSPECTS = 0.5
_CONTRADICTS = 0.9


@dataclass(frozen=True, slots=True)
class SecondLook:
    """One sound and description that should be answered again."""

    item: Item
    suspicion: float
    """0 to 1; the highest of all reasons."""
    reasons: tuple[str, ...]


def second_look(items: Sequence[Item], suspects: Collection[str] = ()) -> tuple[SecondLook, ...]:
    """What should be listened to again, the most suspicious first.

    Args:
        items: what was answered.
        suspects: people whose answers alone are no answer.
    """
    reasons: dict[int, list[tuple[float, str]]] = {}
    for at, item in enumerate(items):
        reasons.setdefault(at, []).extend(_by_itself(item, suspects))
    for at, suspicion, reason in _by_neighbours(items, suspects):
        reasons[at].append((suspicion, reason))
    found = [
        SecondLook(
            items[at],
            round(max(suspicion for suspicion, _ in told), 4),
            tuple(reason for _, reason in told),
        )
        for at, told in reasons.items()
        if told
    ]
    return tuple(sorted(found, key=lambda suspect: -suspect.suspicion))


def _by_itself(item: Item, suspects: Collection[str]) -> Iterator[tuple[float, str]]:
    """What is odd about the answers to one sound."""
    said = item.decided
    yes = sum(said.values())
    if 0 < yes < len(said):
        told = ", ".join(f"{name} says {item.verdicts[name]}" for name in said)
        yield 2.0 * min(yes, len(said) - yes) / len(said), f"people differ: {told}"
    if said and said.keys() <= set(suspects):
        yield _OF_SUSPECTS, f"answered by nobody but {', '.join(said)}"
    for name, rating in item.ratings.items():
        verdict = item.verdicts.get(name)
        low = verdict is Verdict.CONFIRM and rating <= _FITS_NOT_UP_TO
        if low or (verdict is Verdict.REJECT and rating >= _FITS_FROM):
            yield _CONTRADICTS, f"{name} says {verdict} and rates it {rating:g}"


def _by_neighbours(
    items: Sequence[Item], suspects: Collection[str]
) -> Iterator[tuple[int, float, str]]:
    groups: dict[tuple[str, str], list[int]] = {}
    for at, item in enumerate(items):
        # Where nobody but suspects has answered, their word is better than none.
        if item.embedding is not None and _held(item, suspects) is not None:
            groups.setdefault((item.description, item.bundle), []).append(at)
    for own in groups.values():
        fits = np.array([bool(_held(items[at], suspects)) for at in own])
        if len(own) < _LEAST or min(fits.sum(), (~fits).sum()) < _LEAST_EACH:
            continue
        embeddings = np.stack(
            [one for at in own if (one := items[at].embedding) is not None]
        ).astype(np.float64)
        votes, near = vote(embeddings, fits, [items[at].heard for at in own])
        for row in np.flatnonzero(unlikely(votes, fits)):
            against = 1.0 - votes[row] if fits[row] else votes[row]
            other = Verdict.REJECT if fits[row] else Verdict.CONFIRM
            count = int((fits[near[row]] != fits[row]).sum())
            reason = f"{count} of the {len(near[row])} sounds most like it: {other}"
            yield own[row], float(against), reason


def _held(item: Item, suspects: Collection[str]) -> bool | None:
    """What most say, suspects only where there is nobody else."""
    found = item.majority(suspects)
    return item.majority() if found is None and item.decided.keys() <= set(suspects) else found


def vote(
    embeddings: Values, fits: npt.NDArray[np.bool_], heard: Sequence[str]
) -> tuple[Values, list[npt.NDArray[np.intp]]]:
    """How much each sound's neighbours say that the description fits, it itself left out.

    Args:
        embeddings: unit length, ``(sounds, dim)``.
        fits: bool ``(sounds,)``.
        heard: which sound each is; the same one is no neighbour of itself.

    Returns:
        Shares of the vote, near ones counting more, ``(sounds,)``; and the neighbours of each.
    """
    cosine = embeddings @ embeddings.T
    same = np.array(heard, dtype=object)
    cosine[same[:, None] == same[None, :]] = _FAR
    shares, neighbours = np.zeros(len(fits)), []
    base = float(fits.mean())
    for row, own in enumerate(cosine):
        near = np.argsort(-own, kind="stable")[: min(NEIGHBOURS, len(own) - 1)]
        near = near[own[near] > _FAR]
        weights = 1.0 / (1.0 + np.arange(len(near)))
        # One vote for what is usual: three neighbours of one mind are no certainty.
        last = 1.0 / (1.0 + len(near))
        shares[row] = (weights @ fits[near] + last * base) / (weights.sum() + last)
        neighbours.append(near)
    return shares, neighbours


def unlikely(votes: Values, fits: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Answers that the neighbours contradict as clearly as they support the other answer.

    Args:
        votes: share that the description fits, ``(sounds,)``.
        fits: what was answered; both answers stand among them.
    """
    usual_yes, usual_no = float(votes[fits].mean()), float(1.0 - votes[~fits].mean())
    found: npt.NDArray[np.bool_] = np.where(
        fits,
        (1.0 - votes >= usual_no) & (votes < usual_yes),
        (votes >= usual_yes) & (1.0 - votes < usual_no),
    )
    return found
