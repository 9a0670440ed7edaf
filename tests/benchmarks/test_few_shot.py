"""The few-shot protocol: figures from known scores, and trials that give nothing away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.benchmarks.few_shot_figures import FEWEST_OTHERS, Scores, figures, recall_at
from tests.benchmarks.few_shot_protocol import (
    CLASSES,
    EXAMPLES,
    QUERIES,
    Setting,
    Sources,
    Trial,
    draw,
    measured,
    other_sources,
    read_clips,
    same_source,
    trials,
)
from tests.benchmarks.few_shot_sounds import Condition, Sound, Sounds, in_noise
from training.data.records import Recording, Split
from training.data.sounding import mean_power, sounding
from training.data.takes import Take

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.few_shot_protocol import Drawn


def scores(queries: list[list[float]], others: float = 0.0) -> Scores:
    """Of queries, and 500 other sounds of one score."""
    rows = np.array(queries, np.float32)
    return Scores(rows, np.full((FEWEST_OTHERS, rows.shape[1]), others, np.float32))


def test_all_right_is_one() -> None:
    """Each query highest for its own class, and no other sound as high."""
    found = figures(scores([[2, 1], [2, 1], [1, 2]]), np.array([0, 0, 1]))
    assert (found.right_first, found.map_10, found.recall) == (1.0, 1.0, (1.0, 1.0))


def test_a_wrong_query_costs_what_it_says() -> None:
    """Of three, one is nearer to the other class, where it comes first."""
    found = figures(scores([[3, 1], [1, 4], [1, 2]]), np.array([0, 0, 1]))
    assert found.right_first == pytest.approx(2 / 3)
    # First class: own at ranks 1 and 3, since of equals the others' come first. Second: rank 2.
    assert found.map_10 == pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2)


def test_one_score_for_all_is_chance() -> None:
    """A method that says the same of everything wins nothing by order."""
    found = figures(scores([[1, 1], [1, 1]], others=1.0), np.array([0, 1]))
    assert (found.right_first, found.map_10, found.recall) == (0.5, 0.5, (0.0, 0.0))


def test_precision_counts_ten_and_no_more() -> None:
    """An own query at rank 11 is not found; twelve own ones are held against ten places."""
    queries = [[float(-rank), 0.0] for rank in range(12)]
    late = figures(scores([*queries, [0, 9]]), np.array([1] * 10 + [0, 1, 1]))
    assert late.map_10 < 0.6
    many = figures(scores([*([[1.0, 0.0]] * 12), [0.0, 1.0]]), np.array([0] * 12 + [1]))
    assert many.map_10 == 1.0


def test_threshold_lets_only_its_share_of_others_alarm() -> None:
    """Of 500, 0.2 % is one: the second highest is the limit, which a query must be above."""
    others = np.arange(500, dtype=np.float32)[:, None]
    queries = np.array([[499.0], [498.5], [498.0], [495.5], [494.0]], np.float32)
    truth = np.zeros(5, np.intp)
    assert recall_at(Scores(queries, others), truth, 0.002) == pytest.approx(2 / 5)
    assert recall_at(Scores(queries, others), truth, 0.01) == pytest.approx(4 / 5)
    assert recall_at(Scores(queries, others), truth, 0.0) == 0.0


@pytest.mark.parametrize(
    ("given", "truth", "message"),
    [
        (scores([[1, 2]]), [0], "no query of the classes"),
        (scores([[1, 2], [1, 2]]), [0], r"give \(1, classes\)"),
        (scores([[1, np.nan], [1, 2]]), [0, 1], "not a number"),
        (Scores(np.ones((1, 1), np.float32), np.ones((9, 1), np.float32)), [0], "are 9; give 500"),
        (Scores(np.ones((1, 1), np.float32), np.ones((500, 2), np.float32)), [0], "for others"),
    ],
)
def test_scores_that_cannot_be_judged_are_refused(
    given: Scores, truth: list[int], message: str
) -> None:
    """A figure of something else would pass for the figure."""
    with pytest.raises(ValueError, match=message):
        figures(given, np.array(truth))


def clip(data_set: str, label: str, family: str, number: int) -> Take:
    """A test clip."""
    name = f"{data_set}/{family}-{label}-{number}"
    return Take(Recording(name, f"{name}.ogg", family, Split.TEST), label, family)


def some_clips() -> tuple[Take, ...]:
    """60 series, a lathe, labels of three sources, and 600 other sounds."""
    found = [clip("effects-cc", f"s{n}", f"g{n}", take) for n in range(60) for take in range(8)]
    found += [clip("vroom-lathe", "lathe", "lathe", second) for second in range(20)]
    found += [
        clip("esc50-40", f"l{n}", f"{n}/{source}", take)
        for n in range(50)
        for source in range(3)
        for take in range(2)
    ]
    found += [clip("everyday-cc", f"o{n}", f"o{n}", 0) for n in range(600)]
    return tuple(found)


def families(some: tuple[tuple[Take, ...], ...]) -> list[set[str]]:
    """Of each class's clips."""
    return [{one.family for one in own} for own in some]


