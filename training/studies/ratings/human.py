"""What the ratings by people depend on: the caption, the recording, the nearness of the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.data.arrays import Mask, Values
from training.data.readers.tau import Group
from training.evaluation.metrics import has_order
from training.studies.ratings.features import CaptionFeatures
from training.studies.ratings.findings import Finding, HumanFindings, Regression, corrected
from training.studies.ratings.grouping import mean_over
from training.studies.ratings.lists import describe_lists
from training.studies.ratings.published import OTHER, OWN, SIMILAR, RatedLists
from training.studies.ratings.similarity import EmbeddedRecording, Texts
from training.studies.ratings.sound import PROPERTIES
from training.studies.ratings.statistics import (
    Association,
    can_vary,
    regress,
    spearman,
    within_lists,
)

NEARNESS = "nearness by text, joint space"
TOWER_NEARNESS = "nearness by text, text tower"
HEARD_NEARNESS = "similarity of sound and caption"
SHARED = "shared content words"
OWN_RATING, SIMILAR_RATING = "own recording's rating", "first five, mean above 0"
OTHER_ZERO = "other candidates at 0"
_CAPTION_CAUSES = ("words", "density", "nouns a word", "word frequency")
"""Which properties of captions go into one regression: the others are made of these."""
_ITEM_CAUSES = (NEARNESS, SHARED, "words of its caption", "tags")
_FEWEST_LISTS = 3


@dataclass(frozen=True, slots=True)
class Material:
    """All that is known of the ratings."""

    rated: RatedLists
    features: Mapping[str, CaptionFeatures]
    """By text, of all :func:`wanted_texts`."""
    texts: Texts
    own_captions: int
    """How many of a clip's captions stand for it."""
    heard: Mapping[str, EmbeddedRecording]
    """By recording id; empty without Clotho."""
    seed: int


def wanted_texts(rated: RatedLists, own_captions: int) -> list[str]:
    """Every text that :class:`Material` needs."""
    # One more than stand for a clip: a list's own caption never stands for its own recording.
    paired = set(rated.places[rated.of(Group.PAIRED)].tolist())
    found = list(rated.captions)
    for at, clip in enumerate(rated.clips):
        found += clip.captions[: own_captions + (at in paired)]
    return list(dict.fromkeys(found))


def analyse_ratings(material: Material) -> HumanFindings:
    """Everything that is asked of the ratings."""
    left_out: list[str] = []
    items = _item_properties(material)
    captions = caption_columns([material.features[text] for text in material.rated.captions])
    outcomes = _caption_outcomes(material, items[NEARNESS])
    return HumanFindings(
        lists=describe_lists(material.rated, items[NEARNESS]),
        captions=_of_captions(captions, outcomes, material.seed, left_out),
        caption_effects=_caption_effects(captions, outcomes, left_out),
        items=_of_items(items, material, left_out),
        item_effects=_item_effects(items, material, left_out),
        left_out=tuple(left_out),
    )


def caption_columns(features: list[CaptionFeatures]) -> dict[str, Values]:
    """Properties of captions as columns, each ``(captions,)``."""
    return {
        "words": _column([feature.words for feature in features]),
        "characters": _column([feature.characters for feature in features]),
        "content words": _column([feature.content_words for feature in features]),
        "nouns": _column([feature.nouns for feature in features]),
        "density": _column([feature.content_share for feature in features]),
        "nouns a word": _column([feature.noun_share for feature in features]),
        "word frequency": _column([feature.zipf for feature in features]),
    }


def _caption_outcomes(material: Material, nearness: Values) -> dict[str, Values]:
    """What became of each list, shape ``(lists,)``; NaN where there is nothing to tell."""
    ratings, kinds = material.rated.ratings, material.rated.kinds()
    own, similar, other = kinds[OWN], kinds[SIMILAR], kinds[OTHER]
    return {
        OWN_RATING: mean_over(ratings.T, own.T),
        SIMILAR_RATING: mean_over(ratings.T, (similar & (ratings > 0.0)).T),
        "first five at 0": mean_over((ratings == 0.0).T, similar.T),
        OTHER_ZERO: mean_over((ratings == 0.0).T, other.T),
        "tied pairs": _tied(ratings, material.rated.groups != ""),
        "nearness of its own recording's captions": mean_over(nearness.T, own.T),
    }


def _item_properties(material: Material) -> dict[str, Values]:
    """Of each item, shape ``(lists, items)``; NaN where it is not known."""
    rated, places = material.rated, material.rated.places
    by_clip = {
        "length of the cut": _column([clip.cut_s for clip in rated.clips]),
        "tags": _column([len(clip.keywords) for clip in rated.clips]),
    }
    found = {name: column[places] for name, column in by_clip.items()}
    empty = np.full(places.shape, np.nan)
    names = ("words of its caption", "density of its caption", SHARED, "tags in the caption")
    found |= {name: empty.copy() for name in (*names, TOWER_NEARNESS, NEARNESS)}
    for at in zip(*np.nonzero(rated.groups != ""), strict=True):
        text, clip = rated.captions[at[0]], rated.clips[places[at]]
        own = [caption for caption in clip.captions if caption != text][: material.own_captions]
        asked = material.features[text].lemmas
        tags = {word for tag in clip.keywords for word in tag.lower().split("-")}
        found["tags in the caption"][at] = len(asked & tags) / max(len(asked), 1)
        if not own:
            continue
        features = [material.features[text] for text in own]
        shared = frozenset().union(*(feature.lemmas for feature in features)) & asked
        found["words of its caption"][at] = np.mean([feature.words for feature in features])
        found["density of its caption"][at] = np.mean(
            [feature.content_share for feature in features]
        )
        found[SHARED][at] = len(shared) / max(len(asked), 1)
        found[TOWER_NEARNESS][at] = material.texts.nearness(text, own, material.texts.tower)
        found[NEARNESS][at] = material.texts.nearness(text, own, material.texts.joint)
    return found | _sound_properties(material)


