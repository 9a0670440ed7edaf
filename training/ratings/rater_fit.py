"""The rater fitted to people: the 10,200 graded relevances, of which the texts alone are needed.

How relevant a recording is to a caption is taken from the recording's own captions: the mean
cosine between them and the caption asked for (without that caption itself), in the text tower's
space less the mean of all texts, on a scale where the pairs that belong together average 1 and
the unrelated ones 0. The rater's numbers are those of maximum likelihood on the development
split. Nothing is chosen by the other splits.

Two things about the published means are not published with them and are inferred. The task's page
shows five recordings, a list has 17, of which 15 are candidates: so the paired and the unrelated
recording seem to have been on each of five pages, and their ratings are means of five times as
many people. And how many people a candidate's rating is the mean of: a mixture of one to four.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from training.data.arrays import Values
from training.data.ontology import Ontology
from training.data.readers.tau import Group, published, relevances
from training.data.records import HIGHEST_RATING, LOWEST_RATING, Split
from training.model.text_tower import embed_texts
from training.ratings.raters import RaterModel, mean_of

PEOPLE = (1, 2, 3, 4)
PAGES = 5
"""Pages of the task that a paired or unrelated recording is inferred to have been on."""
_GRID = np.linspace(-3.0, 4.0, 71)
_FLOOR = 1e-3
"""Share of ratings that follow no model: keeps one odd rating from deciding the fit."""

DRAWS = 20
"""Times that every rating is drawn; the table holds the mean."""
_HIGH = 50.0
_NAMES = {Group.PAIRED: "paired", Group.CANDIDATE: "candidate", Group.UNRELATED: "unrelated"}
_QUARTILES = (25, 50, 75)


@dataclass(frozen=True, slots=True)
class RatedPairs:
    """Rated pairs of one split, list after list; arrays are ``(pairs,)``."""

    lists: npt.NDArray[np.str_]
    """Id of the caption."""
    groups: npt.NDArray[np.str_]
    cosines: Values
    ratings: Values

    def of(self, group: Group) -> npt.NDArray[np.bool_]:
        """Which pairs belong to a group."""
        return np.asarray(self.groups == group.value)


@dataclass(frozen=True, slots=True)
class Scale:
    """From cosines to relevance: unrelated pairs average 0 and paired ones 1."""

    unrelated: float
    paired: float

    @classmethod
    def of(cls, pairs: RatedPairs) -> Scale:
        """The scale of a split."""
        return cls(
            float(pairs.cosines[pairs.of(Group.UNRELATED)].mean()),
            float(pairs.cosines[pairs.of(Group.PAIRED)].mean()),
        )

    def relevance(self, pairs: RatedPairs) -> Values:
        """On the scale, ``(pairs,)``; may be below 0 and above 1.

        1 where the caption was written for the recording, whatever its other captions say.
        """
        scaled: Values = (pairs.cosines - self.unrelated) / (self.paired - self.unrelated)
        return np.where(pairs.of(Group.PAIRED), 1.0, scaled)


@dataclass(frozen=True, slots=True)
class Fit:
    """What a fit found."""

    model: RaterModel
    people: Values
    """Shares of ratings that are the mean of :data:`PEOPLE` people."""
    scale: Scale
    log_likelihood: float
    """Mean over ratings, natural logarithm."""

    def with_semantic(self, semantic: float) -> RaterModel:
        """The model, once the ontology's scale is known: see :func:`fit_semantic`."""
        return replace(self.model, semantic=semantic)


def read_pairs(data: Path, cache: Path, split: Split) -> RatedPairs:
    """The rated pairs of a split with the cosines of their texts.

    Args:
        data: the data folder.
        cache: folder of embeddings; the first time they take minutes.
        split: development is ``train`` and evaluation ``test``.
    """
    rated = [relevance for relevance in relevances(data) if relevance.split is split]
    wanted = {pair.recording for pair in rated}
    captions = published(data).captions
    text = {caption.id: caption.text for caption in captions}
    own: dict[str, list[str]] = {}
    for caption in captions:
        if caption.recording in wanted:
            own.setdefault(str(caption.recording), []).append(caption.id)
    used = dict.fromkeys([*(i for ids in own.values() for i in ids), *(r.caption for r in rated)])
    rows = _centred(embed_texts([text[caption] for caption in used], cache).astype(np.float64))
    row = dict(zip(used, rows, strict=True))
    cosines = [
        np.mean([row[pair.caption] @ row[i] for i in own[pair.recording] if i != pair.caption])
        for pair in rated
    ]
    return RatedPairs(
        lists=np.array([pair.caption for pair in rated]),
        groups=np.array([pair.group.value for pair in rated]),
        cosines=np.array(cosines),
        ratings=np.array([pair.rating for pair in rated]),
    )


