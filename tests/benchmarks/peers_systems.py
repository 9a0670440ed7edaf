"""The systems that tests.benchmarks.peers compares, each in a process of its own.

    python -m tests.benchmarks.peers_systems NAME SOUND.npz WEIGHTS

Tells what it took to start, then waits for the names of tasks on standard input, a line each, and
answers each with a line of JSON. All of them hear the same sound, at the rate that each wants, on
one thread.
"""

from __future__ import annotations

import json
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import files as files_of
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray

HOP_S = 0.5
TOGETHER = 16
_MEBI = 1 << 20
_MATMUL = 1_024


@dataclass(frozen=True)
class Started:
    """What a system is before it has heard anything."""

    processor_s: float
    """From the start of its process on."""
    resident_mib: float
    model_mib: float
    runtime_mib: float
    """Of the packages that run it, as they are installed."""


@dataclass(frozen=True)
class Done:
    """One task: seconds of processor time for each second of sound, and memory after it."""

    processor_s: float
    resident_mib: float


class System(ABC):
    """A model that hears."""

    rate_hz: ClassVar[int]
    packages: ClassVar[tuple[str, ...]]
    """Distributions that it needs beside numpy."""

    model_bytes: int = 0
    """Of its weights, set by the start."""

    @abstractmethod
    def apart(self, sound: FloatArray) -> None:
        """Sound piece by piece, each of them heard once."""

    @abstractmethod
    def streaming(self, sound: FloatArray) -> None:
        """A window every :data:`HOP_S`, as it would come."""

    @abstractmethod
    def batch(self, sound: FloatArray) -> None:
        """Sound that is there already, in its best order."""


class Kikimimi(System):
    """The box's frontend and audio tower; windows of two seconds."""

    rate_hz = 32_000
    packages = ("onnxruntime",)

    def __init__(self, _weights: Path) -> None:
        from agent.bundle import loading
        from agent.encoder.audio import Encoder
        from agent.encoder.choice import measured_ms
        from agent.hearing import windows

        bundle = loading.load()
        costs = measured_ms(bundle, 1)
        self._bundle = replace(bundle, tower=min(costs, key=lambda name: costs[name]))
        self.model_bytes = self._bundle.audio_tower.stat().st_size
        self._encoder = Encoder(self._bundle)
        self._windows_of = windows.windows_of
        self._window_s = (
            bundle.manifest.tuning.window_frames / bundle.manifest.frontend.frame_rate_hz
        )

    def _hear(self, sound: FloatArray, block_s: float, hop_s: float, together: int) -> None:
        step = round(block_s * self.rate_hz)
        blocks = (sound[at : at + step] for at in range(0, len(sound), step))
        some = []
        for window in self._windows_of(self._bundle, "peers", blocks, hop_s):
            some.append(window)
            if len(some) == together:
                self._encoder.embed(some)
                some = []
        if some:
            self._encoder.embed(some)

    def apart(self, sound: FloatArray) -> None:
        """Windows that follow on each other."""
        self._hear(sound, 0.1, self._window_s, 1)

    def streaming(self, sound: FloatArray) -> None:
        """Windows of two seconds; each frame is computed once."""
        self._hear(sound, 0.1, HOP_S, 1)

    def batch(self, sound: FloatArray) -> None:
        """Sixteen windows at once."""
        self._hear(sound, 1.0, self._window_s, TOGETHER)


class Yamnet(System):
    """YAMNet as TFLite, waveform to 521 classes; windows of .975 s."""

    rate_hz = 16_000
    packages = ("ai-edge-litert",)
    _window = 15_600

    def __init__(self, weights: Path) -> None:
        interpreter = import_module("ai_edge_litert.interpreter")
        path = weights / "yamnet.tflite"
        self.model_bytes = path.stat().st_size
        self._model: Any = interpreter.Interpreter(str(path), num_threads=1)
        self._input = self._model.get_input_details()[0]["index"]
        self._output = self._model.get_output_details()[0]["index"]
        self._size = 0

    def _invoke(self, sound: FloatArray) -> None:
        if len(sound) != self._size:
            self._model.resize_tensor_input(self._input, [len(sound)], strict=False)
            self._model.allocate_tensors()
            self._size = len(sound)
        self._model.set_tensor(self._input, sound)
        self._model.invoke()
        self._model.get_tensor(self._output)

    def apart(self, sound: FloatArray) -> None:
        """Windows that follow on each other."""
        for at in range(0, len(sound) - self._window + 1, self._window):
            self._invoke(sound[at : at + self._window])

    def streaming(self, sound: FloatArray) -> None:
        """Its own window every half second."""
        for at in range(0, len(sound) - self._window + 1, round(HOP_S * self.rate_hz)):
            self._invoke(sound[at : at + self._window])

    def batch(self, sound: FloatArray) -> None:
        """All at once; it hears each second twice, as its own hop is .48 s."""
        self._invoke(sound)


