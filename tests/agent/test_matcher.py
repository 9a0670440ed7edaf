"""Prototypes and the matcher against brute force and against arithmetic done by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from agent import bundle as bundles
from agent.matcher import BackgroundStatistics, Contrast, Described, Matcher, PrototypeSet
from agent.records import Window
from tests.signals import frontend, noise

DIM = 32
Array = npt.NDArray[np.float32]


def unit(*shape: int, seed: int = 0, dim: int = DIM) -> Array:
    """Random unit vectors."""
    drawn = np.random.default_rng(seed).standard_normal((*shape, dim))
    return (drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)).astype(np.float32)


NONE = np.empty((0, DIM), np.float32)


def axis(*numbers: int) -> Array:
    """Unit vectors along axes."""
    return np.eye(DIM, dtype=np.float32)[list(numbers)]


def towards(*weights: float) -> Array:
    """One embedding with these cosines to the first axes; the rest points elsewhere."""
    vector = np.zeros(DIM)
    vector[: len(weights)] = weights
    vector[-1] = np.sqrt(1.0 - np.sum(np.square(weights)))
    return vector[None].astype(np.float32)


def described(count: int, seed: int = 0, examples: int = 2) -> list[Described]:
    """Descriptions with a varying number of prototypes of each kind."""
    return [
        Described(
            error_id=f"e{number}",
            texts=unit(1 + number % 3, seed=seed + 3 * number),
            unlike=unit(number % 3, seed=seed + 3 * number + 1),
            examples=unit(number % (examples + 1), seed=seed + 3 * number + 2),
        )
        for number in range(count)
    ]


def by_hand(one: Described, background: Array, embedding: Array) -> tuple[float, float]:
    """Cosine and margin of one description, prototype by prototype."""
    best = max(float(embedding @ p) for p in [*one.texts, *one.examples])
    contrasts = [float(embedding @ p) for p in [*one.unlike, *background]]
    return best, best - (max(contrasts) if contrasts else 0.0)


def plain(count: int) -> BackgroundStatistics:
    """Statistics that leave margins as they are."""
    return BackgroundStatistics(np.zeros(count, np.float32), np.ones(count, np.float32))


def windows(count: int) -> list[Window]:
    """Windows of which only the position matters."""
    return [
        Window("mic", 16_000 * n, 100.0 + n / 2, 2.0, np.empty((128, 200), np.float32))
        for n in range(count)
    ]


@pytest.mark.parametrize("descriptions", [1, 2, 7, 60])
@pytest.mark.parametrize("background", [0, 1, 5])
def test_a_small_set_is_compared_exactly(descriptions: int, background: int) -> None:
    """The search among all prototypes gives what comparing them one by one gives."""
    ordered = described(descriptions)
    contrast = unit(background, seed=99)
    matcher = Matcher(PrototypeSet(ordered, contrast), plain(descriptions))
    embeddings = unit(20, seed=500)
    cosine, margin = matcher.compare(embeddings)
    assert cosine.dtype == margin.dtype == np.float32
    for row, embedding in enumerate(embeddings):
        expected = [by_hand(one, contrast, embedding) for one in ordered]
        np.testing.assert_allclose(cosine[row], [c for c, _ in expected], atol=1e-5)
        np.testing.assert_allclose(margin[row], [m for _, m in expected], atol=1e-5)


def test_the_best_prototype_counts() -> None:
    """Text, paraphrase or example: whichever is nearest gives the cosine."""
    one = Described("a", texts=axis(0, 1), unlike=NONE, examples=axis(2))
    matcher = Matcher(PrototypeSet([one], NONE), plain(1))
    cosine, margin = matcher.compare(
        np.concatenate([towards(0.9, 0.1, 0.2), towards(0.1, 0.8, 0.2), towards(0.1, 0.2, 0.7)])
    )
    np.testing.assert_allclose(cosine[:, 0], [0.9, 0.8, 0.7], atol=1e-6)
    np.testing.assert_array_equal(margin, cosine)


def test_contrasts_are_ones_own_and_the_background() -> None:
    """What one description is unlike does not hold another one back; the background all."""
    first = Described("a", texts=axis(0), unlike=axis(2), examples=NONE)
    second = Described("b", texts=axis(1), unlike=NONE, examples=NONE)
    matcher = Matcher(PrototypeSet([first, second], axis(3)), plain(2))
    _, margin = matcher.compare(towards(0.6, 0.5, 0.4, 0.1))
    np.testing.assert_allclose(margin, [[0.6 - 0.4, 0.5 - 0.1]], atol=1e-6)


def test_statistics_are_those_of_ordinary_sound() -> None:
    """Median, and the wider of middle and upper tail, of each description's cohort margins."""
    ordered = described(4)
    cohort = unit(301, seed=800)
    prototypes = PrototypeSet(ordered, unit(2, seed=900))
    statistics = prototypes.statistics(cohort)
    margins = np.array([[by_hand(one, unit(2, seed=900), e)[1] for one in ordered] for e in cohort])
    median = np.median(margins, axis=0)
    np.testing.assert_allclose(statistics.mean, median, atol=1e-5)
    middle = 1.4826 * np.median(np.abs(margins - median), axis=0)
    tail = (np.percentile(margins, 99.0, axis=0) - median) / 2.326
    spread = np.maximum(middle, tail)
    np.testing.assert_allclose(statistics.std, spread, atol=1e-5)
    np.testing.assert_allclose(statistics.std, margins.std(axis=0), rtol=0.2)


