"""Noisy labels among real embeddings are found by what sounds like them."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.bundle import loading as bundles
from agent.capture.audiofile import read_audio
from agent.encoder.audio import Encoder
from agent.hearing.windows import whole_window
from tests.training.quality.people import Habit, Truth, simulated
from training.data.readers.label_lines import Verdict
from training.quality.neighbours import NEIGHBOURS, second_look, vote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.quality.neighbours import SecondLook

# What a description is confirmed for, and what it is mistaken for.
_CLASSES = {
    "glass_breaking": ("can_opening", "mouse_click"),
    "siren": ("clock_alarm", "car_horn"),
    "hand_saw": ("engine", "vacuum_cleaner"),
}
_EACH = 14


@pytest.fixture(scope="module")
def truths(data_dir: Path) -> list[Truth]:
    """Real sounds of nine classes, embedded as the box does."""
    bundle = bundles.load()
    encoder = Encoder(bundle)
    names: dict[str, list[str]] = {}
    with (data_dir / "esc50-40" / "clips.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            names.setdefault(row["category"], []).append(row["filename"])
    found = []
    for right, others in _CLASSES.items():
        for name in (right, *others):
            for file_name in names[name][:_EACH]:
                samples = read_audio(data_dir / "esc50-40" / "audio" / file_name, 32_000)
                window = whole_window(bundle, file_name, samples)
                embedding = encoder.embed([window]).joint[0]
                found.append(Truth(file_name, right, name == right, embedding))
    return found


def _by_neighbours(looks: Sequence[SecondLook]) -> list[SecondLook]:
    return [one for one in looks if any("most like it" in why for why in one.reasons)]


def test_flipped_verdicts_are_found(truths: list[Truth]) -> None:
    """One operator, a tenth of whose verdicts are wrong: most are listed, few others are."""
    precisions, recalls = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        gathered, _ = simulated(truths, {"a": Habit.CAREFUL}, rng, share=1.0)
        flipped = set(rng.choice(len(truths), size=len(truths) // 10, replace=False).tolist())
        items = []
        for number, (item, one) in enumerate(zip(gathered.items, truths, strict=True)):
            fits = one.fits != (number in flipped)
            said = Verdict.CONFIRM if fits else Verdict.REJECT
            items.append(replace(item, verdicts={"a": said}, ratings={}))
        looks = second_look(items)
        listed = {items.index(one.item) for one in looks}
        precisions.append(len(listed & flipped) / max(1, len(listed)))
        recalls.append(len(listed & flipped) / len(flipped))
        assert [one.suspicion for one in looks] == sorted(
            (one.suspicion for one in looks), reverse=True
        )
    assert np.mean(recalls) > 0.6
    assert np.mean(precisions) > 0.6


def test_right_answers_are_seldom_listed(truths: list[Truth]) -> None:
    """Without a wrong verdict less than one in ten is listed."""
    items = [
        replace(item, verdicts={"a": Verdict.CONFIRM if one.fits else Verdict.REJECT}, ratings={})
        for item, one in zip(
            simulated(truths, {"a": Habit.CAREFUL}, np.random.default_rng(0), 1.0)[0].items,
            truths,
            strict=True,
        )
    ]
    assert len(_by_neighbours(second_look(items))) < 0.1 * len(items)


def test_answers_that_contradict_each_other_are_listed(truths: list[Truth]) -> None:
    """People who differ, a rating against its own verdict, and somebody nobody relies on."""
    item = simulated(truths[:1], {"a": Habit.CAREFUL}, np.random.default_rng(0), 1.0)[0].items[0]
    yes, no = Verdict.CONFIRM, Verdict.REJECT
    differ = replace(item, verdicts={"a": yes, "b": no}, ratings={})
    odd = replace(item, verdicts={"a": yes}, ratings={"a": 5.0})
    lone = replace(item, verdicts={"x": yes}, ratings={})
    fine = replace(item, verdicts={"a": yes}, ratings={"a": 95.0})
    found = second_look([differ, odd, lone, fine], {"x"})
    assert [one.item for one in found] == [differ, odd, lone]
    assert [one.suspicion for one in found] == [1.0, 0.9, 0.5]
    assert found[0].reasons == ("people differ: a says confirm, b says reject",)
    assert found[1].reasons == ("a says confirm and rates it 5",)
    assert found[2].reasons == ("answered by nobody but x",)


def test_the_same_sound_is_no_neighbour_of_itself(truths: list[Truth]) -> None:
    """A clip that was answered twice under two lines does not vote for itself."""
    sirens = [one for one in truths if one.description == "siren"]
    doubled = [*sirens, *sirens]
    embeddings = np.stack([one.embedding for one in doubled]).astype(np.float64)
    fits = np.array([one.fits for one in doubled])
    _, near = vote(embeddings, fits, [one.heard for one in doubled])
    assert all(len(own) == NEIGHBOURS for own in near)
    for row, own in enumerate(near):
        assert doubled[row].heard not in {doubled[at].heard for at in own}
