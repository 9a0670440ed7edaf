"""Weights of an exported tower are read and written without loss."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from agent.bundle import loading as bundles
from export import acoustic, denoising, learned
from export.acoustic import known_takes
from export.denoising import hear_through_noise
from export.tower import read_tower, write_tower
from training.train.denoise import DenoiseConfig

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """The default bundle's float graph with the bootstrap's joint view alone."""
    path = tmp_path / "audio.onnx"
    shutil.copyfile(bundles.DEFAULT / "audio.onnx", path)
    learned.remove(path)
    acoustic.remove(path)
    return path


def windows() -> np.ndarray:
    """Normalised log-mels of chance."""
    return np.random.default_rng(1).standard_normal((2, 128, 120)).astype(np.float32)


def embedded(path: Path) -> np.ndarray:
    """What a graph makes of them."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["embedding"], {"log_mel": windows()})[0])


def test_what_is_read_and_written_is_the_same_graph(graph: Path) -> None:
    """Byte for byte, whatever the batch norms were folded into."""
    before = graph.read_bytes()
    write_tower(read_tower(graph), graph)
    assert graph.read_bytes() == before


def test_the_tower_that_is_read_hears_what_the_graph_hears(graph: Path) -> None:
    """To the last digits of float32, and so does what is written of a changed one."""
    model = read_tower(graph)
    hidden = next(
        name for name in _tensors(graph) if name.endswith("classifier.3/HardSwish_output_0")
    )
    with torch.inference_mode():
        np.testing.assert_allclose(
            _hidden(graph, hidden), model.listen(torch.from_numpy(windows())).hidden, atol=1e-4
        )
        for norm in model.tower.modules():
            if isinstance(norm, torch.nn.BatchNorm2d):
                norm.weight.mul_(0.9)
                norm.running_mean.add_(0.1)  # type: ignore[union-attr]
        write_tower(model, graph)
        np.testing.assert_allclose(
            _hidden(graph, hidden), model.listen(torch.from_numpy(windows())).hidden, atol=1e-4
        )


def _tensors(path: Path) -> list[str]:
    return [name for node in onnx.load(str(path)).graph.node for name in node.output]


def _hidden(path: Path, name: str) -> np.ndarray:
    whole = onnx.load(str(path))
    whole.graph.output.append(onnx.helper.make_tensor_value_info(name, 1, None))
    session = onnxruntime.InferenceSession(
        whole.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run([name], {"log_mel": windows()})[0])


def test_a_graph_of_another_tower_is_refused_by_name(graph: Path) -> None:
    """With what was found."""
    whole = onnx.load(str(graph))
    convolution = next(node for node in whole.graph.node if node.op_type == "Conv")
    renamed, convolution.output[0] = convolution.output[0], "/tower/stages.0/Conv_output_0"
    for node in whole.graph.node:
        node.input[:] = [convolution.output[0] if name == renamed else name for name in node.input]
    onnx.save(whole, str(graph))
    with pytest.raises(ValueError, match=r"audio\.onnx: computes /tower/stages\.0/Conv_output_0"):
        read_tower(graph)


def test_recordings_teach_a_graph_to_hear_through_noise(
    graph: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A few steps on a few recordings change what it hears, and little of it."""
    monkeypatch.setattr(denoising, "_NOISES", 4)
    monkeypatch.setattr(denoising, "_ORDINARY", 8)
    monkeypatch.setattr(denoising, "_EACH", 2)
    before = embedded(graph)
    model = read_tower(graph)
    config = DenoiseConfig(copies=1, steps=4, windows=4, ordinary=2)
    hear_through_noise(model, data_dir, known_takes(data_dir, 800)[0], config)
    write_tower(model, graph)
    after = embedded(graph)
    assert not np.array_equal(after, before)
    assert (after * before).sum(axis=1).min() > 0.9
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("learning to hear ")
    assert [line.split(":")[0] for line in told[1:]] == ["step 2 of 4", "step 4 of 4"]
