"""The loss of one step: labels, ratings, and what keeps the model near to where it started."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from training.model.dual_encoder import DualEncoder
from training.train.anchors import Anchors, Texts
from training.train.batches import Examples, Lists, Pairs, draw_lists, draw_pairs, weights_of
from training.train.config import TrainConfig
from training.train.losses.infonce import contrast, false_negatives, infonce
from training.train.losses.joint import JointLoss
from training.train.losses.listnet import listnet_both_ways
from training.train.parallel import World
from training.train.sounds import KeptWindows, Sounds

_ALIKE = 0.9
"""Cosine of the start's text embeddings from which two captions say the same."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A step's loss and what it is made of, for the log."""

    loss: Tensor
    binary: float | None
    continuous: float | None
    distance: float
    """From the start, weighed."""


class Objective:
    """Draws what a step looks at and judges a model by it."""

    def __init__(
        self,
        start: DualEncoder,
        examples: Examples,
        texts: Texts,
        sounds: Sounds,
        config: TrainConfig,
        *,
        unfamiliar: KeptWindows | None = None,
    ) -> None:
        """Compute once what the start makes of all texts; its device is the training's.

        Args:
            start: where the model starts, and what it stays near to.
            examples: what is learned.
            texts: without sound.
            sounds: the windows of the examples' recordings.
            config: the settings.
            unfamiliar: sounds that no recording teaches, if they have a weight.
        """
        self._examples = examples
        self._sounds = sounds
        self._config = config
        self._device = start.device
        self._weights = weights_of(examples.relevant)
        self._captions = examples.texts.to(self._device)
        self._anchors = Anchors(start, self._captions, texts, unfamiliar, config)

    def __call__(
        self,
        model: DualEncoder,
        joint: JointLoss,
        progress: float,
        chance: torch.Generator,
        world: World,
    ) -> Terms:
        """The loss of a newly drawn batch, the same on all processes.

        Args:
            model: whose loss it is.
            joint: how labels and ratings are weighed.
            progress: of the whole training, 0 to 1.
            chance: where every draw comes from; in the same state on all processes.
            world: the processes that share the batch.
        """
        pairs = self._pairs(chance)
        nothing = torch.zeros(0, dtype=torch.int64)
        paired = nothing if pairs is None else pairs.recordings
        lists = self._lists(paired, chance)
        listed = nothing if lists is None else lists.recordings
        heard_of = torch.cat([paired, listed[~torch.isin(listed, paired)]])
        if not len(heard_of):
            raise ValueError("there are neither pairs nor rated lists to learn from; see loss.*")
        sounds = self._sounds.draw(heard_of, chance)
        share = world.share(len(heard_of))
        stems = sounds.stems[share].to(self._device)
        with torch.autocast(
            self._device.type, torch.bfloat16, enabled=self._config.half(self._device.type)
        ):
            share_heard = model.encode_stem(stems, self._config.frozen_blocks)
        heard = world.gather(share_heard.float(), len(heard_of))
        anchors = sounds.anchors.to(self._device)
        binary = None
        if pairs is not None:
            binary = self._binary(model, pairs, heard[: len(paired)], anchors[: len(paired)])
        continuous = None
        if lists is not None:
            ordered, places = torch.sort(heard_of)
            own = heard[places[torch.searchsorted(ordered, listed)]]
            continuous = self._continuous(model, lists, own)
        loss = joint(binary, continuous, progress)
        distance = self._anchors(model, heard, anchors, chance)
        return Terms(
            loss + distance,
            None if binary is None else float(binary.detach()),
            None if continuous is None else float(continuous.detach()),
            float(distance.detach()),
        )

    def _pairs(self, chance: torch.Generator) -> Pairs | None:
        if not self._config.loss.uses_labels or not bool((self._weights > 0).any()):
            return None
        return draw_pairs(self._examples, self._weights, self._config.batch, chance)

    def _lists(self, paired: Tensor, chance: torch.Generator) -> Lists | None:
        if not self._config.loss.uses_ratings:
            return None
        return draw_lists(self._examples, paired, self._config.batch, chance)

    def _binary(self, model: DualEncoder, pairs: Pairs, heard: Tensor, sounds: Tensor) -> Tensor:
        texts = model.encode_text(self._captions[pairs.captions])
        # Only the captions that were drawn meet; all pairs known to fit are no negatives.
        relevant = self._examples.relevant[pairs.captions][:, pairs.recordings]
        left_out = false_negatives(pairs.captions, pairs.recordings, relevant).to(self._device)
        anchors = self._anchors.captions[pairs.captions]
        left_out |= anchors @ anchors.T > _ALIKE
        scores = model.logit_scale * texts @ heard.T
        loss = infonce(scores, left_out)
        if not self._config.loss.noise:
            return loss
        # Ordinary noise is what no caption says, unless the start finds it as fitting.
        ordinary = self._anchors.noise
        own = (anchors * sounds).sum(dim=-1, keepdim=True)
        noise = (model.logit_scale * texts @ ordinary.T).masked_fill(
            anchors @ ordinary.T >= own, -math.inf
        )
        found = torch.cat([scores.diagonal()[:, None], noise], dim=1)
        first = torch.zeros(len(found), dtype=torch.int64, device=found.device)
        return loss + self._config.loss.noise * contrast(found, first)

    def _continuous(self, model: DualEncoder, lists: Lists, heard: Tensor) -> Tensor:
        texts = model.encode_text(self._captions[lists.captions])
        scores = model.logit_scale * texts @ heard.T
        temperature = self._config.loss.rating_temperature
        ratings, rated = lists.ratings.to(self._device), lists.rated.to(self._device)
        return listnet_both_ways(scores, ratings, rated, temperature)
