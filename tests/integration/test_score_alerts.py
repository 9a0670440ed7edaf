"""``kikimimi score --alerts`` and ``scan`` say what ``kikimimi run`` publishes of the same file."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from pyarrow import parquet

from agent import cli, descriptions
from agent.bundle import loading as bundles
from agent.capture.scene import RATE_HZ, at_level, glass_broken, machines, siren
from agent.config import load_settings
from agent.core.clock import SystemClock
from agent.encoder.choice import with_fastest_tower
from agent.hearing.files import FileHearing
from agent.run.pipeline import Pipeline
from tests.attached import Watcher
from tests.mosquitto import listener, mosquitto

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import Match

pytestmark = pytest.mark.broker

DESCRIPTIONS = """\
version: 1
errors:
  - id: siren
    text: サイレンが鳴り響く音
    paraphrases: [a siren wails]
    severity: critical
    threshold: 4.0
    hits: 2 of 3
    cooldown: 1s
  - id: glass_broken
    text: a crash
    examples: [pane.flac]
background: [a machine hums]
"""
SECONDS = 22.37
SAME = ("error_id", "description", "severity", "threshold", "hits", "windows", "bundle")


def scene(folder: Path) -> None:
    """A siren, another that the end of the file cuts off, and a pane that words do not find."""
    rng = np.random.default_rng(3)
    samples = at_level(machines(rng, round(SECONDS * RATE_HZ)), -42.0)
    pane = at_level(machines(rng, 4 * RATE_HZ), -42.0)
    for sound, to, at_s in (
        (siren(rng), samples, 2.0),
        (siren(rng), samples, SECONDS - 3.0),
        (glass_broken(np.random.default_rng(2)), samples, 12.0),
        (glass_broken(np.random.default_rng(1)), pane, 1.0),
    ):
        first = round(at_s * RATE_HZ)
        room = to[first : first + len(sound)]
        room += at_level(sound, -18.0)[: len(room)]
    soundfile.write(folder / "sound.wav", samples, RATE_HZ, subtype="PCM_16")
    soundfile.write(folder / "pane.flac", pane, RATE_HZ)


def site(folder: Path, port: int) -> Path:
    """A box with the file for a source, and a hop of its own."""
    (folder / "d.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    settings = {
        "descriptions": "d.yaml",
        "state_dir": "state",
        "windows": {"hop_s": 0.25},
        "sources": [{"name": "hall", "kind": "file", "path": "sound.wav", "realtime": False}],
        "mqtt": {"host": "127.0.0.1", "port": port},
    }
    (folder / "agent.yaml").write_text(json.dumps(settings))
    return folder / "agent.yaml"


def run(config: Path) -> list[Match]:
    """The box from the file's start to its end; what it matched."""
    settings = load_settings(config, {})
    matches: list[Match] = []
    described = descriptions.load(settings.descriptions)
    clock = SystemClock()
    attach = {"test": Watcher(matches.append)}
    bundle = with_fastest_tower(bundles.load(), settings.state_dir)
    pipeline = Pipeline(settings, bundle, described, clock, attach=attach)
    assert pipeline.run() == 0
    assert pipeline.windows_dropped == 0
    return matches


def test_the_alerts_are_those_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, with the same times after the file's start, up to its very end; every window."""
    scene(tmp_path)
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        config = site(tmp_path, broker.port)
        matches = run(config)
        heard.wait(lambda: bool(heard.on("/status")) and heard.on("/status")[-1] == "offline")
        published = [json.loads(one) for one in heard.on("/alert")]
    ended = [one for one in published if one["event_type"] == "end"]
    file = str(tmp_path / "sound.wav")
    capsys.readouterr()
    assert cli.main(["score", file, "--config", str(config), "--alerts", "--json"]) == 0
    told = capsys.readouterr()
    found = [json.loads(line) for line in told.out.splitlines()]
    assert [one["error_id"] for one in found] == ["siren", "glass_broken", "siren"]
    assert "glass_broken has 1 examples" in told.err
    began_at = matches[0].captured_at

    def after(one: dict[str, Any], name: str) -> float:
        return datetime.fromisoformat(one[name]).timestamp() - began_at

    for one, other in zip(found, ended, strict=True):
        assert one["file"] == file
        assert {name: one[name] for name in SAME} == {name: other[name] for name in SAME}
        assert one["descriptions"] == other["descriptions"]
        assert one["score"] == pytest.approx(other["score"], abs=2e-3)
        for name in ("start", "peak", "end"):
            assert one[name] == pytest.approx(after(other, f"ts_{name}"), abs=2e-3)
    assert found[-1]["end"] == pytest.approx(SECONDS, abs=0.01)
    windows = FileHearing.of(bundles.load(), 0.25).windows(tmp_path / "sound.wav")
    table = str(tmp_path / "alerts.parquet")
    scan = ["scan", file, "--config", str(config), "--out", table, "--workers", "1"]
    assert cli.main(scan) == 0
    assert parquet.read_table(table).to_pylist() == found
    starts_s = [one.captured_at - began_at for one in matches]
    assert [one.captured_at for one in windows] == pytest.approx(starts_s, abs=1e-3)