def _sound_properties(material: Material) -> dict[str, Values]:
    if not material.heard:
        return {}
    rated = material.rated
    heard = [material.heard.get(clip.recording.id) for clip in rated.clips]
    found = {
        name: _column([np.nan if clip is None else getattr(clip.sound, field) for clip in heard])[
            rated.places
        ]
        for field, name in PROPERTIES.items()
    }
    similar = np.full(rated.places.shape, np.nan)
    for at in zip(*np.nonzero(rated.groups != ""), strict=True):
        if (one := heard[rated.places[at]]) is not None:
            text = material.texts.joint[material.texts.place[rated.captions[at[0]]]]
            similar[at] = float(text @ one.embedding)
    return found | {HEARD_NEARNESS: similar}


def _of_captions(
    properties: dict[str, Values], outcomes: dict[str, Values], seed: int, left_out: list[str]
) -> tuple[Finding, ...]:
    found: list[tuple[str, str, Association]] = []
    for outcome, values in outcomes.items():
        told = np.isfinite(values)
        lists = np.flatnonzero(told)
        for name, column in properties.items():
            if can_vary(column[told], lists) and can_vary(values[told], lists):
                association = spearman(column[told], values[told], lists, seed=seed)
                found.append((name, outcome, association))
            else:
                left_out.append(f"{name} and {outcome}: too few lists, or all alike")
    return corrected(found)


def _caption_effects(
    properties: dict[str, Values], outcomes: dict[str, Values], left_out: list[str]
) -> tuple[Regression, ...]:
    found = []
    for outcome in (OWN_RATING, SIMILAR_RATING, OTHER_ZERO):
        told = np.isfinite(outcomes[outcome])
        # Shares are told in points of a hundred, as the ratings are.
        values = outcomes[outcome][told] * (100.0 if outcome == OTHER_ZERO else 1.0)
        columns = {name: properties[name][told] for name in _CAPTION_CAUSES}
        lists = np.flatnonzero(told)
        try:
            effects = regress(values, columns, lists, within=False)
        except ValueError as error:
            left_out.append(f"regression of {outcome}: {error}")
            continue
        found.append(Regression(outcome, effects, len(values), len(values)))
    return tuple(found)


def _of_items(
    properties: dict[str, Values], material: Material, left_out: list[str]
) -> tuple[Finding, ...]:
    found: list[tuple[str, str, Association]] = []
    for outcome, (values, asked) in _item_outcomes(material.rated).items():
        for name, column in properties.items():
            known = asked & np.isfinite(column)
            try:
                association = within_lists(column, values, known, seed=material.seed)
            except ValueError as error:
                left_out.append(f"{name} and {outcome}: {error}")
                continue
            found.append((name, outcome, association))
    return corrected(found)


def _item_effects(
    properties: dict[str, Values], material: Material, left_out: list[str]
) -> tuple[Regression, ...]:
    names = [*_ITEM_CAUSES, *(name for name in PROPERTIES.values() if name in properties)]
    found = []
    for outcome, (values, asked) in _item_outcomes(material.rated).items():
        known = asked & np.all([np.isfinite(properties[name]) for name in names], axis=0)
        # A list of one item or of one value says nothing once its own level is taken away.
        known &= has_order(values, known)[:, None]
        lists = np.nonzero(known)[0]
        if len(np.unique(lists)) < _FEWEST_LISTS:
            left_out.append(f"regression of {outcome}: fewer than {_FEWEST_LISTS} lists")
            continue
        scale = 1.0 if outcome.startswith("first five") else 100.0
        columns = {name: properties[name][known] for name in names}
        try:
            effects = regress(values[known] * scale, columns, lists, within=True)
        except ValueError as error:
            left_out.append(f"regression of {outcome}: {error}")
            continue
        found.append(Regression(outcome, effects, len(lists), len(np.unique(lists))))
    return tuple(found)


def _item_outcomes(rated: RatedLists) -> dict[str, tuple[Values, Mask]]:
    """Of candidates: whether the rating is above 0, and how high it is where it is."""
    kinds = rated.kinds()
    moved = rated.ratings > 0.0
    above = moved.astype(np.float64)
    return {
        "all, above 0 or not": (above, kinds[SIMILAR] | kinds[OTHER]),
        "first five, rating where above 0": (rated.ratings, kinds[SIMILAR] & moved),
        "others, above 0 or not": (above, kinds[OTHER]),
    }


def _tied(ratings: Values, there: Mask) -> Values:
    first, second = np.triu_indices(ratings.shape[1], 1)
    both = there[:, first] & there[:, second]
    tied = both & (ratings[:, first] == ratings[:, second])
    share: Values = tied.sum(axis=1) / np.maximum(both.sum(axis=1), 1)
    return share


def _column(values: list[float] | list[int]) -> Values:
    return np.array(values, dtype=np.float64)
