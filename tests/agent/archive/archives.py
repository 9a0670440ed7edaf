"""Small archives of recordings, and what a scan of them wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from pyarrow import parquet

from agent import cli
from agent.archive import tables
from tests.signals import noise

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

RATE_HZ = 16_000
DESCRIPTIONS = """\
version: 1
errors:
  - {id: drop, text: metal part dropped, threshold: 0.0, hits: 1 of 2, cooldown: 0s}
  - {id: leak, text: air leak, threshold: 0.5, hits: 1 of 1, cooldown: 1s}
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command came to."""

    status: int
    out: str
    err: str


def write_recording(path: Path, seed: int, seconds: float = 10.0) -> Path:
    """Noise whose colour changes twice: the model's mean hears different things."""
    sound = noise(round(seconds * RATE_HZ), seed=seed)
    third = len(sound) // 3
    sound[third : 2 * third] = 0.5 * np.sin(np.arange(third) * (0.2 + 0.05 * seed))
    soundfile.write(path, sound, RATE_HZ, subtype="PCM_16")
    return path


def scan_options(folder: Path, bundle: Path, out: Path) -> list[str]:
    """The command line of a scan by one worker."""
    described = folder / "d.yaml"
    described.write_text(DESCRIPTIONS, encoding="utf-8")
    words = ["scan", folder / "recordings", "--descriptions", described, "--bundle", bundle]
    return [*map(str, words), "--out", str(out), "--workers", "1"]


def said(capsys: pytest.CaptureFixture[str], *words: object) -> Said:
    """Run a command in this process."""
    capsys.readouterr()
    status = cli.main(list(map(str, words)))
    told = capsys.readouterr()
    return Said(status, told.out, told.err)


def alerts_of(out: Path) -> list[dict[str, Any]]:
    """The table of alerts."""
    rows: list[dict[str, Any]] = parquet.read_table(out).to_pylist()
    return rows


def files_of(out: Path) -> dict[str, dict[str, Any]]:
    """The table of files by their names."""
    rows = parquet.read_table(tables.files_table(out)).to_pylist()
    return {row["file"].rpartition("/")[2]: row for row in rows}


def scored(capsys: pytest.CaptureFixture[str], *words: object) -> list[dict[str, Any]]:
    """What ``score --alerts`` tells of the same."""
    told = said(capsys, "score", *words, "--alerts", "--json")
    assert told.status == 0, told.err
    return [json.loads(line) for line in told.out.splitlines()]
