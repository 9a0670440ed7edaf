"""A trained model on disk: its configuration and its weights, without pickled code."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch

from agent.core import files
from training.model.dual_encoder import DualEncoder
from training.model.heads import ModelConfig


def save(model: DualEncoder, path: Path) -> None:
    """Write a model whole or not at all; the folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as file:
        torch.save({"config": asdict(model.config), "weights": model.state_dict()}, file)


def load(path: Path) -> DualEncoder:
    """Read a model, ready for inference.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a checkpoint of this program, or of an audio tower that this program
            does not have.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint; run `python -m training bootstrap`")
    stored = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(stored, dict) or not {"config", "weights"} <= stored.keys():
        raise ValueError(f"{path}: not a checkpoint of this program; name one that training wrote")
    try:
        # One that was written before towers had names says nothing of it: it is the default's.
        model = DualEncoder(ModelConfig(**stored["config"]))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    model.load_state_dict(stored["weights"])
    return model.eval()
