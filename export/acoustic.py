"""The acoustic view as an output of the audio graphs: features of several depths, and the map.

It is added to graphs that are written already, the quantized ones among them, so that their joint
view stays bit for bit what it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from agent.capture.audiofile import read_audio
from agent.core.records import FloatArray
from export.evaluation import encode, log_mels
from export.onnx import WINDOW_FRAMES, half_matrix, normalise
from training.data import takes
from training.data.arrays import Numbers
from training.data.augment import AugmentConfig, augment, background_log_mels, log_mels_of
from training.data.frontend import LogMel
from training.data.records import Split
from training.data.sounding import factory_noise
from training.data.takes import Take
from training.train.acoustic import AcousticHead, Material

ACOUSTIC = "acoustic"
"""The output, and what the names of all that it is made with begin with."""
OWN = "nearest other take is of the same thing"
AGREES = "nearest other take is that of float32"
"""Names of its figures."""
FEATURES = "acoustic_features"
"""What it is made of: averages and maxima of inner maps, and the hidden layer."""
_TAPS = tuple(f"features.{block}/Add_output_0" for block in (3, 6, 10, 12, 14))
"""Maps of inner blocks, of which averages and maxima are taken ..."""
_HIDDEN = "classifier.3/HardSwish_output_0"
"""... and the last hidden layer: ends of the names of tensors."""
_DEQUANTIZED = "_DequantizeLinear_Output"
KnownTakes: TypeAlias = tuple[tuple[Take, ...], tuple[Take, ...]]
"""Recordings to learn from, and those to be judged on."""

_MOST_WINDOWS, _COPIES = 4, 3
_NOISES, _NOISE_S, _SEED = 96, 5.0, 20_261_130
_HEARD = AugmentConfig(
    noise_probability=0.85, noise_snr_db=(-3.0, 25.0), time_masks=0, band_masks=0
)
"""How copies differ from what was recorded: level, machines around it, microphone."""


def features_graph(source: Path) -> bytes:
    """An audio graph with one more output, what the acoustic view is made of.

    Raises:
        ValueError: a layer is missing: the tower is another one.
    """
    model = _without_head(onnx.load(str(source)))
    model.graph.node.extend(_features(model.graph))
    model.graph.output.append(_output(FEATURES, None))
    return bytes(model.SerializeToString())


def features_session(tower: Path) -> onnxruntime.InferenceSession:
    """One that gives what the acoustic view is made of, and the embedding; of one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # many small batches: threads would wait for each other
    return onnxruntime.InferenceSession(
        features_graph(tower), options, providers=["CPUExecutionProvider"]
    )


def add_head(path: Path, head: AcousticHead) -> None:
    """Give an audio graph its acoustic view, in place; one that it had before goes.

    Raises:
        ValueError: a layer is missing: the tower is another one.
    """
    model = _without_head(onnx.load(str(path)))
    graph = model.graph
    graph.node.extend(_features(graph))
    weight, cast = half_matrix(head.weight, f"{ACOUSTIC}.weight", f"{ACOUSTIC}.wide")
    graph.initializer.extend([weight, numpy_helper.from_array(head.bias, f"{ACOUSTIC}.bias")])
    graph.node.extend(
        [
            cast,
            helper.make_node(
                "Gemm",
                [FEATURES, f"{ACOUSTIC}.wide", f"{ACOUSTIC}.bias"],
                [f"{ACOUSTIC}.mapped"],
            ),
            helper.make_node("LpNormalization", [f"{ACOUSTIC}.mapped"], [ACOUSTIC], axis=-1, p=2),
        ]
    )
    graph.output.append(_output(ACOUSTIC, len(head.bias)))
    path.write_bytes(model.SerializeToString())
    normalise(path)


def remove(path: Path) -> None:
    """Make a graph what it was before it got an acoustic view, in place."""
    path.write_bytes(_without_head(onnx.load(str(path))).SerializeToString())
    normalise(path)