def ids(drawn: Drawn) -> set[str]:
    """Of all examples and queries."""
    return {one.id for part in (drawn.examples, drawn.queries) for own in part for one in own}


@pytest.mark.parametrize("sources", list(Sources))
def test_no_clip_is_both_example_and_query(sources: Sources) -> None:
    """Nor is one of them among the other sounds, nor anything of their labels."""
    for seed in range(5):
        drawn = draw(some_clips(), sources, seed)
        assert len(drawn.classes) == CLASSES
        for examples, queries in zip(drawn.examples, drawn.queries, strict=True):
            assert {one.label for one in examples} == {one.label for one in queries}
            assert len({one.id for one in (*examples, *queries)}) == len(examples) + len(queries)
            assert 1 <= len(queries) <= QUERIES
        labels = {one.label for own in drawn.examples for one in own}
        assert not labels & {one.label for one in drawn.others}
        assert not ids(drawn) & {one.id for one in drawn.others}
        assert len(drawn.others) >= FEWEST_OTHERS


def test_other_sources_are_other_sources() -> None:
    """No query is of a source that gave an example; of the same source, all are."""
    drawn = draw(some_clips(), Sources.OTHER, 0)
    pairs = zip(families(drawn.examples), families(drawn.queries), strict=True)
    assert all(not mine & theirs for mine, theirs in pairs)
    drawn = draw(some_clips(), Sources.SAME, 0)
    assert families(drawn.examples) == families(drawn.queries)


def test_machines_are_heard_in_the_order_of_time() -> None:
    """Examples of the first half, queries of the second."""
    machine = tuple(one for one in some_clips() if one.data_set == "vroom-lathe")
    rest = tuple(one for one in some_clips() if one.data_set == "everyday-cc")
    for seed in range(5):
        drawn = draw((*machine, *rest), Sources.SAME, seed)
        seconds = [
            [int(one.id.rpartition("-")[2]) for one in own[0]]
            for own in (drawn.examples, drawn.queries)
        ]
        assert max(seconds[0]) < 10 <= min(seconds[1])


def test_the_seed_decides() -> None:
    """And nothing else."""
    clips = some_clips()
    assert draw(clips, Sources.SAME, 3) == draw(clips, Sources.SAME, 3)
    assert draw(clips, Sources.SAME, 3) != draw(clips, Sources.SAME, 4)


def test_too_little_is_said() -> None:
    """A threshold of fewer sounds would be a guess."""
    clips = tuple(one for one in some_clips() if one.data_set != "everyday-cc")[:200]
    with pytest.raises(ValueError, match=r"others: are \d+; the test split needs 500"):
        draw(clips, Sources.SAME, 0)
    with pytest.raises(ValueError, match="other sources: no class has clips enough"):
        draw(clips, Sources.OTHER, 0)


