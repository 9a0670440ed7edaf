"""One ONNX graph of a bundle, run on the processor by ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from agent.core.errors import BundleError, failing_as

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agent.core.records import FloatArray

# A tensor outside of the file is named by an entry with this key, at whatever depth of the graph.
_EXTERNAL_KEY = b"location"

_QUIET = 4  # only what ends the process: faults come as exceptions


@dataclass(frozen=True, slots=True)
class Tensor:
    """What an input or output has to be."""

    name: str
    shape: tuple[int | None, ...]
    """``None``: any size."""
    element: str = "float"
    """ONNX's name of the type of its elements."""

    def __str__(self) -> str:
        sizes = ", ".join("any" if size is None else str(size) for size in self.shape)
        return f"{self.name} {self.element} ({sizes})"


class Graph:
    """A graph whose inputs and outputs are as the bundle's contract says."""

    def __init__(
        self,
        path: Path,
        inputs: Sequence[Tensor],
        output: Tensor,
        *,
        beside: Sequence[Tensor] = (),
        threads: int = 1,
        arena: bool = True,
    ) -> None:
        """Load a graph.

        Args:
            path: of the ONNX file.
            inputs: that it must have, and no others.
            output: that it must have ...
            beside: ... and the outputs beside it, and no others.
            threads: to compute with; they sleep while there is nothing to do.
            arena: whether to hold on to the memory that was needed most; faster for what runs all
                the time.

        Raises:
            BundleError: the file cannot be run, refers to another file, or has other inputs or
                outputs.
        """
        self._path = path
        self._outputs = [output.name, *(other.name for other in beside)]
        with failing_as(BundleError, path, "install the bundle again"):
            content = path.read_bytes()
        if _EXTERNAL_KEY in content:
            raise BundleError(
                f"{path}: refers to weights in another file; export it with its weights inside"
            )
        try:
            self._session = onnxruntime.InferenceSession(
                _source(path, content),
                _options(threads, arena=arena),
                providers=["CPUExecutionProvider"],
            )
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise BundleError(
                f"{path}: ONNX Runtime cannot load it ({_first_line(error)}); "
                "install the bundle again"
            ) from error
        self._check("inputs", inputs, self._session.get_inputs())
        self._check("outputs", [output, *beside], self._session.get_outputs())

    def run(self, feeds: Mapping[str, np.ndarray[Any, Any]]) -> FloatArray:
        """Compute the output.

        Raises:
            BundleError: ONNX Runtime fails, as for want of memory.
        """
        return self.run_all(feeds)[0]

    def run_all(self, feeds: Mapping[str, np.ndarray[Any, Any]]) -> list[FloatArray]:
        """Compute the output and those beside it, in the order in which they were named.

        Raises:
            BundleError: as :meth:`run`.
        """
        try:
            results = self._session.run(self._outputs, dict(feeds))
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise BundleError(
                f"{self._path}: ONNX Runtime cannot run it ({_first_line(error)}); "
                "free memory or install the bundle again"
            ) from error
        return [np.asarray(result, np.float32) for result in results]

    def _check(self, side: str, expected: Sequence[Tensor], found: Sequence[Any]) -> None:
        """Refuse a graph whose inputs or outputs differ, telling both."""
        have = [
            Tensor(
                node.name,
                tuple(size if isinstance(size, int) else None for size in node.shape),
                node.type.removeprefix("tensor(").removesuffix(")"),
            )
            for node in found
        ]
        if sorted(map(str, have)) != sorted(map(str, expected)):
            raise BundleError(
                f"{self._path}: its {side} are {_listed(have)}, but the manifest asks for "
                f"{_listed(expected)}; use a bundle exported for this version"
            )


def _source(path: Path, content: bytes) -> str | bytes:
    """What ONNX Runtime reads a graph from: its file, for it would keep a copy of the bytes."""
    name = str(path)
    try:
        name.encode()
    except UnicodeEncodeError:  # a name that ONNX Runtime cannot be told
        return content
    return name


def _options(threads: int, *, arena: bool) -> onnxruntime.SessionOptions:
    """A session that computes on few threads and leaves the processor alone in between."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Plans memory for one shape and keeps it: ours change with the batch, and it doubles it.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = arena
    options.log_severity_level = _QUIET
    for key, value in {
        "session.intra_op.allow_spinning": "0",
        "session.inter_op.allow_spinning": "0",
        # No other format is guessed from the file's first bytes.
        "session.load_model_format": "ONNX",
    }.items():
        options.add_session_config_entry(key, value)
    return options


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _listed(tensors: Sequence[Tensor]) -> str:
    return ", ".join(map(str, tensors)) or "none"
