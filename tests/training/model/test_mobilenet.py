"""The audio tower: every published weight, and it hears what it should."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest
import torch

from agent.capture.audiofile import read_audio
from training.data.audioset import load_classes
from training.data.frontend import LogMel
from training.model.mobilenet import WEIGHTS, MobileNetV3, load_mn04

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

_PARAMETERS = 983_599
_HEARD = {
    "church_bells": "Church bell",
    "cat": "Cat",
    "crow": "Crow",
    "siren": "Siren",
    "glass_breaking": "Glass",
    "snoring": "Snoring",
    "coughing": "Cough",
    "keyboard_typing": "Typing",
    "clapping": "Clapping",
    "sheep": "Sheep",
    "vacuum_cleaner": "Vacuum cleaner",
}


@pytest.fixture(scope="module")
def tower(data_dir: Path) -> MobileNetV3:
    """The published weights."""
    return load_mn04(data_dir / WEIGHTS)


def test_every_key_is_used_and_none_is_missing(data_dir: Path, tower: MobileNetV3) -> None:
    """The state is the published one, tensor by tensor."""
    published = torch.load(data_dir / WEIGHTS, map_location="cpu", weights_only=True)
    own = tower.state_dict()
    assert own.keys() == published.keys()
    assert all(torch.equal(own[name], published[name]) for name in own)
    assert sum(parameter.numel() for parameter in tower.parameters()) == _PARAMETERS


def test_left_over_key_is_refused(data_dir: Path, tmp_path: Path) -> None:
    """Weights of another model are not half loaded."""
    published = torch.load(data_dir / WEIGHTS, map_location="cpu", weights_only=True)
    torch.save(published | {"extra": torch.zeros(1)}, tmp_path / "more.pt")
    with pytest.raises(RuntimeError, match="extra"):
        load_mn04(tmp_path / "more.pt")


def test_known_recordings_get_their_classes(data_dir: Path, tower: MobileNetV3) -> None:
    """Of the first three clips of each class, four fifths have it among the five likeliest."""
    names = [sound.name for sound in load_classes(data_dir)]
    with (data_dir / "esc50-40" / "clips.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    frontend = LogMel()
    right = {}
    for category, expected in _HEARD.items():
        clips = [row["filename"] for row in rows if row["category"] == category][:3]
        found = 0
        for clip in clips:
            samples = read_audio(data_dir / "esc50-40" / "audio" / clip, 32_000)
            with torch.inference_mode():
                logits = tower(frontend(torch.from_numpy(samples)[None])).logits[0]
            found += any(names[i].startswith(expected) for i in logits.topk(5).indices.tolist())
        right[category] = found
    assert min(right.values()) > 0, right
    assert sum(right.values()) >= 0.8 * 3 * len(right), right


def test_any_length_of_window_is_heard(tower: MobileNetV3) -> None:
    """The tower is fully convolutional: half a second and ten both give 527 logits."""
    with torch.inference_mode():
        for frames in (50, 200, 1_000):
            heard = tower(torch.zeros(2, 128, frames))
            assert heard.logits.shape == (2, 527)
            assert heard.hidden.shape == (2, tower.hidden_size)