def test_noise_is_as_strong_as_it_says() -> None:
    """By the power of the sound while it sounds."""
    rng = np.random.default_rng(0)
    sound = np.zeros(32_000, np.float32)
    sound[8_000:16_000] = 0.1 * np.sin(np.arange(8_000) * 0.3)
    noise = rng.standard_normal(64_000).astype(np.float32)
    mixed = in_noise(sound, noise, 10.0, np.random.default_rng(1))
    quiet = in_noise(0.001 * sound, noise, 10.0, np.random.default_rng(1))
    assert np.allclose(mixed, 1_000.0 * quiet, atol=1e-5)
    first = int(np.random.default_rng(1).integers(32_001))
    alone = mixed.astype(np.float64)
    alone[first : first + len(sound)] -= sound
    wave = sound.astype(np.float64)
    ratio = mean_power(wave, sounding(wave)) / np.mean(np.square(alone))
    assert 10 * np.log10(ratio) == pytest.approx(10.0, abs=0.1)


class Silence(Sounds):
    """Sounds that need no files."""

    def heard(self, clip: Take, condition: Condition) -> Sound:
        """Nothing."""
        return Sound(f"{clip.id} {condition}", np.zeros(8, np.float32))


@pytest.mark.parametrize("count", EXAMPLES)
def test_fewer_examples_are_the_first_of_more(tmp_path: Path, count: int) -> None:
    """All else stays, so that only what the further ones give is seen; examples are clean."""
    setting = Setting(Sources.SAME, Condition.SNR_10, count)
    made = list(trials(some_clips(), Silence(tmp_path), setting, range(2)))
    assert [trial.seed for trial in made] == [0, 1]
    most = draw(some_clips(), Sources.SAME, 0)
    for own, drawn in zip(made[0].examples, most.examples, strict=True):
        assert [one.key for one in own] == [f"{one.id} clean" for one in drawn[:count]]
    keys = [f"{one.id} 10 dB" for own in most.queries for one in own]
    assert [one.key for one in made[0].queries] == keys
    assert made[0].truth.tolist() == sorted(made[0].truth.tolist())
    assert len(made[0].others) == len(most.others)
    assert made[0].labels == tuple(own[0].label for own in most.examples)


def test_a_method_is_measured_over_all_seeds(tmp_path: Path) -> None:
    """One that knows the truth is right, by every figure."""

    def knowing(trial: Trial) -> Scores:
        own = trial.truth[:, None] == np.arange(len(trial.classes))
        others = np.zeros((len(trial.others), len(trial.classes)), np.float32)
        return Scores(own.astype(np.float32), others)

    setting = Setting(Sources.OTHER, Condition.CLEAN, 1)
    found = measured(knowing, some_clips(), Silence(tmp_path), setting, range(3))
    assert (found.right_first, found.map_10, found.recall) == (1.0, 1.0, (1.0, 1.0))


def test_recordings_are_enough_for_the_protocol(data_dir: Path) -> None:
    """More series and labels than are drawn at a time, and sounds as they are said to be."""
    clips = read_clips(data_dir)
    assert len(same_source(clips)) > CLASSES
    assert len(other_sources(clips)) > CLASSES
    for sources in Sources:
        assert len(draw(clips, sources, 0).classes) == CLASSES
    sounds = Sounds(data_dir)
    heard = {one: sounds.heard(clips[0], one).samples for one in Condition}
    assert all(one.dtype == np.float32 and one.ndim == 1 for one in heard.values())
    assert all(np.abs(one).max() <= 1.0 for one in heard.values())
    quiet = heard[Condition.CLEAN] * np.float32(10.0**-1.5)
    assert np.allclose(heard[Condition.QUIETER], quiet, atol=1e-7)
    assert len(heard[Condition.SNR_0]) >= len(heard[Condition.CLEAN]) + 32_000
    again = Sounds(data_dir).heard(clips[0], Condition.SNR_0).samples
    assert np.array_equal(again, heard[Condition.SNR_0])