def fit(pairs: RatedPairs, pages: int = PAGES) -> Fit:
    """Maximum likelihood on the pairs of a split; deterministic."""
    scale = Scale.of(pairs)
    relevance = scale.relevance(pairs)
    start = np.array([0.3, 0.0, 0.0, -1.0, -1.0, -1.0, -3.0, -3.0, -2.0, 2.0, 0.0, 1.0, 0.0])

    def loss(x: Values) -> float:
        return -_log_likelihood(*_unpack(x), relevance, pairs, pages)

    found = optimize.minimize(loss, start, method="L-BFGS-B", options={"maxiter": 200})
    model, people = _unpack(found.x)
    return Fit(model, people, scale, -float(found.fun))


def log_likelihood(fitted: Fit, pairs: RatedPairs, pages: int = PAGES) -> float:
    """Mean over the ratings of another split."""
    relevance = fitted.scale.relevance(pairs)
    return _log_likelihood(fitted.model, fitted.people, relevance, pairs, pages)


def fit_semantic(ontology: Ontology, cache: Path) -> float:
    """The exponent that brings similarity in the ontology to the scale of relevance.

    The names of AudioSet's nodes take the place of captions asked for and their descriptions that
    of a recording's own: for every two nodes the relevance that the cosine tells is compared with
    their similarity in the ontology, by least squares. Here, too, unrelated pairs average 0 and a
    name and its own description 1.
    """
    nodes = list(ontology.nodes.values())
    texts = [*(node.name for node in nodes), *(node.description for node in nodes)]
    rows = embed_texts(texts, cache).astype(np.float64)
    cosines = _centred(rows[: len(nodes)]) @ _centred(rows[len(nodes) :]).T
    similar = np.array([[ontology.similarity(a.mid, b.mid) for b in nodes] for a in nodes])
    unrelated = float(cosines[similar == 0.0].mean())
    told = (cosines - unrelated) / (float(np.diag(cosines).mean()) - unrelated)
    apart = ~np.eye(len(nodes), dtype=np.bool_)

    def loss(exponent: float) -> float:
        return float(np.square(similar[apart] ** exponent - told[apart]).sum())

    return float(optimize.minimize_scalar(loss, bounds=(0.5, 8.0), method="bounded").x)


def _centred(rows: Values) -> Values:
    """Unit rows, once what all share is taken away."""
    centred = rows - rows.mean(axis=0)
    unit: Values = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit


def simulate(fitted: Fit, pairs: RatedPairs, rng: np.random.Generator) -> Values:
    """Ratings as published, drawn from the model for the same pairs, ``(pairs,)``."""
    model = fitted.model
    paired, candidate = pairs.of(Group.PAIRED), pairs.of(Group.CANDIDATE)
    spread = np.where(paired, model.spread_known, model.spread)
    meant = fitted.scale.relevance(pairs) + spread * rng.standard_normal(len(paired))
    means = np.empty(len(paired))
    for rated in dict.fromkeys(pairs.lists.tolist()):
        own = np.flatnonzero(pairs.lists == rated)
        people = int(rng.choice(PEOPLE, p=fitted.people))
        deviation = model.noise * np.sqrt(model.bias_share)
        # A page is rated by the same people, so that their biases cancel within a list.
        biases = deviation * rng.standard_normal((PAGES, people))
        pages = [biases[at % PAGES] for at in range(len(own))]
        for at, page in zip(own, pages, strict=True):
            bias = page if candidate[at] else biases.ravel()
            ratings = model.rate(np.full(bias.shape, meant[at]), bias, rng)
            means[at] = np.floor(ratings.mean() + 0.5)
    return means


