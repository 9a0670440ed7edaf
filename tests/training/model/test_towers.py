"""Audio towers by name: in the model, in the checkpoint, in the exported graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from agent.bundle.manifest import FrontendConstants
from export.onnx import export_audio
from tests.training.typed import arguments_of
from training.model import bootstrap, checkpoint
from training.model.audio_tower import Activations, AudioTower
from training.model.dual_encoder import DualEncoder
from training.model.heads import ModelConfig
from training.model.mobilenet import MN04, MobileNetV3
from training.model.towers import TOWERS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

_BANDS = 16


class Bands(AudioTower):
    """A tower of one layer that hears few bands."""

    frontend = replace(FrontendConstants(), n_mels=_BANDS)
    hidden_size = 8
    classes = 5

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(_BANDS, self.hidden_size)
        self.last = nn.Linear(self.hidden_size, self.classes)

    def stem(self, log_mel: Tensor, blocks: int) -> Tensor:
        """Its only block is the mean over time."""
        return log_mel.mean(dim=2) if blocks else log_mel

    def rest(self, x: Tensor, blocks: int) -> Activations:
        """Both layers."""
        hidden = self.hidden(x if blocks else x.mean(dim=2))
        return Activations(hidden, self.last(hidden))

    def freeze(self, blocks: int) -> None:
        """A mean has nothing to freeze."""

    @property
    def class_rows(self) -> Tensor:
        """Of the last layer."""
        return self.last.weight

    @property
    def class_biases(self) -> Tensor:
        """Of the last layer."""
        return self.last.bias


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> DualEncoder:
    """A dual encoder with that tower."""
    monkeypatch.setitem(TOWERS, "bands", replace(MN04, name="bands", blocks=1, make=Bands))
    torch.manual_seed(0)
    return DualEncoder(ModelConfig(embedding_size=6, landmarks=4, tower="bands")).eval()


def test_a_model_takes_any_tower_by_name(model: DualEncoder) -> None:
    """Sizes are the tower's, and a training may freeze its blocks."""
    windows = torch.randn(3, _BANDS, 50)
    embedded = model.encode_audio(windows)
    assert embedded.shape == (3, 6)
    assert model.audio_head.project.in_features == Bands.classes + Bands.hidden_size
    torch.testing.assert_close(model.encode_stem(model.stem(windows, 1), 1), embedded)


@pytest.mark.usefixtures("model")
def test_a_model_starts_with_the_tower_that_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """By ``bootstrap --tower``; another name is told those that there are."""
    assert bootstrap.config_of(arguments_of("bootstrap")).tower == "mn04"
    chosen = bootstrap.config_of(arguments_of("bootstrap", "--tower", "bands"))
    assert isinstance(DualEncoder(chosen).tower, Bands)
    with pytest.raises(SystemExit):
        arguments_of("bootstrap", "--tower", "hands")
    assert "(choose from " in capsys.readouterr().err


def test_the_checkpoint_says_which(model: DualEncoder, tmp_path: Path) -> None:
    """What was written is read with the same tower, or refused where there is none of the name."""
    checkpoint.save(model, tmp_path / "model.pt")
    again = checkpoint.load(tmp_path / "model.pt")
    assert isinstance(again.tower, Bands)
    windows = torch.randn(2, _BANDS, 20)
    torch.testing.assert_close(again.encode_audio(windows), model.encode_audio(windows))
    del TOWERS["bands"]
    with pytest.raises(ValueError, match=r"model\.pt: audio tower 'bands' is not known; write one"):
        checkpoint.load(tmp_path / "model.pt")
    TOWERS["bands"] = MN04


def test_a_checkpoint_of_before_towers_had_names_is_mn04(tmp_path: Path) -> None:
    """Nothing in it says so."""
    checkpoint.save(DualEncoder(ModelConfig(embedding_size=6, landmarks=4)), tmp_path / "model.pt")
    stored = torch.load(tmp_path / "model.pt", weights_only=True)
    assert stored["config"].pop("tower") == "mn04"
    torch.save(stored, tmp_path / "old.pt")
    assert isinstance(checkpoint.load(tmp_path / "old.pt").tower, MobileNetV3)


def test_the_graph_has_the_shape_of_the_tower(model: DualEncoder, tmp_path: Path) -> None:
    """And computes what the model does."""
    export_audio(model, tmp_path / "audio.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "audio.onnx"))
    assert session.get_inputs()[0].shape == ["batch", _BANDS, "n_frames"]
    windows = torch.randn(3, _BANDS, 40)
    (found,) = session.run(None, {"log_mel": windows.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), model.encode_audio(windows).detach())
