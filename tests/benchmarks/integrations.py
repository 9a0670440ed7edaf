"""What integrations cost a box, switched on and off: a table of docs/benchmarks.md.

    python -m tests.benchmarks.integrations [--seconds 300] [--rounds 7] [--before CHECKOUT ...]

Runs ``kikimimi run`` on one recording, read as fast as it is scored, at a real Mosquitto: round by
round each kind of box once, so that what else the machine does meets all of them. ``--before`` are
roots of other versions' checkouts, run on this one's bundle.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.integration.scenes import DESCRIPTIONS, write_siren
from tests.mosquitto import free_port, mosquitto

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "agent/bundle/default"
_SIREN_S = 5.0
_ASKED_EACH_S = 1.0
# Linux counts what the process that starts another one held into the peak of the new one: a small
# one starts the agent.
_MEASURED = """\
import json, os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
print(json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


@dataclass(frozen=True)
class Kind:
    """One kind of box."""

    name: str
    code: Path
    """Root of the checkout whose agent it runs."""
    settings: dict[str, Any]
    asked: str = ""
    """Address that is asked all the time, as Prometheus would less often."""
    leaves: str = ""
    """File of the state folder that proves that it did what it is called after."""


@dataclass(frozen=True)
class Cost:
    """Of one run, from its start to its end."""

    ready_s: float
    """From the start of the process until it listens."""
    processor_s: float
    """User and system."""
    peak_mib: float
    """Largest resident memory."""


def run(kind: Kind, folder: Path) -> Cost:
    """Let a box hear all of its sound.

    Raises:
        RuntimeError: it failed, never began to listen, or did not do what it is measured for.
    """
    config = folder / "agent.yaml"
    config.write_text(json.dumps({"state_dir": str(folder / "state"), **kind.settings}))
    agent = (sys.executable, "-m", "agent", "run")
    began_s = time.monotonic()
    box = subprocess.Popen(
        [sys.executable, "-ISc", _MEASURED, *agent, "--config", str(config)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(kind.code)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ended = threading.Event()
    answers = list[bytes]()
    asking = threading.Thread(target=_ask, args=(kind.asked, ended, answers))
    lines, ready_s = list[str](), None
    assert box.stderr is not None
    for line in box.stderr:
        lines.append(line)
        if ready_s is None and json.loads(line)["event"] == "ready":
            ready_s = time.monotonic() - began_s
            asking.start()
    told, _ = box.communicate()
    ended.set()
    status, processor_s, peak_kib = json.loads(told)
    if status or ready_s is None:
        raise RuntimeError(f"{kind.name} ended with {status}:\n{''.join(lines)}")
    asking.join()
    if (kind.asked and not answers) or not (folder / "state" / kind.leaves).exists():
        raise RuntimeError(f"{kind.name} was not at work:\n{''.join(lines)}")
    return Cost(ready_s, processor_s, peak_kib / 1024)


def _ask(address: str, ended: threading.Event, answers: list[bytes]) -> None:
    while address and not ended.wait(_ASKED_EACH_S):
        try:
            with urllib.request.urlopen(address) as answer:  # noqa: S310 - of this machine
                answers.append(answer.read())
        except OSError:  # it has just ended
            return


def table(costs: dict[str, list[Cost]]) -> str:
    """Medians, and the medians of each round's ratios to the first kind of box."""
    base = next(iter(costs.values()))
    head = ("box", "starts in s", "ratio", "processor s", "ratio", "peak MiB", "ratio")
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, found in costs.items():
        cells = [name]
        for of in ("ready_s", "processor_s", "peak_mib"):
            values = [getattr(one, of) for one in found]
            ratios = [getattr(a, of) / getattr(b, of) for a, b in zip(found, base, strict=True)]
            cells += [f"{median(values):.2f}", f"{median(ratios):.3f} ({_span(ratios)})"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _span(ratios: Sequence[float]) -> str:
    return f"{min(ratios):.3f}–{max(ratios):.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300.0, help="of sound in each run")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--before", type=Path, nargs="+", default=[], help="other checkouts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "descriptions.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
        sound = write_siren(folder / "hall.wav", after_s=options.seconds - 3.0 - _SIREN_S)
        with mosquitto(folder) as broker:
            plain = {
                "descriptions": str(folder / "descriptions.yaml"),
                "bundle": str(BUNDLE),
                "sources": [
                    {"name": "hall", "kind": "file", "path": str(sound), "realtime": False}
                ],
                "mqtt": {"host": "127.0.0.1", "port": broker.port},
                "log": {"format": "json"},
            }
            port = free_port()
            kinds = [
                Kind("all off", ROOT, plain),
                Kind(
                    "home_assistant",
                    ROOT,
                    plain | {"home_assistant": {"discovery": True}},
                    leaves="home_assistant.json",
                ),
                Kind(
                    "metrics",
                    ROOT,
                    plain | {"metrics": {"enabled": True, "port": port}},
                    f"http://127.0.0.1:{port}/metrics",
                ),
            ]
            kinds += [Kind(one.name, one.resolve(), plain) for one in options.before]
            costs: dict[str, list[Cost]] = {kind.name: [] for kind in kinds}
            for number in range(options.rounds + 1):
                for kind in kinds:
                    (folder / kind.name).mkdir(exist_ok=True)
                    cost = run(kind, folder / kind.name)
                    if number:  # the first time, texts are embedded and files come from the disk
                        costs[kind.name].append(cost)
                        sys.stderr.write(f"{number} {kind.name}: {cost}\n")
    head = f"{options.rounds} rounds of {options.seconds:g} s of sound; ratios to {kinds[0].name}"
    sys.stdout.write(f"{head} (lowest to highest round)\n{table(costs)}\n")


if __name__ == "__main__":
    main()
