"""The joint training: InfoNCE on pairs and ListNet on rated lists, on the same model.

Both towers' heads learn, and the audio tower itself at a lower rate; the text tower is frozen, so
its embeddings are computed once. What the start knew of sounds that are not among the recordings
is kept by staying near to its embeddings of AudioSet's texts and of the same windows.
"""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from training import checkpoint
from training.batches import draw_lists, draw_pairs, examples_of
from training.data.augment import AugmentConfig, augment, background_log_mels
from training.data.records import Split
from training.losses.infonce import false_negatives, infonce
from training.losses.listnet import listnet
from training.metrics import average_precision_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.records import FloatArray
    from training.batches import Examples
    from training.config import TrainConfig
    from training.data.records import Manifest
    from training.model import DualEncoder

_STATE = "state.pt"
_MODEL = "model.pt"
_REPORT = "report.json"
_DEPTH = 10
_BACKGROUNDS, _BACKGROUND_SEED, _BACKGROUND_FRAMES = 128, 7, 400


@dataclass(frozen=True, slots=True)
class Material:
    """What a training learns from and is judged by."""

    train: Examples
    validation: Examples
    kept_texts: Tensor
    """Of AudioSet, by the text tower, ``(texts, text_size)``."""


@dataclass(slots=True)
class Progress:
    """Where a training stands."""

    step: int = 0
    best: float = -1.0
    """Validation mAP@10 of the best model so far."""
    since_best: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def gather(
    manifest: Manifest,
    log_mels: Mapping[str, FloatArray],
    texts: Mapping[str, FloatArray],
    kept_texts: FloatArray,
) -> Material:
    """The material of a manifest.

    Args:
        manifest: with a training and a validation split.
        log_mels: by id of the recording.
        texts: embeddings by id of the caption.
        kept_texts: embeddings of AudioSet's texts.

    Raises:
        ValueError: one of the splits is empty.
    """
    train, validation = (
        examples_of(manifest, split, log_mels, texts) for split in (Split.TRAIN, Split.VALIDATION)
    )
    return Material(train, validation, torch.from_numpy(kept_texts))


