"""What a command listens to when it is told on the command line."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agent.cli.source_options import add_source, with_source
from agent.config import FileSettings, MicrophoneSettings, Settings, StdinSettings, load_settings
from agent.config.sources import Encoding
from agent.core.errors import ConfigError
from tests.bundles import make_bundle

ROOT = Path(__file__).resolve().parents[3]
SITE = Settings(node="box", state_dir=Path("state"))


def sources(*arguments: str) -> tuple[object, ...]:
    """The sources that a command line makes of a site's."""
    parser = argparse.ArgumentParser()
    add_source(parser)
    return with_source(SITE, parser.parse_args(arguments)).sources


def test_each_kind_of_source() -> None:
    """A file, a microphone, standard input as it is and as it is stated; nothing: the site's."""
    assert sources() == SITE.sources
    assert sources("--source", "a.m4a") == (FileSettings("file", Path("a.m4a")),)
    assert sources("--device", "USB") == (MicrophoneSettings("mic1", "USB"),)
    assert sources("--source", "-") == (StdinSettings("stdin", Encoding.F32, None, 1),)
    stated = ("--format", "S16LE", "--rate", "16000", "--channels", "2")
    assert sources("--source", "-", *stated) == (StdinSettings("stdin", Encoding.S16, 16_000, 2),)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--source", "-", "--format", "s16"], "--format: is 's16'; write one of u8, s16le, s24le"),
        (["--source", "-", "--rate", "16k"], "--rate: is '16k'; write a whole number from 1000"),
        (["--source", "-", "--channels", "0"], "--channels: is '0'; write a whole number from 1"),
        (["--source", "a.wav", "--rate", "8000"], "--rate: is given without raw samples on stand"),
        (["--format", "s16le"], "write --source - with it, or leave it out"),
    ],
)
def test_a_wrong_statement_is_refused(arguments: list[str], expected: str) -> None:
    """With what to write."""
    with pytest.raises(ConfigError) as caught:
        sources(*arguments)
    assert expected in str(caught.value)


def test_the_same_in_agent_yaml(tmp_path: Path) -> None:
    """Format, rate and channels of a source of kind stdin."""
    path = tmp_path / "agent.yaml"
    stated = "format: s24le, rate_hz: 44100, channel_count: 2"
    path.write_text(f"sources: [{{name: line, kind: stdin, {stated}}}]")
    assert load_settings(path, {}).sources == (StdinSettings("line", Encoding.S24, 44_100, 2),)
    path.write_text("sources: [{name: line, kind: stdin, format: s16be}]")
    with pytest.raises(ConfigError, match="write one of u8, s16le, s24le, s32le, f32le, f64le"):
        load_settings(path, {})


def test_a_run_that_can_hear_nothing_ends_as_failed(tmp_path: Path) -> None:
    """Integers where floats were stated: no run without alerts, but an error; stated, it is one."""
    bundle = make_bundle(tmp_path / "bundle").folder
    (tmp_path / "d.yaml").write_text("version: 1\nerrors: [{id: siren, text: a siren howls}]\n")
    settings = (
        f"descriptions: d.yaml\nbundle: {bundle}\nstate_dir: state\nmqtt: {{enabled: false}}\n"
    )
    (tmp_path / "agent.yaml").write_text(settings)
    noise = 0.02 * np.random.default_rng(1).standard_normal(3 * 16_000)
    command = [sys.executable, "-m", "agent", "run", "--config", str(tmp_path / "agent.yaml")]
    command += ["--source", "-"]
    for more, status, expected in (
        ((), 1, "so this is not f32le; say what is sent: --format s16le"),
        (("--format", "s16le", "--rate", "16000"), 0, "the sound is at its end"),
    ):
        told = subprocess.run(
            [*command, *more],
            input=(noise * 2**15).astype("<i2").tobytes(),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=False,
        )
        assert expected in told.stderr.decode()
        assert told.returncode == status
