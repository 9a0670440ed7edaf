"""What comes from outside cannot make the agent run, read or show what it should not."""

from __future__ import annotations

import ast
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from agent.core.errors import BundleError
from agent.encoder.audio import Encoder
from agent.store import FILE_NAME, Store
from tests.agent.store.records import ALERT
from tests.bundles import AUDIO, EMBEDDING_SIZE, audio_tower, make_bundle, seal

if TYPE_CHECKING:
    from collections.abc import Iterator

AGENT = Path(__file__).resolve().parents[3] / "agent"
# Modules that make objects, or run what they read.
_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "runpy"}
_CALLS = {"eval", "exec", "compile", "system", "popen"}


def problems(source: str) -> list[str]:
    """What a module does that it must not."""
    return [told for node in ast.walk(ast.parse(source)) for told in _problems_of(node)]


def _problems_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (one.name for one in node.names if one.name.split(".")[0] in _MODULES)
    elif isinstance(node, ast.ImportFrom):
        if str(node.module).split(".")[0] in _MODULES:
            yield str(node.module)
    elif isinstance(node, ast.Call):
        keywords = {one.arg: one.value for one in node.keywords}
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if isinstance(node.func, ast.Name):
            name = node.func.id
        told = f"line {node.lineno}: {ast.unparse(node.func)}"
        is_module = owner is None or (
            isinstance(owner, ast.Name) and owner.id in {"os", "builtins"}
        )
        if name in _CALLS and is_module:
            yield told
        if name in {"load", "loads", "load_all"} and isinstance(owner, ast.Name):
            allowed = keywords.get("allow_pickle")
            closed = isinstance(allowed, ast.Constant) and allowed.value is False
            if owner.id == "yaml" or (owner.id in {"np", "numpy"} and not closed):
                yield told
        shell = keywords.get("shell")
        if shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
            yield told


@pytest.mark.parametrize("path", sorted(AGENT.rglob("*.py")), ids=lambda path: path.stem)
def test_nothing_in_the_agent_unpickles_or_runs_what_it_reads(path: Path) -> None:
    """No pickle, no np.load that would unpickle, no YAML objects, no shell, no eval."""
    assert problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import numpy as np\nnp.load('x')",
        "np.load('x', allow_pickle=True)",
        "np.load('x', allow_pickle=flag)",
        "yaml.load(text)",
        "eval('1')",
        "os.system('ls')",
        "subprocess.run('ls', shell=True)",
    ],
)
def test_the_search_above_finds_what_it_looks_for(source: str) -> None:
    """Each of them."""
    assert problems(source)


def _external(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """The tensor as one whose numbers stand in another file, outside of the bundle."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")
    return tensor


def _with_initializer(model: onnx.ModelProto) -> None:
    _external(model.graph.initializer[0])


def _with_constant(model: onnx.ModelProto) -> None:
    tensor = _external(numpy_helper.from_array(np.zeros(4, np.float32), "c"))
    model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=tensor))


def _with_branch(model: onnx.ModelProto) -> None:
    tensor = _external(numpy_helper.from_array(np.zeros(4, np.float32), "b"))
    output = helper.make_tensor_value_info("b", TensorProto.FLOAT, [4])
    branch = helper.make_graph([], "branch", [], [output], [tensor])
    condition = numpy_helper.from_array(np.array(True), "condition")
    model.graph.initializer.append(condition)
    model.graph.node.append(
        helper.make_node("If", ["condition"], ["o"], then_branch=branch, else_branch=branch)
    )


@pytest.mark.parametrize("craft", [_with_initializer, _with_constant, _with_branch])
def test_a_graph_that_reads_another_file_is_refused(tmp_path: Path, craft: object) -> None:
    """At whatever depth of the graph, although the bundle's hashes are right."""
    make_bundle(tmp_path)
    model = audio_tower(np.random.default_rng(0), 128, EMBEDDING_SIZE)
    assert callable(craft)
    craft(model)
    (tmp_path / AUDIO).write_bytes(model.SerializeToString())
    with pytest.raises(BundleError, match="refers to weights in another file"):
        Encoder(seal(tmp_path), threads=1)


def test_the_state_folder_is_closed_to_others(tmp_path: Path) -> None:
    """Whatever the umask: folder 0750, database and its journal 0640."""
    before = os.umask(0)
    try:
        store = Store.open(tmp_path / "state")
        store.record(ALERT, [("t", "p")])
        files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store_files(tmp_path)}
        store.close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o750
    assert FILE_NAME in files
    assert f"{FILE_NAME}-wal" in files
    assert set(files.values()) == {0o640}


def store_files(folder: Path) -> list[Path]:
    """What a store has made."""
    return list((folder / "state").iterdir())


def test_an_open_state_folder_is_used_but_its_database_is_closed(tmp_path: Path) -> None:
    """A folder that was there before stays as its owner made it."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        Store.open(folder).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o640
