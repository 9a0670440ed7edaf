"""What recordings are worth, and which are set aside: on embeddings made to measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

from agent.matcher.matcher import Contrast, Described, PrototypeSet
from agent.watchlist.examples import Joined, Kind, Recording, join
from tests.views import views

if TYPE_CHECKING:
    from collections.abc import Sequence

DIM = 64
THRESHOLD = 4.0
Array = npt.NDArray[np.float32]


def normal(values: npt.NDArray[np.floating]) -> Array:
    """At unit length."""
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


def sound(*weights: float, seed: int = 0) -> Array:
    """A sound: something of each axis, what all sounds share, and some noise of its own."""
    vector = 0.02 * np.random.default_rng(seed).standard_normal(DIM)
    vector[: len(weights)] += weights
    vector[-1] += 0.8
    return normal(vector)


# Axes 0 to 3 are kinds of sound; texts have nothing of what all sounds share.
COHORT = normal(
    np.stack([sound(*([0.0] * 8), seed=seed) for seed in range(600)])
    + np.linspace(0.03, 0.08, 600)[:, None] * np.random.default_rng(1).standard_normal((600, DIM))
)
_DRAWN = 0.15 * np.random.default_rng(2).standard_normal((200, 8))
FOREGROUND = normal(np.stack([sound(*some, seed=seed) for seed, some in enumerate(_DRAWN, 700)]))
NONE = np.empty((0, DIM), np.float32)
BACKGROUND = normal(np.eye(DIM)[20:21])
CONTRAST = Contrast(BACKGROUND, views(COHORT), FOREGROUND)
TEXTS = [
    Described(name, normal(np.eye(DIM)[axis] + np.eye(DIM)[30 + axis])[None], NONE)
    for axis, name in enumerate(["clang", "hiss", "squeal"])
]
CLANG = (0.5, 0.0, 0.0)
HISS = (0.0, 0.5, 0.0)
NOVEL = (0.1, 0.0, 0.0, 0.7)
"""What the text of clang hardly fits."""


def recording(
    error_id: str,
    embedding: Array,
    kind: Kind = Kind.EXAMPLE,
    *,
    name: str = "",
    sure: bool = False,
) -> Recording:
    """One recording."""
    return Recording(error_id, name or f"{embedding[0]}", kind, views(embedding), sure)


def joined(recordings: Sequence[Recording]) -> Joined:
    """With all descriptions."""
    thresholds = np.full(len(TEXTS), THRESHOLD, np.float32)
    return join(TEXTS, CONTRAST, recordings, thresholds)


def score(made: Joined, embedding: Array, column: int = 0) -> float:
    """Of one window, as the matcher gives it."""
    prototypes = PrototypeSet(made.described, BACKGROUND)
    statistics = prototypes.statistics(views(COHORT), FOREGROUND)
    margin = prototypes.compare(views(embedding))[1][0]
    return float(((margin - statistics.mean) / statistics.std)[column])


PLAIN = Joined(tuple(TEXTS))


def reasons(made: Joined) -> list[str]:
    """The codes of why recordings were set aside."""
    return [part.code for one in made.set_aside for part in one.reason.parts]


def test_without_recordings_nothing_changes() -> None:
    """Descriptions go through as they are."""
    assert joined([]).described == tuple(TEXTS)


def test_one_example_is_enough() -> None:
    """A sound that the text misses alarms by one example; a second one takes nothing away."""
    other = sound(*NOVEL, seed=9)
    one = joined([recording("clang", sound(*NOVEL, seed=1))])
    two = joined([recording("clang", sound(*NOVEL, seed=seed)) for seed in (1, 2)])
    assert score(PLAIN, other) < THRESHOLD < score(one, other)
    assert score(two, other) >= score(one, other) - 0.5
    assert one.examples == {"clang": 1}
    assert two.examples == {"clang": 2}
    # Other descriptions are as they were.
    assert score(two, other, 1) == pytest.approx(score(PLAIN, other, 1), abs=1e-4)


def test_words_decide_where_no_recording_fits() -> None:
    """An example of one clang takes nothing off another one that the text knows."""
    made = joined([recording("clang", sound(*NOVEL, seed=1))])
    known = sound(*CLANG, seed=2)
    assert score(made, known) >= score(PLAIN, known) - 0.05


def test_ordinary_sound_stays_ordinary() -> None:
    """Examples move no score of the background towards an alarm."""
    two = joined([recording("clang", sound(*NOVEL, seed=seed)) for seed in (1, 2)])
    scores = [score(two, one) for one in COHORT[:100]]
    assert np.median(scores) == pytest.approx(0.0, abs=0.5)
    assert max(scores) < THRESHOLD


def test_an_example_that_is_ordinary_here_does_not_count() -> None:
    """What the hall always sounds like would find the hall."""
    hall = normal(COHORT.mean(axis=0))
    made = joined([recording("clang", hall, sure=True)])
    assert reasons(made) == ["recording_ordinary"]
    assert made.examples == {}
    assert score(made, hall) == pytest.approx(score(PLAIN, hall), abs=1e-4)


def test_one_sound_under_two_descriptions_is_no_contradiction() -> None:
    """Whoever confirms both means both."""
    both = sound(0.4, 0.4, seed=1)
    made = joined([recording("clang", both), recording("hiss", both)])
    assert made.set_aside == ()
    assert min(score(made, both), score(made, both, 1)) > THRESHOLD


def test_a_rejected_sound_comes_under_the_threshold() -> None:
    """The very sound, and nearly the same one; what is only of its kind stays as it was."""
    rejected = sound(*CLANG, seed=1)
    made = joined([recording("clang", rejected, Kind.REJECTED)])
    assert made.rejected == {"clang": 1}
    assert score(PLAIN, rejected) > THRESHOLD
    assert score(made, rejected) < THRESHOLD - 1.0
    kind = sound(0.5, 0.0, 0.0, 0.35, seed=5)
    assert score(made, kind) == pytest.approx(score(PLAIN, kind), abs=0.05)


def test_a_sound_that_was_confirmed_and_rejected_counts_for_neither_kind_alone() -> None:
    """Two people, two alerts, nearly the same sound: the example goes, the text stays silent."""
    made = joined(
        [
            recording("clang", sound(*CLANG, seed=1)),
            recording("clang", sound(*CLANG, seed=1), Kind.REJECTED),
        ]
    )
    assert reasons(made) == ["recording_contradicted"]


def test_a_rejection_must_not_silence_what_was_confirmed() -> None:
    """Five clangs agree; one like them, rejected by mistake, is set aside."""
    right = [recording("clang", sound(1.5, seed=seed)) for seed in range(1, 6)]
    mistake = recording("clang", sound(1.5, seed=1), Kind.REJECTED, name="mistake")
    made = joined([*right, mistake])
    (aside,) = made.set_aside
    assert aside.name == "mistake"
    (why,) = aside.reason.parts
    assert why.code == "recording_silences"
    assert aside.reason == f"would silence {why.parameters['count']} that were confirmed"
    other = sound(1.5, seed=9)
    assert score(made, other) == pytest.approx(score(joined(right), other), rel=0.01)


def test_the_order_of_recordings_does_not_matter() -> None:
    """Whoever confirmed first, the scores are the same."""
    some = [
        *(recording("clang", sound(*CLANG, seed=seed)) for seed in (1, 2)),
        recording("hiss", sound(*HISS, seed=3)),
        recording("clang", sound(0.4, 0.0, 0.3, seed=4), Kind.REJECTED),
    ]
    other = sound(0.4, 0.1, 0.1, seed=9)
    assert score(joined(some), other) == pytest.approx(score(joined(some[::-1]), other), abs=1e-4)
