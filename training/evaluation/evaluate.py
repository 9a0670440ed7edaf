"""Asks a model everything that there is, and keeps a value a query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from agent.core.records import FloatArray
from training.data.arrays import Mask, Values
from training.evaluation.conditions import Condition, Noise
from training.evaluation.encoders import Encoder
from training.evaluation.material import Material
from training.evaluation.tasks import Answers

ALL, LEFT_OUT, TRAINED = "all", "left out", "trained"
_TOGETHER_FRAMES = 4_000
"""Recordings of one length are encoded together up to so many frames."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What a figure is of, whatever the model."""

    data_set: str
    language: str
    """Of the texts; ``any`` where there are none."""
    task: str
    """``retrieval``, ``class names``, ``onomatopoeia``, ``neighbours``, ``human ratings`` ..."""
    direction: str
    metric: str
    classes: str
    """``all``; ``left out`` or ``trained`` where classes were left out of the training."""
    condition: str


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure of one model: a value a query."""

    key: Key
    queries: tuple[str, ...]
    """Ids of recordings or texts; the same for every model."""
    values: Values
    chance: float
    """What a random order of the items is expected to reach, the mean over the same queries."""


@dataclass(frozen=True, slots=True)
class Results:
    """All that was measured of a model."""

    model: str
    measured: tuple[Measured, ...]


def evaluate(
    encoder: Encoder,
    material: Material,
    conditions: Sequence[Condition],
    *,
    model: str,
    noise: Noise | None = None,
    heard: Callable[[int], None] = lambda _: None,
) -> Results:
    """Judge a model on whole recordings.

    Args:
        encoder: the model.
        material: decoded once, for all models.
        conditions: that it is judged under.
        model: its name.
        noise: for the conditions with noise; made here if ``None``. The same for all models.
        heard: told the number of recordings that were encoded since it was told last.

    Returns:
        Measures in the order of conditions and tasks.
    """
    if noise is None and any(condition.snr_db is not None for condition in conditions):
        noise = Noise.held_out()
    texts = encoder.encode_texts(material.texts).astype(np.float64)
    nothing = np.zeros((len(material.texts), len(material.recordings)))
    chances = dict(_judged(material, nothing, np.zeros((len(material.recordings), 1), np.float32)))
    measured: list[Measured] = []
    for condition in conditions:
        embeddings = _encoded(encoder, material, condition, noise, heard)
        scores = texts @ embeddings.astype(np.float64).T
        for number, answers in _judged(material, scores, embeddings):
            by_chance = chances[number].values
            measured += _by_classes(material, number, answers, by_chance, condition.name)
    return Results(model, tuple(measured))


def encode(
    encoder: Encoder, log_mels: Sequence[FloatArray], heard: Callable[[int], None] = lambda _: None
) -> FloatArray:
    """Embeddings of whole recordings, in their order, ``(recordings, dim)``.

    Args:
        encoder: the model.
        log_mels: each ``(n_mels, n_frames)``.
        heard: told the number of recordings that were encoded since it was told last.
    """
    by_length: dict[int, list[int]] = {}
    for at, log_mel in enumerate(log_mels):
        by_length.setdefault(log_mel.shape[1], []).append(at)
    rows: dict[int, FloatArray] = {}
    for frames, places in by_length.items():
        together = max(1, _TOGETHER_FRAMES // frames)
        for first in range(0, len(places), together):
            batch = places[first : first + together]
            embeddings = encoder.encode_audio(np.stack([log_mels[at] for at in batch]))
            rows |= dict(zip(batch, embeddings, strict=True))
            heard(len(batch))
    return np.stack([rows[at] for at in range(len(log_mels))])


def _encoded(
    encoder: Encoder,
    material: Material,
    condition: Condition,
    noise: Noise | None,
    heard: Callable[[int], None],
) -> FloatArray:
    changed = [
        condition.apply(log_mel, name, noise)
        for name, log_mel in zip(material.recordings, material.log_mels, strict=True)
    ]
    return encode(encoder, changed, heard)


def _judged(
    material: Material, scores: Values, embeddings: FloatArray
) -> Iterator[tuple[tuple[int, int], Answers]]:
    """Each measure by the number of its task, and its own within it."""
    for task_number, task in enumerate(material.tasks):
        for number, answers in enumerate(task.judge(scores, embeddings)):
            yield (task_number, number), answers


def _by_classes(
    material: Material, number: tuple[int, int], answers: Answers, by_chance: Values, condition: str
) -> Iterator[Measured]:
    """The measure over all queries, and apart where some classes were left out."""
    task = material.tasks[number[0]]
    left_out = answers.queries.left_out[answers.kept]
    names = np.array(answers.queries.names, dtype=object)[answers.kept]
    groups: dict[str, Mask] = {ALL: np.ones_like(left_out)}
    if bool(left_out.any()):
        groups |= {LEFT_OUT: left_out, TRAINED: ~left_out}
    for classes, own in groups.items():
        if not bool(own.any()):
            continue
        key = Key(
            data_set=task.data_set,
            language=task.language,
            task=task.name,
            direction=str(answers.direction),
            metric=answers.metric,
            classes=classes,
            condition=condition,
        )
        chance = float(by_chance[own].mean())
        yield Measured(key, tuple(names[own]), answers.values[own], chance)
