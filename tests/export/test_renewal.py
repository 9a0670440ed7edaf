"""A bundle's tower is taught to hear through noise, and its graphs are made anew."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from agent.bundle import loading as bundles
from agent.bundle.manifest import TEXT_HEAD
from export import denoising, evaluation
from export.__main__ import main
from export.acoustic import known_takes
from export.quantize import Activations
from export.renewal import _heard_through_noise
from export.variants import AUDIO, AUDIO_BY_MACHINE
from tests.export.judged import few
from training.model.text_tower import TextTower
from training.train.denoise import DenoiseConfig

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

_QUICK = DenoiseConfig(copies=1, steps=2, windows=4, ordinary=2)


def windows() -> np.ndarray:
    """Normalised log-mels of chance."""
    return np.random.default_rng(1).standard_normal((4, 128, 200)).astype(np.float32)


def embedded(path: Path) -> np.ndarray:
    """What a graph makes of windows."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["embedding"], {"log_mel": windows()})[0])


def test_all_graphs_hear_with_the_taught_tower(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Float and quantized alike, for the machines that had a graph; heads of before are gone."""
    monkeypatch.setattr(denoising, "_NOISES", 4)
    monkeypatch.setattr(denoising, "_ORDINARY", 8)
    monkeypatch.setattr(denoising, "DenoiseConfig", lambda: _QUICK)
    monkeypatch.setattr(evaluation, "esc50_40", few)
    monkeypatch.setattr(evaluation, "everyday_cc", few)
    monkeypatch.setattr(evaluation, "calibration", lambda _data: tuple(windows()))
    monkeypatch.setattr("export.variants.MOST_COST", 2.0)  # of so few recordings
    for name in (AUDIO, AUDIO_BY_MACHINE[Activations.X86_64], TEXT_HEAD):
        shutil.copyfile(bundles.DEFAULT / name, tmp_path / name)
    before = embedded(tmp_path / AUDIO)
    known, tower = known_takes(data_dir, every=800), TextTower.load()
    told = _heard_through_noise(tmp_path, [Activations.X86_64], data_dir, known, tower)
    lines = told.splitlines()
    assert len(lines) == 3
    assert lines[-1].startswith("| x86_64 | ")
    assert lines[-1].endswith("| shipped |")
    as_float, quantized = (
        embedded(tmp_path / name) for name in (AUDIO, AUDIO_BY_MACHINE[Activations.X86_64])
    )
    size = as_float.shape[1]
    assert size < before.shape[1]
    changed = np.abs(as_float - before[:, :size] * np.sqrt(2.0)).max()
    assert 0.0 < changed < 0.2
    assert (as_float * quantized).sum(axis=1).min() > 0.9
    assert not (tmp_path / AUDIO_BY_MACHINE[Activations.AARCH64]).exists()


def test_a_checkpoint_is_exported_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the option needs is said; it is not passed over."""
    command = ["--checkpoint", str(tmp_path / "model.pt"), "--output", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--hear-through-noise"])
    assert ended.value.code == 2
    assert "--hear-through-noise: export the checkpoint first" in capsys.readouterr().err
