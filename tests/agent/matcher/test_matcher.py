"""Prototypes and the matcher against brute force and against arithmetic done by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.bundle import loading as bundles
from agent.core.records import Window
from agent.matcher.matcher import (
    BackgroundStatistics,
    Contrast,
    Described,
    Examples,
    Matcher,
    PrototypeSet,
)
from tests.agent.matcher.prototypes import (
    DIM,
    NONE,
    Array,
    axis,
    described,
    plain,
    recordings,
    towards,
    unit,
)
from tests.signals import frontend, noise
from tests.views import views


def worth(heard: Examples | None, embedding: Array) -> float:
    """What the best recording is worth, one by one."""
    if heard is None:
        return 0.0
    found = [
        min(max(float(slope * (embedding @ one) + offset), 0.0), float(most))
        for one, slope, offset, most in zip(
            heard.embeddings, heard.slope, heard.offset, heard.most, strict=True
        )
    ]
    return max(found, default=0.0)


def by_hand(one: Described, background: Array, embedding: Array) -> tuple[float, float]:
    """Cosine and margin of one description, prototype by prototype."""
    best = max(float(embedding @ p) for p in one.texts)
    contrasts = [float(embedding @ p) for p in [*one.unlike, *background]]
    added = worth(one.examples, embedding) - worth(one.rejected, embedding)
    return best, best - 0.5 * (max(contrasts) if contrasts else 0.0) + added


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
    cosine, margin = matcher.compare(views(embeddings))
    assert cosine.dtype == margin.dtype == np.float32
    for row, embedding in enumerate(embeddings):
        expected = [by_hand(one, contrast, embedding) for one in ordered]
        np.testing.assert_allclose(cosine[row], [c for c, _ in expected], atol=1e-5)
        np.testing.assert_allclose(margin[row], [m for _, m in expected], atol=1e-5)


def test_the_best_text_counts() -> None:
    """Text or paraphrase: whichever is nearest gives the cosine."""
    one = Described("a", texts=axis(0, 1), unlike=NONE)
    matcher = Matcher(PrototypeSet([one], NONE), plain(1))
    cosine, margin = matcher.compare(
        views(np.concatenate([towards(0.9, 0.1, 0.2), towards(0.1, 0.8, 0.2)]))
    )
    np.testing.assert_allclose(cosine[:, 0], [0.9, 0.8], atol=1e-6)
    np.testing.assert_array_equal(margin, cosine)


def test_recordings_add_and_take_off() -> None:
    """The best example adds, the best rejected one takes off, each at most what it may."""
    numbers = {"slope": np.float32([2.0, 2.0]), "offset": np.float32([-1.0, -1.2])}
    one = Described(
        "a",
        texts=axis(0),
        unlike=NONE,
        examples=Examples(axis(1, 2), most=np.float32([0.5, 0.5]), **numbers),
        rejected=Examples(axis(3, 4), most=np.float32([0.3, 0.3]), **numbers),
    )
    matcher = Matcher(PrototypeSet([one], NONE), plain(1))
    cosine, margin = matcher.compare(
        views(
            np.concatenate(
                [
                    towards(0.5, 0.6, 0.6),  # 2 * 0.6 - 1.0 = 0.2, more than the other one
                    towards(0.5, 0.8),  # 0.6, at most 0.5
                    towards(0.5, 0.4, 0.4),  # never less than nothing
                    towards(0.5, 0.0, 0.0, 0.6),
                    towards(0.5, 0.0, 0.0, 0.1, 0.85),
                ]
            )
        )
    )
    np.testing.assert_allclose(cosine[:, 0], 0.5, atol=1e-6)
    np.testing.assert_allclose(margin[:, 0], [0.7, 1.0, 0.5, 0.3, 0.2], atol=1e-6)


def test_contrasts_are_ones_own_and_the_background() -> None:
    """What one description is unlike does not hold another one back; the background all."""
    first = Described("a", texts=axis(0), unlike=axis(2))
    second = Described("b", texts=axis(1), unlike=NONE)
    matcher = Matcher(PrototypeSet([first, second], axis(3)), plain(2))
    _, margin = matcher.compare(views(towards(0.6, 0.5, 0.4, 0.1)))
    np.testing.assert_allclose(margin, [[0.6 - 0.2, 0.5 - 0.05]], atol=1e-6)


def test_statistics_are_those_of_ordinary_sound_and_of_what_stands_out() -> None:
    """Mean and deviation of margins by the texts, where both kinds of sound count alike."""
    ordered = [replace(one, examples=None, rejected=None) for one in described(4)]
    cohort, foreground = unit(301, seed=800), unit(40, seed=700)
    prototypes = PrototypeSet(ordered, unit(2, seed=900))
    statistics = prototypes.statistics(views(cohort), foreground)
    usual, other = (
        np.array([[by_hand(one, unit(2, seed=900), e)[1] for one in ordered] for e in sounds])
        for sounds in (cohort, foreground)
    )
    mean = (usual.mean(axis=0) + other.mean(axis=0)) / 2
    np.testing.assert_allclose(statistics.mean, mean, atol=1e-5)
    weights = np.repeat([0.5 / len(usual), 0.5 / len(other)], [len(usual), len(other)])
    variance = weights @ np.square(np.concatenate([usual, other]) - mean)
    np.testing.assert_allclose(statistics.std, np.sqrt(variance), atol=1e-5)
    taught = PrototypeSet(described(4), unit(2, seed=900))
    again = taught.statistics(views(cohort), foreground)
    np.testing.assert_array_equal(again.std, statistics.std)


def test_scores_are_standard_deviations_of_other_sounds() -> None:
    """On the sounds themselves scores by words centre on 0 with a spread of 1."""
    worded = [replace(one, examples=None, rejected=None) for one in described(6)]
    cohort, foreground = unit(400, seed=800), unit(300, seed=700)
    matcher = Matcher.build(worded, Contrast(unit(3, seed=900), views(cohort), foreground))
    scores = [
        np.stack([match.score for match in matcher.match(windows(len(heard)), views(heard))])
        for heard in (cohort, foreground)
    ]
    mean = np.mean([one.mean(axis=0) for one in scores], axis=0)
    squares = np.mean([np.square(one).mean(axis=0) for one in scores], axis=0)
    np.testing.assert_allclose(mean, 0.0, atol=1e-4)
    np.testing.assert_allclose(squares, 1.0, atol=1e-3)


def test_a_site_brings_its_own_statistics() -> None:
    """Calibrated statistics replace those of the bundle's cohort."""
    one = Described("a", texts=axis(0), unlike=NONE)
    site = BackgroundStatistics(np.array([0.2], np.float32), np.array([0.1], np.float32))
    matcher = Matcher.build([one], Contrast(NONE, views(unit(9)), unit(9)), site)
    (match,) = matcher.match(windows(1), views(towards(0.7)))
    assert match.score[0] == pytest.approx(5.0, abs=1e-4)
    assert match.cosine[0] == pytest.approx(0.7, abs=1e-6)


