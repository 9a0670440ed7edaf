"""``kikimimi score``: the contract that outside evaluations use, and files that are no sound."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent import cli
from agent.capture.scene import at_level, machines, siren

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 32_000
DESCRIPTIONS = """\
version: 1
errors:
  - {id: siren, text: a siren wails}
  - {id: glass, text: ガラスが割れる音}
"""


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """Two descriptions."""
    path = tmp_path / "descriptions.yaml"
    path.write_text(DESCRIPTIONS, encoding="utf-8")
    return path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A siren of five seconds and a tail of 0.3 s that fills no hop."""
    rng = np.random.default_rng(1)
    sound = at_level(siren(rng), -18.0)
    sound = np.concatenate([sound, np.zeros(round(0.3 * RATE_HZ))])
    sound += at_level(machines(rng, len(sound)), -45.0)
    path = tmp_path / "siren.wav"
    soundfile.write(path, sound.astype(np.float32), RATE_HZ)
    return path


def _score(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[str], str]:
    status = cli.main(["score", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out.splitlines(), captured.err


def test_one_object_a_window_to_the_file_s_end(
    capsys: pytest.CaptureFixture[str], recording: Path, described: Path
) -> None:
    """Two seconds every half second, and the last window ends with the file."""
    status, lines, _ = _score(capsys, recording, "--descriptions", described, "--json")
    windows = [json.loads(line) for line in lines]
    assert status == 0
    assert [one["start"] for one in windows[:3]] == [0.0, 0.5, 1.0]
    assert all(one["end"] - one["start"] == pytest.approx(2.0) for one in windows)
    assert windows[-1]["end"] == pytest.approx(5.3, abs=0.02)
    for one in windows:
        assert one["file"] == str(recording)
        assert set(one) == {"file", "start", "end", "cosine", "scores"}
        assert set(one["scores"]) == set(one["cosine"]) == {"siren", "glass"}
        assert all(-1.0 <= value <= 1.0 for value in one["cosine"].values())
    assert max(one["scores"]["siren"] for one in windows) > 4.5
    assert max(one["scores"]["glass"] for one in windows) < 4.5


def test_whole_file_as_one_window(
    capsys: pytest.CaptureFixture[str], recording: Path, described: Path
) -> None:
    """From the beginning to the end."""
    _, lines, _ = _score(capsys, recording, "--descriptions", described, "--json", "--whole")
    (one,) = map(json.loads, lines)
    assert (one["start"], one["end"]) == (0.0, pytest.approx(5.3))
    assert one["cosine"]["siren"] > one["cosine"]["glass"]


def test_truth_gives_accuracies_of_every_variant(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recording: Path, described: Path
) -> None:
    """Files of one name in two folders are two files."""
    for name in ("siren", "glass"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.wav").write_bytes(recording.read_bytes())
    files = [tmp_path / "siren" / "a.wav", tmp_path / "glass" / "a.wav"]
    options = ["--descriptions", described, "--truth", "folder", "--variant", "all", "--json"]
    status, lines, _ = _score(capsys, *files, *options)
    results = [json.loads(line) for line in lines]
    assert status == 0
    assert [one["variant"] for one in results] == ["reference", "x86_64", "aarch64"]
    assert all(one["top_1"] == 0.5 and one["files"] == 2 for one in results)


def test_truth_of_a_table_has_to_name_every_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recording: Path, described: Path
) -> None:
    """One line says which is missing."""
    table = tmp_path / "truth.csv"
    table.write_text("filename,category\nother.wav,siren\n")
    status, lines, error = _score(capsys, recording, "--descriptions", described, "--truth", table)
    assert status == 2
    assert not lines
    assert "has no line for siren.wav" in error


def test_truth_of_a_table_may_begin_with_a_byte_order_mark(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recording: Path, described: Path
) -> None:
    """As spreadsheets save CSV in UTF-8; what is no CSV is told without a traceback."""
    table = tmp_path / "truth.csv"
    table.write_bytes(b"\xef\xbb\xbffilename,category\r\nsiren.wav,siren\r\n")
    options = ["--descriptions", described, "--truth", table, "--json"]
    status, lines, error = _score(capsys, recording, *options)
    assert status == 0, error
    assert json.loads(lines[0])["top_1"] == 1.0
    table.write_bytes(b"filename,category\r\n" + b"x" * 200_000 + b",siren\r\n")
    status, _, error = _score(capsys, recording, *options)
    assert status == 2
    assert "field larger than field limit" in error


@pytest.mark.parametrize("kind", ["empty", "text", "zero samples", "truncated", "nan", "missing"])
def test_bad_file_gets_one_line_and_the_others_are_scored(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recording: Path, described: Path, kind: str
) -> None:
    """The exit status is 1, no traceback, and what can be read is read."""
    bad = tmp_path / "bad.wav"
    if kind == "empty":
        bad.write_bytes(b"")
    elif kind == "text":
        bad.write_text("this is no sound")
    elif kind == "zero samples":
        soundfile.write(bad, np.zeros(0, np.float32), RATE_HZ)
    elif kind == "truncated":
        bad.write_bytes(recording.read_bytes()[:30])
    elif kind == "nan":
        soundfile.write(bad, np.full(RATE_HZ * 2, np.nan, np.float32), RATE_HZ, subtype="FLOAT")
    status, lines, error = _score(capsys, bad, recording, "--descriptions", described, "--json")
    assert status == 1
    assert {json.loads(line)["file"] for line in lines} == {str(recording)}
    assert "Traceback" not in error
    (line,) = error.strip().splitlines()
    assert "bad.wav" in line


@pytest.mark.parametrize(
    "form", [(8_000, 1, "PCM_U8"), (48_000, 6, "PCM_16"), (192_000, 2, "PCM_24")]
)
def test_unusual_files_are_sound_too(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    described: Path,
    form: tuple[int, int, str],
) -> None:
    """8 bits, 5.1 channels, 192 kHz."""
    rate_hz, channels, subtype = form
    path = tmp_path / "unusual.wav"
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (2 * rate_hz, channels))
    soundfile.write(path, noise, rate_hz, subtype=subtype)
    status, lines, error = _score(capsys, path, "--descriptions", described, "--json")
    assert (status, len(lines), error) == (0, 1, "")


@pytest.mark.parametrize("kind", ["cut", "nan"])
def test_half_a_recording_does_not_pass_for_the_whole(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, described: Path, kind: str
) -> None:
    """What only its end tells is told before anything of it is scored."""
    sound = np.random.default_rng(0).uniform(-0.3, 0.3, 8 * RATE_HZ).astype(np.float32)
    if kind == "cut":
        path = tmp_path / "bad.flac"
        soundfile.write(path, sound, RATE_HZ)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        path = tmp_path / "bad.wav"
        sound[-1] = np.nan
        soundfile.write(path, sound, RATE_HZ, subtype="FLOAT")
    for form in ([], ["--alerts"]):
        options = ["--descriptions", described, "--json", *form]
        status, lines, error = _score(capsys, path, *options)
        assert (status, lines) == (1, [])
        assert path.name in error


def test_what_is_too_long_for_one_window_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recording: Path, described: Path
) -> None:
    """By name; the others are scored."""
    long = tmp_path / "long.wav"
    soundfile.write(long, np.zeros(61 * 8_000), 8_000)
    options = ["--descriptions", described, "--json", "--whole"]
    status, lines, error = _score(capsys, long, recording, *options)
    assert (status, len(lines)) == (1, 1)
    assert f"{long}: lasts 61 s; leave out --whole, or cut it to at most 60 s" in error


