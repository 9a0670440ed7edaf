"""A trained model on disk: its configuration and its weights, without pickled code."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import torch

from training.model.dual_encoder import DualEncoder, ModelConfig

if TYPE_CHECKING:
    from pathlib import Path


def save(model: DualEncoder, path: Path) -> None:
    """Write a model; the folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"config": asdict(model.config), "weights": model.state_dict()}, path)


def load(path: Path) -> DualEncoder:
    """Read a model, ready for inference.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a checkpoint of this program.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint; run `python -m training bootstrap`")
    stored = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(stored, dict) or not {"config", "weights"} <= stored.keys():
        raise ValueError(f"{path}: not a checkpoint of this program; name one that training wrote")
    model = DualEncoder(ModelConfig(**stored["config"]))
    model.load_state_dict(stored["weights"])
    return model.eval()
