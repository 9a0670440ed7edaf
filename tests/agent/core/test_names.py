"""Names that no terminal can show, wherever they come from."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from agent.bundle.loading import load
from agent.cli import main
from agent.core.errors import AudioFileError, ConfigError, Problem
from agent.core.log import JsonFormatter, TextFormatter
from agent.core.names import named, shown
from agent.store import Store
from tests.bundles import make_bundle
from tests.sounds import tone

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.bundle.loading import Bundle

ROOT = Path(__file__).resolve().parents[3]
RATE_HZ = 32_000
# 録音.wav as Windows packs it, with a line break and the code that clears a terminal.
BYTES = "録音".encode("cp932") + b"\n\x1b[2J.wav"
SHOWN = r"\x98^\x89\xb9\n\x1b[2J.wav"
DESCRIPTIONS = """version: 1
errors:
  - {id: siren, text: a siren howls}
  - {id: glass, text: glass shatters}
"""


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"plain name.wav", "plain name.wav"),
        ("日本語　全角.wav".encode(), "日本語　全角.wav"),
        (BYTES, SHOWN),
        (b"tab\there\x7f\r", r"tab\there\x7f\r"),
        ("\x9b2J \u202egnp.wav\u2028".encode(), r"\u009b2J \u202egnp.wav\u2028"),
        (b"back\\slash", "back\\slash"),
    ],
)
def test_a_name_is_shown_on_one_line(raw: bytes, expected: str) -> None:
    """What can be printed stays; the rest is escaped."""
    assert shown(Path(os.fsdecode(raw))) == expected


@given(st.binary(max_size=40))
def test_what_was_shown_can_be_printed_and_shown_again(raw: bytes) -> None:
    """Any bytes at all; bytes that are no UTF-8 are found again by what was shown."""
    name = os.fsdecode(raw)
    once = shown(name)
    assert once.encode("utf-8").decode("utf-8") == once
    assert len(once.splitlines()) <= 1
    assert shown(once) == once
    printable = name.encode("utf-8", "surrogateescape").decode("utf-8", "ignore").isprintable()
    if printable and "\\x" not in name:
        assert named(once) == name


def test_every_message_and_log_line_is_printable() -> None:
    """Whoever quotes a name, in errors, problems and fields of the log."""
    name = os.fsdecode(BYTES)
    assert str(AudioFileError(f"{name}: gone")) == f"{SHOWN}: gone"
    problem = Problem(name, f"is {name}", f"delete {name}")
    assert str(problem) == f"{SHOWN}: is {SHOWN}; delete {SHOWN}"
    assert Problem.from_message(name, str(AudioFileError(f"{name}: gone; look"))).found == "gone"
    assert str(ConfigError([problem, problem])).splitlines() == [str(problem)] * 2
    record = logging.makeLogRecord({"msg": "clip_lost", "file": Path(name), "reason": name})
    assert json.loads(JsonFormatter().format(record))["file"] == SHOWN
    line = TextFormatter().format(record)
    assert line.encode("utf-8")
    assert len(line.splitlines()) == 1


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Real ONNX towers, small and at random, in a folder whose name is no UTF-8 either."""
    made = make_bundle(tmp_path_factory.mktemp("model") / "bundle").folder
    return load(made.rename(made.with_name(os.fsdecode("模型".encode("cp932")))))


@pytest.fixture
def site(tmp_path: Path, bundle: Bundle) -> Path:
    """A folder with a recording and settings, all with such names."""
    folder = tmp_path / os.fsdecode("現場".encode("cp932"))
    folder.mkdir()
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * RATE_HZ)
    soundfile.write(tmp_path / "a.wav", noise, RATE_HZ)
    (tmp_path / "a.wav").rename(folder / os.fsdecode(BYTES))
    examples = r"examples: ['\x98^\x89\xb9.wav']"
    soundfile.write(tmp_path / "b.wav", tone(RATE_HZ, 2.0), RATE_HZ)
    (tmp_path / "b.wav").rename(folder / os.fsdecode("録音".encode("cp932") + b".wav"))
    described = DESCRIPTIONS.replace("howls}", f"howls, {examples}}}")
    (folder / "d.yaml").write_text(described)
    shutil.copytree(bundle.folder, folder / "bundle")
    source = "{name: mic1, kind: file, path: '\\x98^\\x89\\xb9.wav', realtime: false}"
    settings = f"descriptions: d.yaml\nbundle: bundle\nstate_dir: state\nsources: [{source}]\n"
    (folder / "agent.yaml").write_text(settings + "mqtt: {enabled: false}\n")
    return folder


@dataclass(frozen=True)
class Told:
    """What a command printed."""

    status: int
    out: str
    err: str


@pytest.fixture
def kikimimi(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Told]:
    """A command as it is typed in the site's folder."""
    monkeypatch.chdir(site)

    def typed(*arguments: str | Path) -> Told:
        status = main([str(one) for one in arguments])
        return Told(status, *capsys.readouterr())

    return typed