@dataclass(frozen=True, slots=True)
class Judged:
    """Validation recordings whose thing has another take."""

    log_mels: tuple[FloatArray, ...]
    """Of each the first window."""
    thing: Numbers

    def nearest(self, tower: Path) -> Numbers:
        """The nearest other recording of each."""
        views = encode(tower, self.log_mels, ACOUSTIC)
        cosine = views @ views.T
        np.fill_diagonal(cosine, -1.0)
        found: Numbers = cosine.argmax(axis=1)
        return found

    def figures(self, found: Numbers, as_float: Numbers) -> dict[str, float]:
        """How a graph does, from what it and the float graph find nearest, by names of figures."""
        own = self.thing[found] == self.thing
        return {OWN: float(own.mean()), AGREES: float((found == as_float).mean())}


def judged(data: Path, known: Sequence[Take]) -> Judged:
    """What variants of the acoustic view are judged on.

    Args:
        data: the shared data folder.
        known: recordings of it that the map was not fitted to.

    Raises:
        ValueError: no two are takes of one thing.
    """
    count = Counter(take.thing for take in known)
    several = [take for take in known if count[take.thing] > 1]
    if not several:
        raise ValueError("no two of the validation recordings are takes of one thing; take more")
    things = {thing: number for number, thing in enumerate(sorted(count))}
    heard = log_mels([data / take.recording.path for take in several])
    return Judged(
        tuple(log_mel[:, :WINDOW_FRAMES] for log_mel in heard),
        np.array([things[take.thing] for take in several]),
    )


