"""The loss of one step: labels, ratings, and what keeps the model near to where it started."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

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
    """A step's loss and what it is made of."""

    loss: Tensor
    parts: Mapping[str, Tensor]
    """Each term by its name, weighed, for the log; that of labels and ratings by the joint loss
    alone."""

    def plus(self, name: str, term: Tensor) -> Terms:
        """With one more."""
        return Terms(self.loss + term, {**self.parts, name: term})


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
        labels: dict[str, Tensor] = {}
        ratings: dict[str, Tensor] = {}
        if pairs is not None:
            own, was = heard[: len(paired)], anchors[: len(paired)]
            labels = self._labels(model, pairs, own, was)
        if lists is not None:
            ordered, places = torch.sort(heard_of)
            own = heard[places[torch.searchsorted(ordered, listed)]]
            ratings = {"ratings": self._ratings(model, lists, own)}
        kept = self._anchors(model, heard, anchors, chance)
        loss = joint(_sum(labels) if labels else None, ratings.get("ratings"), progress)
        return Terms(loss + _sum(kept), labels | ratings | kept)

    def _pairs(self, chance: torch.Generator) -> Pairs | None:
        if not self._config.loss.uses_labels or not bool((self._weights > 0).any()):
            return None
        return draw_pairs(self._examples, self._weights, self._config.batch, chance)

    def _lists(self, paired: Tensor, chance: torch.Generator) -> Lists | None:
        if not self._config.loss.uses_ratings:
            return None
        return draw_lists(self._examples, paired, self._config.batch, chance)

    def _labels(
        self, model: DualEncoder, pairs: Pairs, heard: Tensor, sounds: Tensor
    ) -> dict[str, Tensor]:
        """What pairs tell: ``labels``, and ``noise`` where it has a weight."""
        texts = model.encode_text(self._captions[pairs.captions])
        # Only the captions that were drawn meet; all pairs known to fit are no negatives.
        relevant = self._examples.relevant[pairs.captions][:, pairs.recordings]
        left_out = false_negatives(pairs.captions, pairs.recordings, relevant).to(self._device)
        anchors = self._anchors.captions[pairs.captions]
        left_out |= anchors @ anchors.T > _ALIKE
        scores = model.logit_scale * texts @ heard.T
        found = {"labels": infonce(scores, left_out)}
        if self._config.loss.noise:
            ordinary = self._anchors.noise
            noise = model.logit_scale * texts @ ordinary.T
            own = (anchors * sounds).sum(dim=-1, keepdim=True)
            among = among_noise(scores, noise, anchors @ ordinary.T >= own)
            found["noise"] = self._config.loss.noise * among
        return found

    def _ratings(self, model: DualEncoder, lists: Lists, heard: Tensor) -> Tensor:
        texts = model.encode_text(self._captions[lists.captions])
        scores = model.logit_scale * texts @ heard.T
        temperature = self._config.loss.rating_temperature
        ratings, rated = lists.ratings.to(self._device), lists.rated.to(self._device)
        return listnet_both_ways(scores, ratings, rated, temperature)


def among_noise(scores: Tensor, noise: Tensor, fitting: Tensor) -> Tensor:
    """Captions find their recording among ordinary noise, which is what no caption says.

    Args:
        scores: of captions and recordings, ``(pairs, pairs)``, a pair on the diagonal.
        noise: of captions and noise, ``(pairs, windows)``.
        fitting: bool, same shape: noise that the start finds as fitting is left out.
    """
    found = torch.cat([scores.diagonal()[:, None], noise.masked_fill(fitting, -math.inf)], dim=1)
    return contrast(found, torch.zeros(len(found), dtype=torch.int64, device=found.device))


def _sum(terms: Mapping[str, Tensor]) -> Tensor:
    return reduce(operator.add, terms.values())