def test_score_and_its_table(kikimimi: Callable[..., Told], site: Path, bundle: Bundle) -> None:
    """The file is scored, shown escaped, and found in a table of either writing."""
    recording = site / os.fsdecode(BYTES)
    common = ["--descriptions", site / "d.yaml", "--bundle", bundle.folder, "--json"]
    told = kikimimi("score", recording, *common)
    assert told.status == 0, told.err
    files = {json.loads(line)["file"] for line in told.out.splitlines()}
    assert files == {shown(recording)}
    (plain,) = [path for path in site.iterdir() if path.name.endswith("\udcb9.wav")]
    for name in (os.fsencode(plain.name), shown(plain.name).encode()):
        table = site / "truth.csv"
        table.write_bytes(b"filename,category\n" + name + b",siren\n")
        told = kikimimi("score", plain, *common, "--truth", table)
        assert told.status == 0, told.err
        assert json.loads(told.out)["files"] == 1


def test_a_missing_file_of_such_a_name(
    kikimimi: Callable[..., Told], site: Path, bundle: Bundle
) -> None:
    """One line, and the exit status of a file that was not read."""
    gone = site / os.fsdecode(b"\xff\x1b[2J.wav")
    common = ["--descriptions", site / "d.yaml", "--bundle", bundle.folder]
    told = kikimimi("score", gone, *common)
    assert told.status == 1
    (line,) = [one for one in told.err.splitlines() if r"\xff" in one]
    assert r"\xff\x1b[2J.wav: No such file" in line


def test_settings_examples_and_check(kikimimi: Callable[..., Told]) -> None:
    """Paths in agent.yaml and descriptions, written as they are shown; the working folder too."""
    told = kikimimi("check", "--config", "agent.yaml", "--json")
    report = json.loads(told.out)
    assert report["problems"] == []
    assert [one for one in report["warnings"] if "examples" in one["where"]] == []
    assert [one for one in report["notes"] if "has 1 examples" in one], "the named file was heard"


def test_the_agent_runs_with_such_names(site: Path) -> None:
    """The working folder counts too, where the environment names a file; all is logged."""
    told = subprocess.run(
        [sys.executable, "-m", "agent", "run"],
        cwd=site,
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "KIKIMIMI_CONFIG": str(site / "agent.yaml")}
        | {"KIKIMIMI_DESCRIPTIONS": "d.yaml"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "the sound is at its end" in told.stderr
    assert "Traceback" not in told.stderr


def test_calibrate_names_them_in_its_report(kikimimi: Callable[..., Told], site: Path) -> None:
    """A walk finds them, and the list of events can be handed back."""
    (site / "rec").mkdir()
    for name in (BYTES, b"\xff.txt"):
        shutil.copyfile(site / os.fsdecode(BYTES), site / "rec" / os.fsdecode(name))
    content = bytearray((site / os.fsdecode(BYTES)).read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 5] = bytes(5)  # a recorder that lost its power
    (site / "rec" / "torn.wav").write_bytes(content)
    told = kikimimi("calibrate", "--config", "agent.yaml", "--files", "rec")
    assert r"rec/\xff.txt" in told.out
    assert "heard, but: rec/torn.wav: its header does not tell how long it is" in " ".join(
        told.out.split()
    )
    assert "passed over, by their endings no sound files: 1 (1 .txt)" in told.out
    command = ["calibrate", "--config", "agent.yaml", "--json", "--exclude"]
    told = kikimimi(*command, f"{SHOWN}@0/1", "--files", "rec")
    report = json.loads(told.out)
    assert report["passed_over"] == [r"rec/\xff.txt"]
    assert report["heard_before"] == ["rec/torn.wav", f"rec/{SHOWN}"]
    assert [one["source"] for one in report["excluded"]] == [SHOWN]


def test_replay_and_export(kikimimi: Callable[..., Told], site: Path) -> None:
    """JSON for programs is UTF-8 whatever the names."""
    recording = site / os.fsdecode(BYTES)
    common = ["--bundle", "bundle", "--descriptions", "d.yaml", "--json"]
    told = kikimimi("replay", recording, *common, "--threshold", "-100")
    assert told.status == 0, told.err
    assert {one["file"] for one in json.loads(told.out)["alerts"]} == {shown(recording)}
    with closing(Store.open(site / "state")):
        pass
    export = ("labels", "export", os.fsdecode(b"\xff"), "--json", "--config", "agent.yaml")
    told = kikimimi(*export)
    assert json.loads(told.out)["folder"] == r"\xff"
    told = kikimimi("labels", "audit", "--json", "--config", "agent.yaml")
    assert json.loads(told.out)[-1]["detail"]["folder"] == f"{shown(site)}/\\xff"