def known_takes(data: Path, every: int) -> KnownTakes:
    """Recordings to learn from, and those to be judged on.

    Args:
        data: the shared data folder.
        every: n-th one is learned from; of those to be judged on, ten times as many are taken.
    """
    train, validation = (takes.read(data, split) for split in (Split.TRAIN, Split.VALIDATION))
    return train[::every], validation[:: max(1, every // 10)]


def material(tower: Path, data: Path, known: Sequence[Take]) -> Material:
    """Windows of recordings, as they are and in noise, as the tower hears them."""
    session = features_session(tower)
    things = {thing: number for number, thing in enumerate(sorted({take.thing for take in known}))}
    rng, chance = np.random.default_rng(_SEED), torch.Generator().manual_seed(_SEED)
    noise = machine_noise(_NOISES, _SEED)
    features, recording, thing = [], [], []
    for number, (take, log_mel) in enumerate(heard_takes(data, known)):
        heard = [window.numpy()[None] for window in windows_of(log_mel, rng)]
        for _ in range(_COPIES):
            windows = torch.stack(windows_of(padded(log_mel, rng), rng))
            heard.append(in_noise(windows, noise, rng, chance).numpy())
        made = np.concatenate(list(_run(session, heard)))
        features.append(made)
        recording += [number] * len(made)
        thing += [things[take.thing]] * len(made)
    return Material(np.concatenate(features), np.array(recording), np.array(thing))


def heard_takes(data: Path, known: Iterable[Take]) -> Iterator[tuple[Take, torch.Tensor]]:
    """Each recording with its normalised log-mel, ``(n_mels, frames)``, one at a time."""
    frontend = LogMel()
    for take in known:
        samples = read_audio(data / take.recording.path, frontend.constants.sample_rate_hz)
        yield take, frontend(torch.from_numpy(samples)[None])[0]


def in_noise(
    windows: torch.Tensor, noise: torch.Tensor, rng: np.random.Generator, chance: torch.Generator
) -> torch.Tensor:
    """Windows at other levels, by other microphones and mostly with machines around them.

    Args:
        windows: normalised log-mels, ``(windows, n_mels, frames)``.
        noise: of :func:`machine_noise`.
        rng: draws which noise.
        chance: draws all else.
    """
    around = noise[rng.integers(len(noise), size=len(windows))]
    return augment(windows, around, _HEARD, chance)


def one_window_each(data: Path, known: Sequence[Take]) -> list[FloatArray]:
    """A window of each recording, normalised log-mels ``(n_mels, frames)``."""
    rng = np.random.default_rng(_SEED)
    heard = log_mels([data / take.recording.path for take in known])
    windows = (windows_of(torch.from_numpy(log_mel), rng) for log_mel in heard)
    return [some[rng.integers(len(some))].numpy() for some in windows]


def machine_noise(sounds: int, seed: int) -> torch.Tensor:
    """Ordinary sound of machines of two kinds, normalised log-mels ``(sounds, n_mels, frames)``."""
    frames = round(_NOISE_S * LogMel().constants.frame_rate_hz)

    def factory(count: int, duration_s: float, rate_hz: int) -> Iterable[FloatArray]:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            yield factory_noise(rng, round(duration_s * rate_hz)).astype(np.float32)

    return torch.cat(
        [
            background_log_mels(sounds // 2, seed, frames),
            log_mels_of(factory, sounds // 2, frames),
        ]
    )


def padded(log_mel: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """At least a window long: a short sound somewhere in silence."""
    missing = WINDOW_FRAMES - log_mel.shape[1]
    if missing <= 0:
        return log_mel
    before = int(rng.integers(missing + 1))
    silence = float(log_mel.min())
    return torch.nn.functional.pad(log_mel, (before, missing - before), value=silence)


def windows_of(log_mel: torch.Tensor, rng: np.random.Generator) -> list[torch.Tensor]:
    """Some windows of a recording, each ``(n_mels, frames)``; all of a short one."""
    last = log_mel.shape[1] - WINDOW_FRAMES
    if last <= 0:
        return [log_mel]
    count = min(_MOST_WINDOWS, 1 + last // (WINDOW_FRAMES // 2))
    starts = np.linspace(0, last, count) if count > 1 else rng.integers(last + 1, size=1)
    return [log_mel[:, start : start + WINDOW_FRAMES] for start in starts.astype(int).tolist()]


def _run(
    session: onnxruntime.InferenceSession, windows: Sequence[FloatArray]
) -> Iterator[FloatArray]:
    """Features of groups of windows, those of one length together."""
    for _, alike in groupby(windows, key=lambda some: some.shape[1:]):
        yield session.run([FEATURES], {"log_mel": np.concatenate(list(alike))})[0]


def _without_head(model: onnx.ModelProto) -> onnx.ModelProto:
    graph = model.graph
    for kept in (graph.node, graph.initializer, graph.output):
        rest = [part for part in kept if not _of_head(part)]
        del kept[:]
        kept.extend(rest)
    return model


def _of_head(part: onnx.NodeProto | onnx.TensorProto | onnx.ValueInfoProto) -> bool:
    name = part.output[0] if isinstance(part, onnx.NodeProto) else part.name
    return name in {ACOUSTIC, FEATURES} or name.startswith(f"{ACOUSTIC}.")


def _features(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Nodes that put averages and maxima of inner maps and the hidden layer side by side."""
    nodes, parts = [], []
    for tap in _TAPS:
        tensor = _tensor(graph, tap)
        for pool in ("GlobalAveragePool", "GlobalMaxPool"):
            name = f"{ACOUSTIC}.{pool}.{tap}"
            nodes.append(helper.make_node(pool, [tensor], [f"{name}.map"]))
            nodes.append(helper.make_node("Flatten", [f"{name}.map"], [name], axis=1))
            parts.append(name)
    parts.append(_tensor(graph, _HIDDEN))
    return [*nodes, helper.make_node("Concat", parts, [FEATURES], axis=1)]


def _tensor(graph: onnx.GraphProto, end: str) -> str:
    """The tensor of a name's end; in a quantized graph what is computed on with."""
    names = {name for node in graph.node for name in node.output}
    found = [name for name in names if name.endswith(f"/{end}")]
    if len(found) != 1:
        raise ValueError(f"the audio graph has {len(found)} tensors {end}; name this tower's own")
    dequantized = found[0] + _DEQUANTIZED
    return dequantized if dequantized in names else str(found[0])


def _output(name: str, size: int | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
