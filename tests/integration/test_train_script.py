"""Everything that docs/training.md tells, at a reduced size, as a user would type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.torch

ROOT = Path(__file__).resolve().parents[2]


def test_from_recordings_to_reports(data_dir: Path, tmp_path: Path) -> None:
    """A model, its evaluation, the experiment's report and what to rate next."""
    environment = {
        **os.environ,
        "KIKIMIMI_DATA": str(data_dir),
        # The interpreter that runs the tests has everything.
        "KIKIMIMI_PYTHON": sys.executable,
        # The text tower reads some thousand texts.
        "OMP_NUM_THREADS": "2",
    }
    result = subprocess.run(
        ["script/train", "--small", "--output", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3_000:] + result.stderr[-3_000:]
    assert (tmp_path / "train" / "model.pt").is_file()
    assert (tmp_path / "train" / "attributions.csv").is_file()
    evaluated = json.loads((tmp_path / "evaluation" / "results.json").read_text(encoding="utf-8"))
    assert {one["condition"] for one in evaluated["figures"]} == {"clean", "snr0"}
    assert evaluated["comparisons"]
    report = (tmp_path / "experiment" / "joint-loss.md").read_text(encoding="utf-8")
    assert "| joint-ramp | binary | mAP@10 |" in report
    chosen = (tmp_path / "selected.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(chosen) == 20