class Htsat(System):
    """CLAP's HTSAT audio tower with random weights, ten seconds at a time.

    Its log-mel is computed beforehand and not counted.
    """

    rate_hz = 48_000
    packages = ("torch", "transformers")
    _window_s = 10.0
    _frames, _bands = 1_001, 64

    def __init__(self, _weights: Path) -> None:
        torch: Any = import_module("torch")
        transformers: Any = import_module("transformers")
        torch.set_num_threads(1)
        self._torch = torch
        self._model = transformers.ClapAudioModel(transformers.ClapAudioConfig()).eval()
        self.model_bytes = sum(4 * one.numel() for one in self._model.parameters())
        self._mel = torch.randn(4, 1, self._frames, self._bands)

    def _run(self, together: int) -> None:
        with self._torch.inference_mode():
            longer = self._torch.zeros(together, 1, dtype=self._torch.bool)
            self._model(input_features=self._mel[:together], is_longer=longer)

    def apart(self, sound: FloatArray) -> None:
        """Windows of ten seconds that follow on each other."""
        for _ in range(round(len(sound) / self.rate_hz / self._window_s)):
            self._run(1)

    def streaming(self, sound: FloatArray) -> None:
        """Ten seconds every half second: shorter ones it fills up."""
        for _ in range(round(len(sound) / self.rate_hz / HOP_S)):
            self._run(1)

    def batch(self, sound: FloatArray) -> None:
        """Four windows at once."""
        for _ in range(max(1, round(len(sound) / self.rate_hz / self._window_s / 4))):
            self._run(4)


class Floor(System):
    """The arithmetic of our own graph alone, at the speed of this machine's matrix product."""

    rate_hz = 32_000
    packages = ()

    def __init__(self, _weights: Path) -> None:
        from agent.bundle import loading

        bundle = loading.load()
        self._window_s = (
            bundle.manifest.tuning.window_frames / bundle.manifest.frontend.frame_rate_hz
        )
        frames = bundle.manifest.tuning.window_frames
        path = bundle.folder / bundle.manifest.variants.reference
        self._operations = operations(path, (1, bundle.manifest.frontend.n_mels, frames))
        self._a = np.ones((_MATMUL, _MATMUL), np.float32)
        self._out = np.empty_like(self._a)

    def _compute(self, windows: float) -> None:
        products = windows * self._operations / (2.0 * _MATMUL**3)
        whole = int(products)
        rest = round((products - whole) * _MATMUL)
        for _ in range(whole):
            np.matmul(self._a, self._a, out=self._out)
        if rest:
            np.matmul(self._a[:rest], self._a, out=self._out[:rest])

    def apart(self, sound: FloatArray) -> None:
        """As many operations as its windows that follow on each other."""
        self._compute(len(sound) / self.rate_hz / self._window_s)

    def streaming(self, sound: FloatArray) -> None:
        """... as those every half second."""
        self._compute(len(sound) / self.rate_hz / HOP_S)

    batch = apart


def _window_s(bundle: Bundle) -> float:
    return bundle.manifest.tuning.window_frames / bundle.manifest.frontend.frame_rate_hz


SYSTEMS: dict[str, type[System]] = {
    "kikimimi": Kikimimi,
    "yamnet": Yamnet,
    "htsat": Htsat,
    "floor": Floor,
}


def operations(path: Path, shape: tuple[int, ...]) -> float:
    """Multiplications and additions of a graph's convolutions and products, for one input."""
    onnx: Any = import_module("onnx")
    model = onnx.load(str(path))
    for dimension, size in zip(model.graph.input[0].type.tensor_type.shape.dim, shape, strict=True):
        dimension.dim_value = size
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    weights = {one.name: list(one.dims) for one in model.graph.initializer}
    sizes = {
        one.name: [dimension.dim_value for dimension in one.type.tensor_type.shape.dim]
        for one in (*model.graph.value_info, *model.graph.output)
    }
    total = 0.0
    for node in model.graph.node:
        if node.op_type not in {"Conv", "Gemm", "MatMul"}:
            continue
        weight = next((weights[name] for name in node.input[1:2] if name in weights), None)
        made = sizes.get(node.output[0])
        if weight is None or not made:
            continue
        # What each number of the result is summed over.
        depth = np.prod(weight[1:]) if node.op_type == "Conv" else np.prod(weight) / made[-1]
        total += 2.0 * float(np.prod([max(1, size) for size in made]) * depth)
    return total


def resident_mib() -> float:
    """Of this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1_024 for line in status if line.startswith("VmRSS:"))


def installed_mib(packages: tuple[str, ...]) -> float:
    """Files of distributions, numpy's included: all of them need it."""
    paths = [one.locate() for name in ("numpy", *packages) for one in files_of(name) or ()]
    return sum(Path(path).stat().st_size for path in paths if Path(path).is_file()) / _MEBI


def _tell(what: Started | Done) -> None:
    sys.stdout.write(f"{json.dumps(vars(what))}\n")
    sys.stdout.flush()


def main() -> None:
    """Start, and do what is asked for."""
    name, sounds, weights = sys.argv[1:]
    system = SYSTEMS[name](Path(weights))
    started = Started(
        time.process_time(),
        resident_mib(),
        system.model_bytes / _MEBI,
        installed_mib(system.packages),
    )
    _tell(started)
    sound = np.load(sounds)[str(system.rate_hz)]
    tasks: dict[str, Callable[[FloatArray], None]] = {
        "apart": system.apart,
        "streaming": system.streaming,
        "batch": system.batch,
    }
    for line in sys.stdin:
        began_s = time.process_time()
        tasks[line.strip()](sound)
        took_s = time.process_time() - began_s
        seconds = len(sound) / system.rate_hz
        _tell(Done(took_s / seconds, resident_mib()))


if __name__ == "__main__":
    main()
