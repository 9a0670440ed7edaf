"""People's yes and no as a term of the loss: what fits comes nearer, what does not goes away.

InfoNCE knows pairs that fit, and takes whatever else is in a batch for what does not; a no is
more than that, and would be lost in it. Here each answer is a decision about one pair, as in
SigLIP (Zhai, Mustafa, Kolesnikov and Beyer, "Sigmoid loss for language image pre-training", ICCV
2023), against a level of the description's own: half way between what the start made of its
confirmed and of its rejected windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from agent.core.records import FloatArray
from training.model.dual_encoder import DualEncoder
from training.train.config import TrainConfig
from training.train.parallel import World
from training.train.sounds import Sounds
from training.update.config import AnswersConfig
from training.update.material import AnsweredPair

_LOOKS, _LOOKS_SEED = 8, 17
"""Windows of each answered clip that a description's level is taken from."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Answered pairs by number."""

    texts: Tensor
    """Of their captions, by the text tower, ``(captions, text_size)``."""
    captions: Tensor
    """int64 ``(answers,)``, row of ``texts``."""
    recordings: Tensor
    """int64 ``(answers,)``, position among the recordings that are trained on."""
    fits: Tensor
    """Bool ``(answers,)``."""


def answers_of(
    pairs: Sequence[AnsweredPair], captions: Mapping[str, FloatArray], positions: Mapping[str, int]
) -> Answers:
    """Answered pairs by number.

    Args:
        pairs: of recordings that are trained on; one or more.
        captions: embeddings by the text tower, by id.
        positions: of the recordings that are trained on, by id.
    """
    names = list(dict.fromkeys(pair.caption for pair in pairs))
    rows = {name: at for at, name in enumerate(names)}
    return Answers(
        texts=torch.stack([torch.from_numpy(captions[name]) for name in names]),
        captions=torch.tensor([rows[pair.caption] for pair in pairs]),
        recordings=torch.tensor([positions[pair.recording] for pair in pairs]),
        fits=torch.tensor([pair.fits for pair in pairs]),
    )


class AnswersTerm:
    """Draws answered pairs and tells how far a model is from what people said."""

    name = "answers"

    def __init__(
        self,
        start: DualEncoder,
        answers: Answers,
        sounds: Sounds,
        config: AnswersConfig,
        training: TrainConfig,
    ) -> None:
        """Find each description's level.

        Args:
            start: the model that is updated, on the training's device.
            answers: one or more.
            sounds: the windows of the recordings that are trained on.
            config: how much they count.
            training: the settings of the training.
        """
        self._answers = answers
        self._sounds = sounds
        self._config = config
        self._training = training
        self._device = start.device
        self._texts = answers.texts.to(self._device)
        self._scale = float(start.logit_scale.detach())
        count = len(answers.fits)
        self.weight = config.weight * count / (count + config.half_at)
        self.levels = self._find_levels(start)

    @property
    def identity(self) -> str:
        """What has to be the same for a saved state to go on from."""
        own = self._answers
        told = [own.captions.tolist(), own.recordings.tolist(), own.fits.tolist()]
        return f"{self._config} {told}"

    def __call__(self, model: DualEncoder, chance: torch.Generator, world: World) -> Tensor:
        """The term of some answers, half of them rejected where there are such."""
        drawn = self._draw(chance)
        heard_of = self._answers.recordings[drawn]
        stems = self._sounds.draw(heard_of, chance).stems[world.share(len(drawn))]
        kind = self._device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self._training.half(kind)):
            share = model.encode_stem(stems.to(self._device), self._training.frozen_blocks)
        heard = world.gather(share.float(), len(drawn))
        captions = self._answers.captions[drawn].to(self._device)
        cosine = (model.encode_text(self._texts)[captions] * heard).sum(dim=-1)
        apart = self._scale * (cosine - self.levels[captions])
        fits = self._answers.fits[drawn].to(self._device)
        losses = functional.softplus(torch.where(fits, -apart, apart))
        # Yes and no count the same, however many there are of each.
        kinds = [losses[kind].mean() for kind in (fits, ~fits) if bool(kind.any())]
        return self.weight * torch.stack(kinds).mean()

    def _draw(self, chance: torch.Generator) -> Tensor:
        fits = self._answers.fits
        kinds = [kind.nonzero()[:, 0] for kind in (fits, ~fits) if bool(kind.any())]
        each = max(1, self._config.pairs // len(kinds))
        return torch.cat(
            [kind[torch.randperm(len(kind), generator=chance)[:each]] for kind in kinds]
        )

    @torch.no_grad()
    def _find_levels(self, start: DualEncoder) -> Tensor:
        """Of each caption, ``(captions,)``: between its confirmed and its rejected windows."""
        own = self._answers
        chance = torch.Generator().manual_seed(_LOOKS_SEED)
        looks = own.recordings.repeat(_LOOKS)
        heard = self._sounds.draw(looks, chance).anchors.to(self._device)
        texts = start.encode_text(self._texts)[own.captions.repeat(_LOOKS).to(self._device)]
        cosine = (texts * heard).sum(dim=-1).view(_LOOKS, -1).mean(dim=0).cpu()
        levels = torch.zeros(len(own.texts))
        for caption in range(len(levels)):
            mine = own.captions == caption
            kinds = (mine & own.fits, mine & ~own.fits)
            means = [cosine[kind].mean() for kind in kinds if bool(kind.any())]
            levels[caption] = torch.stack(means).mean()
        return levels.to(self._device)
