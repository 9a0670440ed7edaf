"""The running agent as others see it: memory, start, and the delay until a message is there."""

from __future__ import annotations

import json
import math
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.capture.scene import RATE_HZ
from agent.cli.bench.figures import READY_S, Figure, write_wav
from agent.cli.child import running_agent
from agent.cli.demo_broker import HOST, local_broker
from agent.mqtt.subscriber import Subscriber

if TYPE_CHECKING:
    from agent.cli.child import Child
    from agent.core.records import FloatArray

_WARM_UP_S = 5.0
_SETTLED_S = 60.0
_MEBI = 1024.0


def running(
    folder: Path | None, described: Path, sound: FloatArray, seconds: float
) -> list[Figure]:
    """The running agent: memory, start, and the delay until another process has the message."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kikimimi-bench-")))
        path = place / "sound.wav"
        write_wav(path, sound, RATE_HZ)
        broker = stack.enter_context(local_broker())
        subscriber = stack.enter_context(
            closing(Subscriber(HOST, broker.port, "kikimimi/bench/box/#"))
        )
        settings = {
            "site": "bench",
            "node": "box",
            "descriptions": str(described.resolve()),
            "state_dir": str(place / "state"),
            "sources": [{"name": "file", "kind": "file", "path": str(path), "loop": True}],
            "mqtt": {"host": HOST, "port": broker.port},
            "publish": {"scores": True},
            "log": {"format": "json"},
        }
        if folder is not None:
            settings["bundle"] = str(folder.resolve())
        # The first start embeds the texts, the second finds them in the cache.
        starts_s = []
        for _ in range(2):
            began_s = time.perf_counter()
            with running_agent(place, settings) as child:
                child.wait_for_event("ready", READY_S)
                starts_s.append(time.perf_counter() - began_s)
                if len(starts_s) == 2:  # noqa: PLR2004 - the one that is measured further
                    run = _observe(subscriber, child, seconds)
    delays_ms = run.delays_ms or [math.nan]
    p50, p99 = (float(np.percentile(delays_ms, q)) for q in (50, 99))
    early, late = run.resident_mib[0], run.resident_mib[-1]
    return [
        Figure("start to ready, texts to embed", starts_s[0], "s"),
        Figure(
            "start to ready, texts cached", starts_s[1], "s", starts_s[1] / starts_s[0], "of it"
        ),
        Figure(f"resident memory after {min(_SETTLED_S, seconds / 2):.0f} s", early, "MiB"),
        Figure(f"resident memory after {seconds:.0f} s", late, "MiB", late / early, "of that"),
        Figure("threads at the end", float(run.threads), ""),
        Figure("open files at the end", float(run.open_files), ""),
        Figure("windows dropped", run.dropped, "", run.drop_ratio, "of all"),
        Figure("alerts", float(run.alerts), ""),
        Figure(f"end of window to message, {len(delays_ms)} windows, p50", p50, "ms"),
        Figure(f"end of window to message, {len(delays_ms)} windows, p99", p99, "ms"),
    ]


@dataclass(slots=True)
class Observed:
    """What a running agent said and took."""

    delays_ms: list[float] = field(default_factory=list)
    """From the end of each window's last sample to the arrival of its scores here."""
    resident_mib: list[float] = field(default_factory=list)
    """Once when the first minute is over, then at the end."""
    threads: int = 0
    open_files: int = 0
    dropped: float = math.nan
    """Windows, as its last health message says."""
    drop_ratio: float = math.nan
    alerts: int = 0


def _observe(subscriber: Subscriber, child: Child, seconds: float) -> Observed:
    run = Observed()
    process = Path(f"/proc/{child.pid}")
    settled_s = min(_SETTLED_S, seconds / 2)
    began_s = time.monotonic()
    while (elapsed_s := time.monotonic() - began_s) < seconds:
        message = subscriber.next(1.0)
        child.check()
        if not run.resident_mib and elapsed_s >= settled_s:
            run.resident_mib.append(_status(process, "VmRSS") / _MEBI)
        if message is None:
            continue
        kind = message.topic.rsplit("/", 1)[-1]
        if kind == "scores" and elapsed_s >= _WARM_UP_S:
            ends_at = datetime.fromisoformat(json.loads(message.payload)["ts_end"]).timestamp()
            run.delays_ms.append(1_000.0 * (message.at - ends_at))
        elif kind == "health":
            health = json.loads(message.payload)
            run.dropped = health["counters"]["windows_dropped"]
            run.drop_ratio = health["drop_ratio"]
        elif kind == "alert":
            run.alerts += json.loads(message.payload)["event_type"] == "new"
    run.resident_mib.append(_status(process, "VmRSS") / _MEBI)
    run.threads = round(_status(process, "Threads"))
    run.open_files = len(list((process / "fd").iterdir()))
    return run


def _status(process: Path, name: str) -> float:
    """A number of a process's ``status``, as Linux tells it."""
    for line in (process / "status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return float(line.split()[1])
    return math.nan