def test_an_inverted_side_is_noticed_and_scored_as_it_sounds(
    capsys: pytest.CaptureFixture[str], recording: Path, described: Path
) -> None:
    """The fault and what to do on the side; the score as without it, by itself or by choice."""
    samples, _ = soundfile.read(recording, dtype="float32")
    stereo = recording.with_name("stereo.wav")
    soundfile.write(stereo, np.stack((samples, -samples), axis=1), RATE_HZ, subtype="FLOAT")
    options = ("--descriptions", described, "--json", "--whole")
    _, (mono, mixed), told = _score(capsys, recording, stereo, *options)
    assert told == (
        f"kikimimi score: {stereo}: channels 1 and 2 cancel each other: one side is inverted (two "
        "wires swapped); channel 1 alone is heard; choose with --channels\n"
    )
    _, (chosen,), silent = _score(capsys, stereo, *options, "--channels", "2")
    assert silent == ""
    scores = [json.loads(line)["scores"]["siren"] for line in (mono, mixed, chosen)]
    assert scores[0] > 3.0
    assert scores == pytest.approx([scores[0]] * 3, abs=1e-3)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ("3", "has 2 channels, not 3; choose channels from 1 to 2"),
        ("0", "--channels: is '0'; write a whole number from 1 to 128, or several: 1,2"),
        ("1,1", "--channels: is '1,1'; name each channel once, as in 1,2"),
        ("left", "--channels: is 'left'; write a whole number from 1 to 128, or several: 1,2"),
    ],
)
def test_channels_that_are_none_are_told(
    capsys: pytest.CaptureFixture[str],
    recording: Path,
    described: Path,
    channels: str,
    expected: str,
) -> None:
    """Those that the file does not have, and what names no channel at all."""
    samples, _ = soundfile.read(recording, dtype="float32")
    soundfile.write(recording, np.stack((samples, samples), axis=1), RATE_HZ)
    status, lines, told = _score(
        capsys, recording, "--descriptions", described, "--channels", channels
    )
    assert status != 0
    assert lines == []
    assert expected in told
