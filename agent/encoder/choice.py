"""Which audio tower a box runs: of those that its bundle holds for it, the one that is faster here.

An int8 graph is faster than float32 on one processor and slower on another of the same
architecture. So both are tried once, and the finding is kept in the state folder: all commands of
a site then hear alike, at every start.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.config.record import record
from agent.core import files, folders
from agent.core.errors import reason
from agent.encoder.audio import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.bundle.loading import Bundle

KEPT = "tower.json"
"""In the state folder."""
SCHEMA = 1

_ROUNDS = 12
_CLEARLY = 0.95
"""Of the float32 tower's time: one that is no faster than this is not worth what it loses."""
_CPUINFO = Path("/proc/cpuinfo")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """A finding, and what it holds for."""

    schema: int
    bundle: str
    """Digest."""
    processor: str
    """Its model, and the version of ONNX Runtime."""
    threads: int
    tower: str
    """File of the bundle."""
    milliseconds: dict[str, float]
    """Of the fastest run of each tower, on one window."""


def with_fastest_tower(
    bundle: Bundle,
    state_dir: Path,
    *,
    threads: int = 1,
    keep: bool = True,
    costs_ms: Callable[[Bundle, int], Mapping[str, float]] | None = None,
) -> Bundle:
    """The bundle with the tower that runs faster here.

    Args:
        bundle: as loaded.
        state_dir: of the site, where the finding is kept.
        threads: that the tower runs on.
        keep: whether what is found may be written there; what was kept is gone by in any case.
        costs_ms: measures a bundle's towers, milliseconds by file; by running each if ``None``.

    Returns:
        The bundle, with the only tower where there is no choice.

    Raises:
        BundleError: a tower cannot be run.
    """
    known = as_kept(bundle, state_dir, threads=threads)
    if known is not None:
        return known
    costs = dict((costs_ms or measured_ms)(bundle, threads))
    reference = bundle.manifest.variants.reference
    fastest = min(costs, key=lambda name: costs[name])
    tower = fastest if costs[fastest] < _CLEARLY * costs[reference] else reference
    rounded = {name: round(cost_ms, 3) for name, cost_ms in costs.items()}
    _log.info("tower_chosen", extra={"tower": tower, "milliseconds": rounded})
    if keep:
        _write(state_dir / KEPT, Kept(SCHEMA, bundle.digest, _processor(), threads, tower, rounded))
    return replace(bundle, tower=tower)


def as_kept(bundle: Bundle, state_dir: Path, *, threads: int = 1) -> Bundle | None:
    """The bundle with the tower that a site's agent runs; ``None`` where that is to be found out.

    Args:
        bundle: as loaded.
        state_dir: of the site.
        threads: that the tower runs on.
    """
    towers = bundle.towers
    if len(towers) == 1:
        return replace(bundle, tower=towers[0])
    kept = _read(state_dir / KEPT)
    if kept is None or kept.tower not in towers:
        return None
    found = (kept.schema, kept.bundle, kept.processor, kept.threads)
    same = found == (SCHEMA, bundle.digest, _processor(), threads)
    return replace(bundle, tower=kept.tower) if same else None


def measured_ms(bundle: Bundle, threads: int) -> dict[str, float]:
    """Milliseconds of the fastest run of each tower of a bundle, in turns, on one window."""
    manifest = bundle.manifest
    shape = (1, manifest.frontend.n_mels, manifest.tuning.window_frames)
    window = np.random.default_rng(0).normal(0.0, 0.5, shape).astype(np.float32)
    encoders = {name: Encoder(replace(bundle, tower=name), threads) for name in bundle.towers}
    fastest_s = dict.fromkeys(encoders, float("inf"))
    for _ in range(_ROUNDS):
        for name, encoder in encoders.items():
            began_s = time.perf_counter()
            encoder.encode(window)
            fastest_s[name] = min(fastest_s[name], time.perf_counter() - began_s)
    return {name: 1_000.0 * took_s for name, took_s in fastest_s.items()}


def _processor() -> str:
    """What a finding holds for; the model is empty where the system does not tell it."""
    model = ""
    try:
        for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith(("model name", "cpu part")):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass  # no Linux: the version alone tells
    return f"{model}; onnxruntime {version('onnxruntime')}"


def _read(path: Path) -> Kept | None:
    try:
        return record(Kept, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        _log.warning("tower_unreadable", extra={"reason": f"{path}: {error}; measured again"})
        return None


def _write(path: Path, kept: Kept) -> None:
    try:
        folders.make(path.parent)
        files.write_text(path, json.dumps(asdict(kept), indent=2) + "\n")
    except OSError as error:
        # Measured again at the next start.
        _log.warning("tower_not_kept", extra={"file": str(path), "reason": reason(error)})