def test_scores_are_standard_deviations_of_the_background() -> None:
    """On the cohort itself scores centre on 0 with a spread of 1, whatever the description."""
    matcher = Matcher.build(described(6), Contrast(unit(3, seed=900), unit(400, seed=800)))
    matches = matcher.match(windows(400), unit(400, seed=800))
    score = np.stack([match.score for match in matches])
    np.testing.assert_allclose(np.median(score, axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(score.std(axis=0), 1.0, atol=0.25)


def test_a_site_brings_its_own_statistics() -> None:
    """Calibrated statistics replace those of the bundle's cohort."""
    one = Described("a", texts=axis(0), unlike=NONE, examples=NONE)
    site = BackgroundStatistics(np.array([0.2], np.float32), np.array([0.1], np.float32))
    matcher = Matcher.build([one], Contrast(NONE, unit(9)), site)
    (match,) = matcher.match(windows(1), towards(0.7))
    assert match.score[0] == pytest.approx(5.0, abs=1e-4)
    assert match.cosine[0] == pytest.approx(0.7, abs=1e-6)


def test_a_spread_of_nothing_is_bounded() -> None:
    """A cohort that a description never moves on does not make scores infinite."""
    one = Described("a", texts=axis(0), unlike=NONE, examples=NONE)
    statistics = PrototypeSet([one], NONE).statistics(np.repeat(towards(0.3), 10, axis=0))
    assert statistics.std[0] == pytest.approx(0.01)


def test_matches_carry_their_windows() -> None:
    """Source, place and time go through; ids stand in the order of the descriptions."""
    matcher = Matcher.build(described(3), Contrast(NONE, unit(50)))
    matches = matcher.match(windows(2), unit(2, seed=4))
    assert [match.index for match in matches] == [0, 16_000]
    assert [match.captured_at for match in matches] == [100.0, 100.5]
    assert matches[0].error_ids == ("e0", "e1", "e2")
    assert matches[0].score.shape == (3,)
    assert matches[1].cosines()["e2"] == pytest.approx(float(matches[1].cosine[2]))


def test_no_descriptions_give_empty_matches() -> None:
    """Everything switched off: the box still runs, and matches nothing."""
    matcher = Matcher.build([], Contrast(unit(3), unit(50)))
    (match,) = matcher.match(windows(1), unit(1))
    assert match.error_ids == ()
    assert match.score.shape == match.cosine.shape == (0,)
    Matcher.build([], Contrast(NONE, unit(50))).match(windows(1), unit(1))


@pytest.mark.parametrize("copies", [40, 2_000])
def test_prototypes_that_are_alike_are_all_found(copies: int) -> None:
    """A thousand copies of one text do not hide the other descriptions."""
    same = Described("a", texts=np.repeat(axis(0), copies, axis=0), unlike=NONE, examples=NONE)
    other = Described("b", texts=axis(1), unlike=NONE, examples=NONE)
    matcher = Matcher(PrototypeSet([same, other], NONE), plain(2))
    cosine, _ = matcher.compare(towards(0.3, 0.9))
    np.testing.assert_allclose(cosine, [[0.3, 0.9]], atol=1e-6)


def many(count: int) -> list[Described]:
    """Descriptions with many example recordings each, in clusters as real ones are."""
    rng = np.random.default_rng(3)
    made = []
    for number in range(40):
        examples = unit(1, seed=1_000 + number) + 0.15 * rng.standard_normal((count // 40, DIM))
        examples /= np.linalg.norm(examples, axis=1, keepdims=True)
        made.append(
            Described(
                f"e{number}",
                texts=unit(2, seed=2_000 + number),
                unlike=unit(1, seed=3_000 + number),
                examples=examples.astype(np.float32),
            )
        )
    return made


def test_a_large_set_is_searched_well() -> None:
    """Far beyond the exact size the nearest description and its cosine are still found."""
    prototypes = PrototypeSet(many(20_000), unit(3, seed=7))
    matcher = Matcher(prototypes, plain(40), threads=2)
    queries = np.concatenate([one.examples[:5] for one in many(20_000)])
    queries = queries + 0.05 * np.random.default_rng(1).standard_normal(queries.shape)
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
    cosine, margin = matcher.compare(queries)
    exact_cosine, exact_margin = prototypes.compare(queries)
    assert np.isfinite(cosine).all()
    assert np.isfinite(margin).all()
    best = exact_cosine.max(axis=1)
    assert np.mean(cosine.max(axis=1) >= best - 1e-5) >= 0.98
    assert np.mean(cosine.argmax(axis=1) == exact_cosine.argmax(axis=1)) >= 0.98
    assert (cosine <= exact_cosine + 1e-5).all()
    # Of every description at least the text counts, and its contrasts always.
    texts = np.stack([one.texts[0] for one in many(20_000)])
    assert (cosine >= queries @ texts.T - 1e-5).all()
    winner = exact_cosine.argmax(axis=1)[:, None]
    near = np.abs(np.take_along_axis(margin - exact_margin, winner, axis=1)) < 1e-4
    assert near.mean() >= 0.98


def test_a_batch_is_what_its_windows_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut to bound the memory, a batch gives the same rows."""
    matcher = Matcher(PrototypeSet(described(30), unit(2, seed=900)), plain(30))
    whole = matcher.compare(unit(50, seed=4))
    monkeypatch.setattr("agent.matcher._ENTRIES", 7 * len(matcher.prototypes))
    for cut, at_once in zip(matcher.compare(unit(50, seed=4)), whole, strict=True):
        np.testing.assert_allclose(cut, at_once, atol=1e-6)


def test_two_builds_are_alike() -> None:
    """Small sets give the same numbers every time, so that alerts can be repeated."""
    contrast = Contrast(unit(3, seed=900), unit(60, seed=800))
    first, second = (Matcher.build(described(200), contrast) for _ in range(2))
    for one, other in zip(
        first.match(windows(5), unit(5, seed=400)),
        second.match(windows(5), unit(5, seed=400)),
        strict=True,
    ):
        np.testing.assert_array_equal(one.score, other.score)


def test_mistakes_are_told() -> None:
    """Two descriptions of one id, one without a text, foreign statistics, no cohort."""
    one = Described("a", texts=axis(0), unlike=NONE, examples=NONE)
    with pytest.raises(ValueError, match="same id"):
        PrototypeSet([one, one], NONE)
    with pytest.raises(ValueError, match="has no text"):
        PrototypeSet([Described("a", NONE, NONE, NONE)], NONE)
    with pytest.raises(ValueError, match="statistics of 2"):
        Matcher(PrototypeSet([one], NONE), plain(2))
    with pytest.raises(ValueError, match="no background sound"):
        Matcher.build([one], Contrast(NONE, NONE))


def test_prototypes_cannot_be_changed() -> None:
    """A set that is searched must not move under the search."""
    prototypes = PrototypeSet(described(2), NONE)
    with pytest.raises(ValueError, match="read-only"):
        prototypes.embeddings[0, 0] = 1.0


def test_noise_is_ordinary_to_the_default_bundle() -> None:
    """With the shipped tower and cohort, steady noise scores low against random directions."""
    if not bundles.DEFAULT.is_dir():
        pytest.skip("no default bundle in this checkout")
    from agent.encoder import Encoder

    bundle = bundles.load()
    dim = bundle.manifest.embedding_size
    none = np.empty((0, dim), np.float32)
    one = Described("a", texts=unit(1, seed=1, dim=dim), unlike=none, examples=none)
    matcher = Matcher.build([one], Contrast(none, bundle.background()))
    log_mel = frontend().whole(noise(63_680))
    (match,) = matcher.match(windows(1), Encoder(bundle).encode(log_mel[None]))
    assert abs(match.score[0]) < 6.0
