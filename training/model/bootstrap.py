"""The first joint space, from AudioSet's 527 classes alone and without any audio.

The audio tower already tells 527 classes apart. Texts about a class (its name, the ontology's
description, our phrasings in two languages) are regressed onto that class in the space of the
tower's two views: its posterior and its row of the last layer. A sound that no class names then
finds its place between the classes whose texts it resembles, as in ConSE (Norouzi et al., ICLR
2014) and DeViSE (Frome et al., NIPS 2013).

What to regress with is chosen by leaving whole branches of the ontology out: the classes of a
branch have to be told apart by their texts although no text about the branch was seen.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from agent.core.records import FloatArray
from training.data.arguments import add_folders
from training.data.arrays import Numbers, Values
from training.data.audioset import ClassText, SoundClass, load_classes, load_texts
from training.data.files import write_json
from training.model import checkpoint, kernel
from training.model.audio_tower import Activations, AudioTower
from training.model.dual_encoder import DualEncoder
from training.model.heads import ModelConfig
from training.model.text_tower import TextTower
from training.model.towers import DEFAULT, TOWERS, tower_kind

_TOP = 10
# A name is what people write first and most often; beside another kind of text it counts twice.
_NAME_WEIGHT = 2.0
# Enough to compare kernels by; with all of them a choice would take an hour.
_LANDMARKS_TO_CHOOSE_BY = 640
# The logit that an imagined recording of a class gives to it.
_CLEARLY_HEARD = 1.0


@dataclass(frozen=True, slots=True)
class Choice:
    """What the regression is made with."""

    temperature: float
    ridge: float


# Kernels of half and of twice this width tell classes apart as well, within 0.003 of the mean
# reciprocal rank; so only the regularisation is chosen.
_TEMPERATURE = 1.0
GRID = tuple(Choice(_TEMPERATURE, ridge) for ridge in (0.001, 0.003, 0.01, 0.03, 0.1))


@dataclass(frozen=True, slots=True)
class BranchScore:
    """How well classes of an unseen branch are told apart by their texts."""

    choice: Choice
    language: str
    reciprocal_rank: float
    recall_at_10: float


@dataclass(frozen=True, slots=True)
class Task:
    """Everything that the regression works on."""

    classes: tuple[SoundClass, ...]
    texts: tuple[ClassText, ...]
    embeddings: FloatArray
    """Of the texts, shape ``(texts, text_size)``."""
    class_targets: Values
    """Each class in the joint space, shape ``(classes, embedding_size)``."""
    imagined: Values
    """Unit audio embeddings that a clear recording of each class would have, same shape."""

    @property
    def owners(self) -> Values:
        """Index of each text's class."""
        return np.array([text.index for text in self.texts])


def fit_texts(
    task: Task, rows: Sequence[int], choices: Sequence[Choice], landmarks: int
) -> list[kernel.KernelFit]:
    """Regress some of the texts onto their classes, by each choice; each class counts the same."""
    chosen = np.asarray(rows)
    owners = task.owners[chosen].astype(int)
    weights = text_weights(task, chosen)
    # All choices have kernels of one width, see GRID.
    return kernel.fits(
        task.embeddings[chosen],
        task.class_targets[owners],
        weights,
        landmarks=landmarks,
        temperature=choices[0].temperature,
        ridges=[choice.ridge for choice in choices],
    )


def text_weights(task: Task, rows: Numbers) -> Values:
    """How much some of the texts count; each class counts the same."""
    owners = task.owners[rows].astype(int)
    weights = np.array([_NAME_WEIGHT if task.texts[row].kind == "name" else 1.0 for row in rows])
    shared: Values = weights / np.bincount(owners, weights, minlength=len(task.classes))[owners]
    return shared


def leave_branches_out(
    task: Task, choices: Sequence[Choice], landmarks: int
) -> Iterator[BranchScore]:
    """Score choices on the classes of each branch in turn, by language."""
    owners = task.owners.astype(int)
    ranks: dict[tuple[Choice, str], list[int]] = {}
    for branch in sorted({name for sound in task.classes for name in sound.branches}):
        unseen = {sound.index for sound in task.classes if branch in sound.branches}
        seen_rows = [row for row, owner in enumerate(owners) if owner not in unseen]
        asked = [row for row, owner in enumerate(owners) if owner in unseen]
        candidates = np.array(sorted(unseen))
        places = np.arange(len(asked)), np.searchsorted(candidates, owners[asked])
        fitted = fit_texts(task, seen_rows, choices, landmarks)
        for choice, fit in zip(choices, fitted, strict=True):
            predicted = kernel.unit(fit.predict(task.embeddings[asked]))
            cosine = predicted @ task.imagined[candidates].T
            own = cosine[places]
            for row, rank in zip(asked, 1 + (cosine > own[:, None]).sum(axis=1), strict=True):
                ranks.setdefault((choice, task.texts[row].language), []).append(int(rank))
    for choice in choices:
        for language in sorted({language for _, language in ranks}):
            rank = np.array(ranks[choice, language])
            mean, within = (1.0 / rank).mean(), (rank <= _TOP).mean()
            yield BranchScore(choice, language, float(mean), float(within))


def choose(task: Task, landmarks: int) -> tuple[Choice, tuple[BranchScore, ...]]:
    """The choice with the best mean reciprocal rank over both languages, and all scores."""
    scores = list(leave_branches_out(task, GRID, landmarks))
    totals = {
        choice: np.mean([score.reciprocal_rank for score in scores if score.choice == choice])
        for choice in GRID
    }
    return max(GRID, key=lambda point: float(totals[point])), tuple(scores)


