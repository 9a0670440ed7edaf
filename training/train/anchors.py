"""What keeps a model near to where it started: texts, windows, and how noise fits texts.

A few thousand recordings teach what they are of. Everything else that the start knew is kept by
staying near its embeddings of AudioSet's texts, of sentences about sounds, of the same windows
before augmentation, and of sounds that no recording teaches.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.augment import background_log_mels
from training.model.dual_encoder import DualEncoder
from training.train.config import TrainConfig
from training.train.sounds import KeptWindows

_NOISES, _NOISE_SEED = 512, 13


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts without sound, by the text tower."""

    kept: Tensor
    """AudioSet's, ``(texts, text_size)``."""
    english: Tensor
    """Sentences about sounds, ``(sentences, text_size)``; may be none."""
    japanese: Tensor
    """The same sentences in Japanese, same shape."""


@dataclass(frozen=True, slots=True)
class _Look:
    """Texts of one kind, and where they should be."""

    name: str
    """Of the term of the loss; none where only the cosines with noise are looked at."""
    texts: Tensor
    anchors: Tensor
    weight: float


class Anchors:
    """How far a model has gone from its start, weighed."""

    def __init__(
        self,
        start: DualEncoder,
        captions: Tensor,
        texts: Texts,
        unfamiliar: KeptWindows | None,
        config: TrainConfig,
    ) -> None:
        """Compute once what the start makes of it all, on its device.

        Args:
            start: where the model starts.
            captions: that are learned, by the text tower, ``(captions, text_size)``.
            texts: without sound.
            unfamiliar: sounds that no recording teaches, if they have a weight.
            config: the settings.
        """
        self._config = config
        self._device = start.device
        self._unfamiliar = unfamiliar
        loss = config.loss
        kept, english, japanese = (
            rows.to(self._device) for rows in (texts.kept, texts.english, texts.japanese)
        )
        with torch.no_grad():
            self.captions = start.encode_text(captions)
            """The start's embeddings of the captions, ``(captions, size)``."""
            sentences = start.encode_text(english)
            looks = (
                _Look("", captions, self.captions, 0.0),
                _Look("keep_texts", kept, start.encode_text(kept), loss.keep_texts),
                _Look("keep_sentences", english, sentences, loss.keep_sentences),
                # The start knows English sentences better: the Japanese ones come to them.
                _Look("translations", japanese, sentences, loss.translations),
            )
        self._share = 1.0 / len(looks)
        self._looks = [
            look for look in looks if len(look.texts) and (look.weight or loss.keep_noise)
        ]
        self.noise = torch.empty((0, self.captions.shape[1]), device=self._device)
        """The start's embeddings of ordinary machine noise, ``(windows, size)``."""
        if loss.noise or loss.keep_noise:
            frames = round(config.batch.window_s * start.level.constants.frame_rate_hz)
            noise = background_log_mels(_NOISES, _NOISE_SEED, frames).to(self._device)
            with torch.no_grad():
                self.noise = start.encode_audio(noise)

    def __call__(
        self, model: DualEncoder, heard: Tensor, anchors: Tensor, chance: torch.Generator
    ) -> dict[str, Tensor]:
        """How far it is, weighed, by the name of each term.

        Args:
            model: that is on its way.
            heard: its embeddings of augmented windows, ``(windows, size)``.
            anchors: the start's embeddings of the same windows before, same shape.
            chance: which texts and sounds are looked at.
        """
        loss, batch = self._config.loss, self._config.batch
        found = {"keep_audio": loss.keep_audio * apart(heard, anchors)}
        if self._unfamiliar is not None:
            moved = self._moved(model, self._unfamiliar, chance)
            found["keep_unfamiliar"] = loss.keep_unfamiliar * moved
        for look in self._looks:
            at = torch.randint(len(look.texts), (batch.texts,), generator=chance)
            embedded, wanted = model.encode_text(look.texts[at]), look.anchors[at]
            if look.name:
                found[look.name] = look.weight * apart(embedded, wanted)
            if loss.keep_noise:
                spread = spread_among(embedded - wanted, self.noise)
                kind = look.name.removeprefix("keep_") or "captions"
                found[f"keep_noise of {kind}"] = loss.keep_noise * self._share * spread
        return found

    def _moved(
        self, model: DualEncoder, unfamiliar: KeptWindows, chance: torch.Generator
    ) -> Tensor:
        """How far sounds that no recording teaches have gone from where the start had them."""
        count = self._config.batch.unfamiliar
        sounds = unfamiliar.draw(torch.randint(len(unfamiliar), (count,), generator=chance), chance)
        heard = model.encode_stem(sounds.stems.to(self._device), self._config.frozen_blocks)
        return apart(heard, sounds.anchors.to(self._device))


def apart(rows: Tensor, anchors: Tensor) -> Tensor:
    """Mean of 1 - cosine of unit rows."""
    return (1.0 - (rows * anchors).sum(dim=-1)).mean()


def spread_among(changes: Tensor, noise: Tensor) -> Tensor:
    """How differently texts have moved towards some noise and away from other, a scalar.

    That all noise fits a text a little better or worse says nothing: scores are told in standard
    deviations from the mean.

    Args:
        changes: of texts' embeddings, ``(texts, size)``.
        noise: embeddings, ``(windows, size)``.
    """
    return (changes @ noise.T).var(dim=1, correction=0).mean()
