"""The joint training: InfoNCE on pairs and ListNet on rated lists, on the same model.

Both towers' heads learn, and the audio tower itself behind its first blocks; the text tower is
frozen, so its embeddings are computed once. What the start knew of sounds that are not among the
recordings is kept by staying near to its embeddings of AudioSet's texts and of the same windows.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from agent.core import files
from training.data.files import write_json
from training.model import checkpoint
from training.model.dual_encoder import DualEncoder, between
from training.train.config import TrainConfig
from training.train.material import Material
from training.train.objective import Objective, Terms
from training.train.parallel import ALONE, World, device_of
from training.train.sounds import FreshWindows, KeptWindows, Sounds, Windows, unfamiliar_sounds
from training.train.validation import Judge

_STATE = "state.pt"
_MODEL = "model.pt"
_REPORT = "report.json"
_CURVES = "tensorboard"
_LOG_EVERY = 10
_VIEWS_SEED = 1_000_003
_WARM_UP_STEPS = 20


@dataclass(slots=True)
class Progress:
    """Where a training stands."""

    step: int = 0
    best: float = -1.0
    """Validation score of the best model so far."""
    since_best: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is heard through the start's frozen blocks, whatever is learned from it."""

    sounds: Sounds
    judge: Judge
    unfamiliar: KeptWindows | None = None
    """Sounds that no recording teaches; ``None`` where they have no weight."""


class Extra(Protocol):
    """A term that some trainings have beside the joint loss."""

    name: str
    """In the log."""

    @property
    def identity(self) -> str:
        """What has to be the same for a saved state to go on from."""

    def __call__(self, model: DualEncoder, chance: torch.Generator, world: World) -> Tensor:
        """The term of a newly drawn batch, a scalar, the same on all processes."""


def prepare(
    start: DualEncoder,
    material: Material,
    config: TrainConfig,
    track: Callable[[range], Iterable[int]] = iter,
) -> Prepared:
    """Hear the windows that are kept, and the validation recordings.

    Args:
        start: the model to start from, on the training's device.
        material: what is learned from.
        config: the settings.
        track: shows how far it is.
    """
    frames = round(config.batch.window_s * start.level.constants.frame_rate_hz)
    windows = Windows(material.train.log_mels, frames, augmented=config.augment)
    sounds: Sounds = FreshWindows(windows, start, config.frozen_blocks)
    if config.views:
        seed = _VIEWS_SEED * (1 + config.seed)
        sounds = KeptWindows(sounds, len(windows), config.views, seed, track)
    others = None
    if config.loss.keep_unfamiliar:
        others = unfamiliar_sounds(start, config.frozen_blocks, frames, config.unfamiliar)
    return Prepared(sounds, Judge(material.validation, start, config.frozen_blocks), others)


