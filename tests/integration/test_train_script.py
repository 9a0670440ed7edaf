"""Everything that docs/training.md tells, at a reduced size, as a user would type it.

Under strace, since it runs anyway: it tells nobody of it (see test_telemetry.py).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from agent.core.telemetry import SWITCHED_OFF
from tests.tracing import traced

pytestmark = [pytest.mark.torch, pytest.mark.full]

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 3_600.0


def test_from_recordings_to_reports(data_dir: Path, tmp_path: Path) -> None:
    """A model, its evaluation, the experiment's report and what to rate next."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        **{name: "0" for name, _ in SWITCHED_OFF},
        "KIKIMIMI_DATA": str(data_dir),
        # The interpreter that runs the tests has everything.
        "KIKIMIMI_PYTHON": sys.executable,
        # The text tower reads some thousand texts.
        "OMP_NUM_THREADS": "2",
    }
    command = ["script/train", "--small", "--output", tmp_path]
    with traced(tmp_path / "trace", command, environment, ROOT) as started:
        said = started.end(_PATIENCE_S)
    assert started.process.returncode == 0, said[-6_000:]
    trace = started.trace()
    assert not trace.looks_up_names
    assert trace.contacts == set()
    assert list(home.rglob("*")) == []
    assert (tmp_path / "train" / "model.pt").is_file()
    assert (tmp_path / "train" / "attributions.csv").is_file()
    evaluated = json.loads((tmp_path / "evaluation" / "results.json").read_text(encoding="utf-8"))
    assert {one["condition"] for one in evaluated["figures"]} == {"clean", "snr0"}
    assert evaluated["comparisons"]
    report = (tmp_path / "experiment" / "joint-loss.md").read_text(encoding="utf-8")
    assert "| joint-ramp | binary | mAP@10 |" in report
    chosen = (tmp_path / "selected.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(chosen) == 20
