"""The comparison with other networks runs, and says what it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.benchmarks import peers
from tests.benchmarks.peers import Ratio
from tests.benchmarks.peers_systems import operations

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.full
def test_the_command_compares_on_recordings_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a folder of recordings; a system that lacks something is left out and told."""
    options = ["--data", str(tmp_path), "--seconds", "4", "--rounds", "1"]
    assert peers.main([*options, "--systems", "floor", "yamnet"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("yamnet: left out, ")
    assert rows[0] == "| | kikimimi | floor |"
    assert [row.split(":")[0] for row in rows[2:5]] == [f"| {task}" for task in peers.TASKS]
    assert all(row.count("|") == 4 for row in rows)
    assert 0.0 < float(rows[2].split("|")[3].split()[0]) < 1.0, "the floor is below the whole"


def test_ratios_are_of_rounds_that_stand_beside_each_other() -> None:
    """A machine that is slow for a round is slow for both."""
    assert Ratio.of([1.0, 10.0, 2.0], [2.0, 20.0, 6.0]) == Ratio(2.0, 2.0, 3.0)


def test_operations_are_those_of_convolutions_and_products(tmp_path: Path) -> None:
    """Two for each weight and each number that it makes; what is added beside is not counted."""
    weights = {
        "kernel": np.zeros((4, 1, 3, 3), np.float32),
        "matrix": np.zeros((6, 4), np.float32),
        "axis": np.array([1]),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Unsqueeze", ["sound", "axis"], ["picture"]),
            helper.make_node("Conv", ["picture", "kernel"], ["maps"]),
            helper.make_node("GlobalAveragePool", ["maps"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Gemm", ["flat", "matrix"], ["out"], transB=1),
        ],
        "small",
        [helper.make_tensor_value_info("sound", TensorProto.FLOAT, ["batch", 8, "frames"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 6])],
        [onnx.numpy_helper.from_array(one, name) for name, one in weights.items()],
    )
    path = tmp_path / "small.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), str(path))
    assert operations(path, (1, 8, 10)) == 2.0 * (6 * 8 * 4 * 9 + 6 * 4)