class Trainer:
    """One training, that can be killed at any time and goes on where its state was saved."""

    def __init__(
        self,
        start: DualEncoder,
        material: Material,
        config: TrainConfig,
        world: World = ALONE,
        prepared: Prepared | None = None,
        *,
        extra: Extra | None = None,
    ) -> None:
        """Prepare the first step, or take up the saved state in the output folder.

        Args:
            start: the model to start from.
            material: what is learned from.
            config: the settings.
            world: the processes that train together.
            prepared: what :func:`prepare` made of the same; made here if ``None``.
            extra: a term beside the joint loss.

        Raises:
            ValueError: the saved state is of another training, or the device is not there.
        """
        self.config = config
        self.material = material
        self.progress = Progress()
        self._world = world
        self._extra = extra
        device = device_of(config.device, world)
        self.start = copy.deepcopy(start).eval().requires_grad_(requires_grad=False).to(device)
        # Batch norms stay as they are: batches are small and augmented.
        self.model = copy.deepcopy(start).eval().requires_grad_(requires_grad=True).to(device)
        self.model.tower.freeze(config.frozen_blocks)
        self.joint = config.loss.joint().to(device)
        self.optimiser = _optimiser(self.model, self.joint, config)
        self.chance = torch.Generator().manual_seed(config.seed)
        prepared = prepared or prepare(self.start, material, config)
        self._objective = Objective(
            self.start,
            material.train,
            material.texts,
            prepared.sounds,
            config,
            unfamiliar=prepared.unfamiliar,
        )
        self._judge = prepared.judge
        self._resume()
        self._curves: SummaryWriter | None = None
        if world.first and config.tensorboard:
            self._curves = SummaryWriter(
                str(config.output / _CURVES), purge_step=self.progress.step + 1
            )

    @property
    def done(self) -> bool:
        """Whether it has come to its end."""
        exhausted = self.progress.since_best >= self.config.patience
        return exhausted or self.progress.step >= self.config.steps

    def run(
        self,
        report: Callable[[dict[str, float]], None] = lambda _: None,
        stepped: Callable[[int], None] = lambda _: None,
    ) -> DualEncoder:
        """Train to the end.

        Args:
            report: told of each validation.
            stepped: told of each step.

        Returns:
            The model that did best on the validation recordings.
        """
        if self.progress.step == 0:
            self._validate(report)
        while not self.done:
            self.step()
            stepped(self.progress.step)
            if self.done or self.progress.step % self.config.validate_every == 0:
                self._validate(report)
        if self._curves is not None:
            self._curves.close()
        self._world.wait()
        return checkpoint.load(self.config.output / _MODEL)

    def step(self) -> float:
        """One step of the optimiser; the loss before it."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * self._rate_share()
        self.optimiser.zero_grad()
        share = self.progress.step / self.config.steps
        terms = self._objective(self.model, self.joint, share, self.chance, self._world)
        if self._extra is not None:
            term = self._extra(self.model, self.chance, self._world)
            terms = terms.plus(self._extra.name, term)
        terms.loss.backward()  # type: ignore[no-untyped-call]
        learned = [*self.model.parameters(), *self.joint.parameters()]
        self._world.average(learned)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.optimiser.most_norm)
        self.optimiser.step()
        self.progress.step += 1
        if self.progress.step % _LOG_EVERY == 0:
            self._log(terms)
        return float(terms.loss.detach())

    def result(self) -> DualEncoder:
        """The model as it would be written now: between the start and what was trained."""
        return between(self.start, self.model, self.config.blend)

    def _rate_share(self) -> float:
        """Of the full rates: a short warm-up, then half a cosine down to nothing."""
        step = self.progress.step
        warm = min(1.0, (step + 1) / _WARM_UP_STEPS)
        return warm * 0.5 * (1.0 + math.cos(math.pi * step / self.config.steps))

    def _log(self, terms: Terms) -> None:
        if self._curves is None:
            return
        step = self.progress.step
        weights = self.joint.weights(step / self.config.steps)
        shown = {
            "loss/all": float(terms.loss.detach()),
            **{f"loss/{name}": float(term.detach()) for name, term in terms.parts.items()},
            "weight/labels": weights.binary,
            "weight/ratings": weights.continuous,
            "logit scale": float(self.model.logit_scale.detach()),
        }
        for name, value in shown.items():
            self._curves.add_scalar(name, value, step)

    def _validate(self, report: Callable[[dict[str, float]], None]) -> None:
        """Judge the model, keep it if it is the best, and save where the training stands."""
        result = self.result()
        figures = {"step": float(self.progress.step), **self._judge(result)}
        self.progress.history.append(figures)
        better = figures["score"] > self.progress.best
        self.progress.since_best = 0 if better else self.progress.since_best + 1
        self.progress.best = max(figures["score"], self.progress.best)
        if not self._world.first:
            return
        self.config.output.mkdir(parents=True, exist_ok=True)
        if better:
            checkpoint.save(result.cpu(), self.config.output / _MODEL)
        self._save()
        write_json(self.config.output / _REPORT, self.progress.history)
        if self._curves is not None:
            for name, value in figures.items():
                if name != "step":
                    self._curves.add_scalar(f"validation/{name}", value, self.progress.step)
        report(figures)

    def _save(self) -> None:
        state = {
            "identity": self._identity(),
            "progress": asdict(self.progress),
            "model": self.model.state_dict(),
            "joint": self.joint.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "chance": self.chance.get_state(),
        }
        # Whoever is killed while writing leaves the last state as it was.
        with files.replacing(self.config.output / _STATE) as file:
            torch.save(state, file)

    def _resume(self) -> None:
        path = self.config.output / _STATE
        if not path.is_file():
            return
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if state.get("identity") != self._identity():
            raise ValueError(
                f"{path}: is of a training with other settings; name another output folder, or "
                "delete this one"
            )
        self.progress = Progress(**state["progress"])
        self.model.load_state_dict(state["model"])
        self.joint.load_state_dict(state["joint"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.chance.set_state(state["chance"])

    def _identity(self) -> str:
        """What has to be the same for the saved state to go on from."""
        train = self.material.train
        lists = [tuple(table.ratings.shape) for table in train.rated]
        extra = "" if self._extra is None else f" {self._extra.identity}"
        return f"{self.config} {tuple(train.relevant.shape)} {lists}{extra}"


def _optimiser(model: DualEncoder, joint: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    settings = config.optimiser
    tower = set(model.tower.parameters())
    heads = [parameter for parameter in model.parameters() if parameter not in tower]
    groups = [
        {
            "params": [
                parameter for parameter in model.tower.parameters() if parameter.requires_grad
            ],
            "rate": settings.tower_rate,
        },
        {"params": [*heads, *joint.parameters()], "rate": settings.head_rate},
    ]
    return torch.optim.AdamW(groups, lr=0.0, weight_decay=settings.weight_decay)