def _unpack(x: Values) -> tuple[RaterModel, Values]:
    model = RaterModel(
        low=float(x[0]),
        high=float(x[0] + np.exp(x[1])),
        curve=float(np.exp(x[2])),
        noise=float(np.exp(x[3])),
        spread=float(np.exp(x[4])),
        spread_known=float(np.exp(x[5])),
        untouched=float(special.expit(x[6])),
        tens=float(special.expit(x[7])),
        stray=float(special.expit(x[8])),
        stray_size=float(1.0 + np.exp(x[9])),
        semantic=1.0,
    )
    return model, np.asarray(special.softmax(np.append(0.0, x[10:])))


def _log_likelihood(
    model: RaterModel, people: Values, relevance: Values, pairs: RatedPairs, pages: int
) -> float:
    one = model.one_rating(_GRID)
    few = sum(p * mean_of(one, n) for p, n in zip(people, PEOPLE, strict=True))
    many = sum(p * mean_of(one, n * pages) for p, n in zip(people, PEOPLE, strict=True))
    total = 0.0
    for group, table, spread in (
        (Group.CANDIDATE, few, model.spread),
        (Group.UNRELATED, many, model.spread),
        (Group.PAIRED, many, model.spread_known),
    ):
        own = pairs.of(group)
        weights = np.exp(-0.5 * ((_GRID - relevance[own, None]) / spread) ** 2) + 1e-300
        weights /= weights.sum(axis=1, keepdims=True)
        of_rating = np.asarray(table)[:, pairs.ratings[own].astype(int)].T
        likely = (weights * of_rating).sum(axis=1)
        total += float(np.log((1.0 - _FLOOR) * likely + _FLOOR / 101.0).sum())
    return total / len(pairs.ratings)


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of people, and of the simulation."""

    name: str
    people: float
    simulated: float


def figures(pairs: RatedPairs, ratings: Values) -> dict[str, float]:
    """What a set of ratings is known by, by name."""
    zero = ratings == LOWEST_RATING
    found = {
        "mean": float(ratings.mean()),
        "standard deviation": float(ratings.std()),
        "exact zeros": float(zero.mean()),
        "exact hundreds": float((ratings == HIGHEST_RATING).mean()),
    }
    for group, name in _NAMES.items():
        own = pairs.of(group)
        found[f"{name}: mean"] = float(ratings[own].mean())
        for at, value in zip(_QUARTILES, np.percentile(ratings[own], _QUARTILES), strict=True):
            found[f"{name}: {at} % are below"] = float(value)
        found[f"{name}: exact zeros"] = float(zero[own].mean())
    lists = [np.flatnonzero(pairs.lists == rated) for rated in dict.fromkeys(pairs.lists.tolist())]
    tops, above, high = [], [], []
    for rows in lists:
        rated, groups = ratings[rows], pairs.groups[rows]
        paired = rated[groups == Group.PAIRED.value].max()
        tops.append(bool(rated.max() <= paired))
        above.extend((rated[groups == Group.CANDIDATE.value] > paired).tolist())
        high.append(int((rated >= _HIGH).sum()))
    found["pairs within a list that are tied"] = ties([ratings[rows] for rows in lists])
    found["lists with the paired one (joint) top"] = float(np.mean(tops))
    found["candidates rated above the paired one"] = float(np.mean(above))
    found[f"recordings a list from {_HIGH:g}"] = float(np.mean(high))
    return found


def side_by_side(fitted: Fit, pairs: RatedPairs, seed: int = 0) -> Iterator[Line]:
    """Every figure of people and of the fitted model, on the pairs of one split."""
    rng = np.random.default_rng(seed)
    drawn = [figures(pairs, simulate(fitted, pairs, rng)) for _ in range(DRAWS)]
    for name, value in figures(pairs, pairs.ratings).items():
        yield Line(name, value, float(np.mean([draw[name] for draw in drawn])))


def ties(lists: Sequence[Values]) -> float:
    """Share of pairs of equal ratings within lists, over all lists."""
    equal = sum(int((rows[:, None] == rows[None, :]).sum()) - len(rows) for rows in lists)
    pairs = sum(len(rows) * (len(rows) - 1) for rows in lists)
    return equal / pairs