def test_a_spread_of_nothing_is_bounded() -> None:
    """A cohort that a description never moves on does not make scores infinite."""
    one, still = Described("a", texts=axis(0), unlike=NONE), np.repeat(towards(0.3), 10, axis=0)
    statistics = PrototypeSet([one], NONE).statistics(views(still), still)
    assert statistics.std[0] == pytest.approx(0.01)


def test_matches_carry_their_windows() -> None:
    """Source, place and time go through; ids stand in the order of the descriptions."""
    matcher = Matcher.build(described(3), Contrast(NONE, views(unit(50)), unit(40)))
    matches = matcher.match(windows(2), views(unit(2, seed=4)))
    assert [match.index for match in matches] == [0, 16_000]
    assert [match.captured_at for match in matches] == [100.0, 100.5]
    assert matches[0].error_ids == ("e0", "e1", "e2")
    assert matches[0].score.shape == (3,)
    assert matches[1].cosines()["e2"] == pytest.approx(float(matches[1].cosine[2]))


def test_no_descriptions_give_empty_matches() -> None:
    """Everything switched off: the box still runs, and matches nothing."""
    heard = views(unit(50)), unit(40)
    (match,) = Matcher.build([], Contrast(unit(3), *heard)).match(windows(1), views(unit(1)))
    assert match.error_ids == ()
    assert match.score.shape == match.cosine.shape == (0,)
    Matcher.build([], Contrast(NONE, *heard)).match(windows(1), views(unit(1)))


