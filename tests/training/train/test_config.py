"""Settings of a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.errors import ConfigError
from tests import explained
from training.train.config import TrainConfig, Weighting, load_config
from training.train.losses.joint import ConstantWeights, RampWeights, UncertaintyWeights

pytestmark = pytest.mark.torch

EXPLAINED = Path(__file__).resolve().parents[3] / "configs" / "training.yaml"


def test_explained_file_holds_the_defaults() -> None:
    """What the file says is what happens without it, and it leaves nothing out."""
    assert load_config(EXPLAINED) == load_config(None) == TrainConfig()
    assert explained.in_file(EXPLAINED) == explained.of(TrainConfig())


def test_what_is_left_out_takes_its_default(tmp_path: Path) -> None:
    """A file of one line changes one thing."""
    path = tmp_path / "t.yaml"
    path.write_text("loss: {weighting: constant, binary: 0}\n")
    config = load_config(path)
    assert config.loss.weighting is Weighting.CONSTANT
    assert config.loss.binary == 0.0
    assert config.batch == TrainConfig().batch


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("stepps: 3\n", "did you mean 'steps'?"),
        ("steps: many\n", "t.yaml:1 steps"),
        ("loss: {weighting: both}\n", "loss.weighting"),
        ("batch: {pairs: 1}\n", "batch.pairs"),
        ("optimiser: {head_rate: -1}\n", "optimiser.head_rate"),
    ],
)
def test_wrong_setting_is_named(tmp_path: Path, content: str, message: str) -> None:
    """With its line and what to write."""
    path = tmp_path / "t.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("weighting", "kind"),
    [
        ("constant", ConstantWeights),
        ("ramp", RampWeights),
        ("uncertainty", UncertaintyWeights),
    ],
)
def test_weighting_makes_its_loss(tmp_path: Path, weighting: str, kind: type) -> None:
    """Each word has its class."""
    path = tmp_path / "t.yaml"
    path.write_text(f"loss: {{weighting: {weighting}}}\n")
    assert isinstance(load_config(path).loss.joint(), kind)