class Trainer:
    """One training, that can be killed at any time and goes on where its state was saved."""

    def __init__(self, start: DualEncoder, material: Material, config: TrainConfig) -> None:
        """Prepare the first step, or take up the saved state in the output folder.

        Raises:
            ValueError: the saved state is of another training.
        """
        self.config = config
        self.material = material
        self.progress = Progress()
        self.start = copy.deepcopy(start).eval().requires_grad_(requires_grad=False)
        # Batch norms stay as they are: batches are small and augmented.
        self.model = copy.deepcopy(start).eval().requires_grad_(requires_grad=True)
        self.joint = config.loss.joint()
        self.optimiser = _optimiser(self.model, self.joint, config)
        self.chance = torch.Generator().manual_seed(config.seed)
        frame_rate_hz = self.model.level.constants.frame_rate_hz
        self.frames = round(config.batch.window_s * frame_rate_hz)
        self.noise: Tensor | None = None
        if config.augment:
            self.noise = background_log_mels(_BACKGROUNDS, _BACKGROUND_SEED, _BACKGROUND_FRAMES)
        with torch.inference_mode():
            self.kept = self.start.encode_text(material.kept_texts)
        self._resume()

    @property
    def done(self) -> bool:
        """Whether it has come to its end."""
        exhausted = self.progress.since_best >= self.config.patience
        return exhausted or self.progress.step >= self.config.steps

    def run(self, report: Callable[[dict[str, float]], None] = lambda _: None) -> DualEncoder:
        """Train to the end.

        Args:
            report: told of each validation.

        Returns:
            The model that did best on the validation recordings.
        """
        if self.progress.step == 0:
            self._validate(report)
        while not self.done:
            self.step()
            last = self.progress.step == self.config.steps
            if last or self.progress.step % self.config.validate_every == 0:
                self._validate(report)
        return checkpoint.load(self.config.output / _MODEL)

    def step(self) -> float:
        """One step of the optimiser; the loss before it."""
        self.optimiser.zero_grad()
        loss = self.loss()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.optimiser.most_norm)
        self.optimiser.step()
        self.progress.step += 1
        return float(loss.detach())

    def result(self) -> DualEncoder:
        """The model as it would be written now: between the start and what was trained.

        Weights in between keep most of what either end knows (WiSE-FT, Wortsman et al., "Robust
        fine-tuning of zero-shot models", CVPR 2022).
        """
        result = copy.deepcopy(self.model)
        with torch.no_grad():
            for own, start in zip(result.parameters(), self.start.parameters(), strict=True):
                own.lerp_(start, 1.0 - self.config.blend)
        result.text_head.round_to_half()
        return result

    def loss(self) -> Tensor:
        """The joint loss of a newly drawn batch, with what keeps it near the start."""
        config, train = self.config, self.material.train
        pairs = draw_pairs(train, config.batch, self.frames, self.chance)
        lists = draw_lists(train, config.batch, self.frames, self.chance)
        windows = pairs.windows if lists is None else torch.cat([pairs.windows, lists.windows])
        heard = self.model.encode_audio(self._augmented(windows))
        with torch.no_grad():
            before = self.start.encode_audio(windows)
        texts = self.model.encode_text(train.texts[pairs.captions])
        count = len(pairs.captions)
        # Only the captions that were drawn meet; all pairs known to fit are no negatives.
        relevant = train.relevant[pairs.captions][:, pairs.recordings]
        left_out = false_negatives(pairs.captions, pairs.recordings, relevant)
        binary = infonce(self.model.logit_scale * texts @ heard[:count].T, left_out)
        continuous = None
        if lists is not None:
            captions = self.model.encode_text(train.texts[lists.captions])
            items = heard[count:].reshape(*lists.ratings.shape, -1)
            scores = self.model.logit_scale * (captions[:, None] * items).sum(dim=-1)
            temperature = config.loss.rating_temperature
            continuous = listnet(scores, lists.ratings, lists.rated, temperature)
        loss: Tensor = self.joint(binary, continuous, self.progress.step / config.steps)
        return loss + self._distance(heard, before)

    def _augmented(self, windows: Tensor) -> Tensor:
        if self.noise is None:
            return windows
        return augment(windows, self.noise, AugmentConfig(), self.chance)

    def _distance(self, heard: Tensor, before: Tensor) -> Tensor:
        """How far texts and windows have gone from where the start had them."""
        loss = self.config.loss
        chosen = torch.randint(len(self.kept), (self.config.batch.texts,), generator=self.chance)
        texts = self.model.encode_text(self.material.kept_texts[chosen])
        of_texts = (1.0 - (texts * self.kept[chosen]).sum(dim=-1)).mean()
        of_audio = (1.0 - (heard * before).sum(dim=-1)).mean()
        return loss.keep_texts * of_texts + loss.keep_audio * of_audio

    def _validate(self, report: Callable[[dict[str, float]], None]) -> None:
        """Judge the model, keep it if it is the best, and save where the training stands."""
        result = self.result()
        figures = {"step": float(self.progress.step), **judge(result, self.material.validation)}
        self.progress.history.append(figures)
        self.config.output.mkdir(parents=True, exist_ok=True)
        if figures["mAP@10"] > self.progress.best:
            self.progress.best, self.progress.since_best = figures["mAP@10"], 0
            checkpoint.save(result, self.config.output / _MODEL)
        else:
            self.progress.since_best += 1
        state = {
            "identity": self._identity(),
            "progress": asdict(self.progress),
            "model": self.model.state_dict(),
            "joint": self.joint.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "chance": self.chance.get_state(),
        }
        temporary = self.config.output / f"{_STATE}.new"
        torch.save(state, temporary)
        temporary.replace(self.config.output / _STATE)
        text = json.dumps(self.progress.history, indent=2)
        (self.config.output / _REPORT).write_text(text + "\n", encoding="utf-8")
        report(figures)

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
        return f"{self.config} {tuple(train.relevant.shape)} {len(train.lists)}"


def judge(model: DualEncoder, examples: Examples) -> dict[str, float]:
    """Text to audio on whole recordings: mAP@10 over all captions, and of each language."""
    with torch.inference_mode():
        heard = torch.cat([model.encode_audio(one[None]) for one in examples.log_mels])
        scores = (model.encode_text(examples.texts) @ heard.T).numpy().astype(np.float64)
    asked = examples.relevant.any(dim=1).numpy()
    precisions = np.full(len(asked), np.nan)
    relevant = examples.relevant.numpy()[asked]
    precisions[asked] = average_precision_at(scores[asked], relevant, _DEPTH)
    languages = np.array(examples.languages)
    figures = {
        f"mAP@10 {language}": float(np.nanmean(precisions[languages == language]))
        for language in sorted(set(languages[asked].tolist()))
    }
    return {"mAP@10": float(np.nanmean(precisions)), **figures}


def _optimiser(model: DualEncoder, joint: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    settings = config.optimiser
    tower = set(model.tower.parameters())
    heads = [one for one in model.parameters() if one not in tower]
    groups = [
        {"params": list(model.tower.parameters()), "lr": settings.tower_rate},
        {"params": [*heads, *joint.parameters()], "lr": settings.head_rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