@pytest.mark.parametrize("copies", [40, 2_500])
def test_prototypes_that_are_alike_are_all_found(copies: int) -> None:
    """A thousand copies of one text do not hide the other descriptions."""
    same = Described("a", texts=np.repeat(axis(0), copies, axis=0), unlike=NONE)
    other = Described("b", texts=axis(1), unlike=NONE)
    matcher = Matcher(PrototypeSet([same, other], NONE), plain(2))
    cosine, _ = matcher.compare(views(towards(0.3, 0.9)))
    np.testing.assert_allclose(cosine, [[0.3, 0.9]], atol=1e-6)


def many(count: int) -> list[Described]:
    """Descriptions with many example recordings each, in clusters as real ones are."""
    rng = np.random.default_rng(3)
    made = []
    for number in range(40):
        examples = unit(1, seed=1_000 + number) + 0.15 * rng.standard_normal((count // 40, DIM))
        examples /= np.linalg.norm(examples, axis=1, keepdims=True)
        own = np.ones(count // 40, np.float32)
        offset = -rng.uniform(0.1, 0.2, count // 40).astype(np.float32)
        made.append(
            Described(
                f"e{number}",
                texts=unit(2, seed=2_000 + number),
                unlike=unit(1, seed=3_000 + number),
                examples=Examples(examples.astype(np.float32), own, offset, 2.0 * own),
                rejected=recordings(unit(1, seed=4_000 + number), number),
            )
        )
    return made


def near(described: list[Described]) -> Array:
    """Windows that resemble some of the recordings."""
    chosen = np.concatenate([one.examples.embeddings[:5] for one in described if one.examples])
    moved = chosen + 0.05 * np.random.default_rng(1).standard_normal(chosen.shape)
    return (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)


def test_a_large_set_is_searched_well() -> None:
    """Far beyond the exact size the best descriptions and their margins are still found."""
    made = many(8_000)
    prototypes = PrototypeSet(made, unit(3, seed=7))
    matcher = Matcher(prototypes, plain(40), threads=2)
    queries = near(made)
    cosine, margin = matcher.compare(views(queries))
    exact_cosine, exact_margin = prototypes.compare(views(queries))
    np.testing.assert_allclose(cosine, exact_cosine, atol=1e-5)
    heard = prototypes.examples
    value = heard.values(queries @ heard.embeddings.T)
    tenth = np.sort(value, axis=1)[:, -10][:, None]
    given = np.take_along_axis(value, matcher.nearest_examples(views(queries)), axis=1)
    assert np.minimum((given >= tenth - 1e-6).sum(axis=1), 10).mean() >= 9.8
    assert (margin <= exact_margin + 1e-5).all()
    # The description whose sound it is gets what all of its recordings would give it.
    own = np.repeat(np.arange(40), 5)[:, None]
    off = np.take_along_axis(margin - exact_margin, own, axis=1)
    assert np.mean(np.abs(off) < 1e-4) >= 0.98


def test_recordings_are_ordered_by_what_they_are_worth() -> None:
    """Products in the graph's space give the order of cosines over the ones that count."""
    heard = PrototypeSet(many(4_000), NONE).examples
    queries = near(many(4_000))[:20]
    product = heard.graph_queries(queries) @ heard.graph_rows().T
    over = queries @ heard.embeddings.T + heard.offset / heard.slope
    apart = product - over
    np.testing.assert_allclose(apart, np.repeat(apart[:, :1], len(heard), axis=1), atol=1e-5)


def test_some_of_each_description_always_count() -> None:
    """The rows that are compared beside a search are of all descriptions, and differ."""
    heard = PrototypeSet(many(8_000), NONE).examples
    rows = heard.spread(400)
    present, counts = np.unique(heard._description[rows], return_counts=True)
    assert len(present) == 40
    assert set(counts.tolist()) == {10}
    assert (np.diff(rows) > 0).all()


def test_many_texts_are_searched_well() -> None:
    """Beyond the exact number of texts the nearest description is still found."""
    made = [Described(f"e{n}", unit(60, seed=n), unit(1, seed=9_000 + n)) for n in range(50)]
    prototypes = PrototypeSet(made, unit(3, seed=7))
    matcher = Matcher(prototypes, plain(50), threads=2)
    queries = np.concatenate([one.texts[:4] for one in made]) + 0.1 * unit(200, seed=5)
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
    cosine, _ = matcher.compare(views(queries))
    exact, _ = prototypes.compare(views(queries))
    assert np.isfinite(cosine).all()
    assert np.mean(cosine.argmax(axis=1) == exact.argmax(axis=1)) >= 0.98
    assert (cosine <= exact + 1e-5).all()
    # Of every description at least the text counts.
    assert (cosine >= queries @ np.stack([one.texts[0] for one in made]).T - 1e-5).all()


def test_a_batch_is_what_its_windows_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut to bound the memory, a batch gives the same rows."""
    matcher = Matcher(PrototypeSet(described(30), unit(2, seed=900)), plain(30))
    whole = matcher.compare(views(unit(50, seed=4)))
    monkeypatch.setattr("agent.matcher.matcher._ENTRIES", 7 * len(matcher.prototypes))
    for cut, at_once in zip(matcher.compare(views(unit(50, seed=4))), whole, strict=True):
        np.testing.assert_allclose(cut, at_once, atol=1e-6)


def test_two_builds_are_alike() -> None:
    """Small sets give the same numbers every time, so that alerts can be repeated."""
    contrast = Contrast(unit(3, seed=900), views(unit(60, seed=800)), unit(40))
    first, second = (Matcher.build(described(200), contrast) for _ in range(2))
    for one, other in zip(
        first.match(windows(5), views(unit(5, seed=400))),
        second.match(windows(5), views(unit(5, seed=400))),
        strict=True,
    ):
        np.testing.assert_array_equal(one.score, other.score)


def test_mistakes_are_told() -> None:
    """Two descriptions of one id, one without a text, foreign statistics, no sounds."""
    one = Described("a", texts=axis(0), unlike=NONE)
    with pytest.raises(ValueError, match="same id"):
        PrototypeSet([one, one], NONE)
    with pytest.raises(ValueError, match="has no text"):
        PrototypeSet([Described("a", NONE, NONE)], NONE)
    with pytest.raises(ValueError, match="statistics of 2"):
        Matcher(PrototypeSet([one], NONE), plain(2))
    for cohort, foreground in ((NONE, unit(3)), (unit(3), NONE)):
        with pytest.raises(ValueError, match="no background or no foreground sound"):
            Matcher.build([one], Contrast(NONE, views(cohort), foreground))


def test_prototypes_cannot_be_changed() -> None:
    """A set that is searched must not move under the search."""
    prototypes = PrototypeSet(described(2), NONE)
    with pytest.raises(ValueError, match="read-only"):
        prototypes.embeddings[0, 0] = 1.0


def test_noise_is_ordinary_to_the_default_bundle() -> None:
    """With the shipped tower and cohort, steady noise scores low against random directions."""
    if not bundles.DEFAULT.is_dir():
        pytest.skip("no default bundle in this checkout")
    from agent.encoder.audio import Encoder

    bundle = bundles.load()
    dim = bundle.manifest.embedding_size
    none = np.empty((0, dim), np.float32)
    one = Described("a", texts=unit(1, seed=1, dim=dim), unlike=none)
    matcher = Matcher.build([one], Contrast(none, bundle.background(), bundle.foreground()))
    log_mel = frontend().whole(noise(63_680))
    (match,) = matcher.match(windows(1), Encoder(bundle).encode(log_mel[None]))
    assert abs(match.score[0]) < 6.0
