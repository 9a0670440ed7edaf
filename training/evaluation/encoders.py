"""What is judged: a checkpoint of a training, or a bundle as it runs on the box."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from agent.bundle import loading as bundles
from agent.bundle.loading import Bundle
from agent.bundle.manifest import FrontendConstants
from agent.cli.score import variants_of
from agent.core.errors import BundleError
from agent.core.records import FloatArray
from agent.encoder.audio import Encoder as AudioTower
from agent.encoder.text import embed_texts as embed_for_bundle
from training.model import checkpoint
from training.model.dual_encoder import DualEncoder
from training.model.text_tower import embed_texts

_CHECKPOINT = ".pt"
_REFERENCE = "reference"
_BUNDLE_TEXTS = "bundle-texts"


class Encoder(Protocol):
    """Both ways into one space, where the cosine says how well a text fits a sound."""

    def encode_audio(self, log_mels: FloatArray) -> FloatArray:
        """Unit embeddings ``(recordings, dim)`` of ``(recordings, n_mels, n_frames)``."""

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Unit embeddings ``(texts, dim)``."""


class CheckpointEncoder:
    """A model in torch; its text tower is frozen, so texts come embedded by it."""

    def __init__(self, model: DualEncoder, hidden: Mapping[str, FloatArray]) -> None:
        """Judge a model.

        Args:
            model: ready for inference.
            hidden: embeddings by the text tower, by text, see :func:`hidden_texts`: the same for
                all models.
        """
        self._model = model
        self._hidden = hidden

    def encode_audio(self, log_mels: FloatArray) -> FloatArray:
        """Unit embeddings ``(recordings, dim)`` of ``(recordings, n_mels, n_frames)``."""
        with torch.inference_mode():
            embeddings: FloatArray = self._model.encode_audio(torch.from_numpy(log_mels)).numpy()
        return embeddings

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Unit embeddings ``(texts, dim)``.

        Raises:
            ValueError: a text was not embedded.
        """
        missing = [text for text in texts if text not in self._hidden]
        if missing:
            raise ValueError(
                f"{len(missing)} texts were not embedded, such as {missing[0]!r}; "
                "embed all texts of the material with hidden_texts"
            )
        hidden = np.stack([self._hidden[text] for text in texts])
        with torch.inference_mode():
            embeddings: FloatArray = self._model.encode_text(torch.from_numpy(hidden)).numpy()
        return embeddings


class BundleEncoder:
    """A bundle's graphs, run as the box runs them."""

    def __init__(self, bundle: Bundle, cache: Path | None) -> None:
        """Load the audio tower for this machine's processor.

        Args:
            bundle: whose hashes were checked.
            cache: folder that keeps embeddings of texts; nothing is kept if ``None``.

        Raises:
            BundleError: it cannot be run here, or has another frontend than recordings are read
                with.
        """
        if bundle.manifest.frontend != FrontendConstants():
            raise BundleError(
                f"{bundle.folder}: its frontend is {bundle.manifest.frontend}, but recordings are "
                f"read with {FrontendConstants()}; judge a bundle exported for this version"
            )
        self._bundle = bundle
        self._cache = cache
        self._tower = AudioTower(bundle)

    def encode_audio(self, log_mels: FloatArray) -> FloatArray:
        """Unit embeddings ``(recordings, dim)`` of ``(recordings, n_mels, n_frames)``."""
        return self._tower.encode(log_mels).joint

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Unit embeddings ``(texts, dim)``.

        Raises:
            TextError: the bundle cannot read a text.
        """
        return embed_for_bundle(self._bundle, texts, self._cache)


@dataclass(frozen=True, slots=True)
class Judged:
    """A model and what it is called in all figures."""

    name: str
    """As it was asked for."""
    sha256: str
    """Of the checkpoint, or of the bundle's manifest."""
    encoder: Encoder


def load_model(name: str, texts: Sequence[str], cache: Path) -> Judged:
    """Open a model.

    Args:
        name: a checkpoint (``.pt``), or the folder of a bundle, whose audio tower is the one for
            this machine's processor; with ``:reference`` behind it the one in float32.
        texts: that it will be asked for.
        cache: folder of embeddings of texts; may be deleted at any time.

    Raises:
        FileNotFoundError: there is neither.
        ValueError: it is no checkpoint of this program.
        BundleError: the bundle is damaged or cannot be run.
    """
    path = Path(name)
    if path.suffix == _CHECKPOINT:
        model = checkpoint.load(path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        return Judged(name, sha256, CheckpointEncoder(model, hidden_texts(texts, cache)))
    folder, _, variant = name.partition(":")
    if variant not in {"", _REFERENCE} or not Path(folder).is_dir():
        raise FileNotFoundError(
            f"{name}: neither a checkpoint nor a bundle; name a file that ends with "
            f"{_CHECKPOINT}, a bundle's folder, or FOLDER:{_REFERENCE}"
        )
    bundle = bundles.load(Path(folder))
    if variant:
        bundle = variants_of(bundle, variant)[variant]
    return Judged(name, bundle.sha256, BundleEncoder(bundle, cache / _BUNDLE_TEXTS))


def hidden_texts(texts: Sequence[str], cache: Path) -> dict[str, FloatArray]:
    """Embeddings by the frozen text tower, by text: what all checkpoints share.

    Args:
        texts: in any order.
        cache: folder that keeps them; may be deleted at any time.
    """
    if not texts:
        return {}
    return dict(zip(texts, embed_texts(texts, cache), strict=True))