def class_views(tower: AudioTower, config: ModelConfig) -> Values:
    """The classes as targets in the space of both views, shape ``(classes, views)``."""
    rows = kernel.unit(tower.class_rows.detach().numpy().astype(np.float64))
    ones = np.eye(tower.classes) - 1.0 / tower.classes
    return np.concatenate([ones, config.hidden_weight * (rows - rows.mean(axis=0))], axis=1)


def projection(views: Values, size: int) -> Values:
    """Orthonormal rows that keep the most of the classes' differences, ``(size, views)``."""
    _, _, directions = np.linalg.svd(views, full_matrices=False)
    kept: Values = directions[:size]
    # The sign of a singular vector is arbitrary; fixed, so that every machine agrees.
    strongest = np.abs(kept).argmax(axis=1)
    signs = np.sign(kept[np.arange(len(kept)), strongest])
    fixed: Values = kept * signs[:, None]
    return fixed


def imagined_views(tower: AudioTower, model: DualEncoder) -> Values:
    """What the tower would hear in a clear recording of each class alone.

    The hidden layer is taken along the class's own row, as far as the class's logit needs.
    """
    rows = tower.class_rows.detach()
    bias = tower.class_biases.detach()
    unit = torch.nn.functional.normalize(rows, dim=-1)
    length = (_CLEARLY_HEARD - bias) / rows.norm(dim=-1)
    hidden = unit * length[:, None]
    with torch.no_grad():
        embedded = model.audio_head(Activations(hidden, hidden @ rows.T + bias))
    imagined: Values = embedded.numpy().astype(np.float64)
    return imagined


def build(data: Path, config: ModelConfig, texts_by: TextTower) -> tuple[DualEncoder, Task]:
    """The model with the tower and the projection in place, and what its text head learns from."""
    model = DualEncoder(config)
    tower = tower_kind(config.tower).load(data)
    model.tower.load_state_dict(tower.state_dict())
    views = class_views(tower, config)
    directions = projection(views, config.embedding_size - 1)
    with torch.no_grad():
        model.audio_head.project.weight.copy_(torch.from_numpy(directions))
    classes = load_classes(data)
    texts = load_texts(classes)
    task = Task(
        classes=classes,
        texts=texts,
        embeddings=texts_by.embed([text.text for text in texts]),
        # Texts have nothing of the last coordinate, see AudioHead.
        class_targets=np.pad(views @ directions.T, ((0, 0), (0, 1))),
        imagined=imagined_views(tower, model),
    )
    return model.eval(), task


def train(data: Path, config: ModelConfig) -> tuple[DualEncoder, dict[str, object]]:
    """Choose, fit and put the text head in place.

    Returns:
        The model, and the report that is written beside it.
    """
    model, task = build(data, config, TextTower.load())
    chosen, scores = choose(task, min(config.landmarks, _LANDMARKS_TO_CHOOSE_BY))
    (fitted,) = fit_texts(task, range(len(task.texts)), [chosen], config.landmarks)
    head = model.text_head
    head.temperature = chosen.temperature
    model.config = ModelConfig(**{**asdict(config), "temperature": chosen.temperature})
    with torch.no_grad():
        head.mean.copy_(torch.from_numpy(fitted.mean))
        head.landmarks.copy_(torch.from_numpy(fitted.landmarks))
        head.output.weight.copy_(torch.from_numpy(fitted.coefficients.T))
        head.output.bias.copy_(torch.from_numpy(fitted.intercept))
    report = {
        "classes": len(task.classes),
        "texts": len(task.texts),
        "chosen": asdict(chosen),
        "left_out_branches": [asdict(score) for score in scores],
    }
    return model, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training bootstrap``."""
    add_folders(parser, output="runs/bootstrap")
    parser.add_argument("--embedding-size", type=int, default=256)
    parser.add_argument("--landmarks", type=int, default=2048)
    parser.add_argument("--tower", choices=TOWERS, default=DEFAULT, help="the audio tower")


def config_of(arguments: argparse.Namespace) -> ModelConfig:
    """What the model is to be."""
    return ModelConfig(
        embedding_size=arguments.embedding_size,
        landmarks=arguments.landmarks,
        tower=arguments.tower,
    )


def run(arguments: argparse.Namespace) -> int:
    """Train, write the checkpoint and the report, print what was chosen and why."""
    model, report = train(arguments.data, config_of(arguments))
    checkpoint.save(model, arguments.output / "model.pt")
    write_json(arguments.output / "report.json", report)
    print(f"{report['texts']} texts about {report['classes']} classes")
    print("classes of a left-out branch, found by their texts among those of the branch:")
    print(f"{'kernel width':>12} {'ridge':>6} {'language':>8} {'MRR':>6} {'R@10':>6}")
    for score in report["left_out_branches"]:  # type: ignore[attr-defined]
        chosen = " <- chosen" if score["choice"] == report["chosen"] else ""
        print(
            f"{score['choice']['temperature']:>12} {score['choice']['ridge']:>6} "
            f"{score['language']:>8} {score['reciprocal_rank']:>6.3f} "
            f"{score['recall_at_10']:>6.3f}{chosen}"
        )
    print(f"wrote {arguments.output / 'model.pt'}")
    return 0
