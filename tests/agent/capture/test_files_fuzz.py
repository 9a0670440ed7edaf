"""Files that were damaged on the way: read, or refused with a reason; never a crash or a hang.

``KIKIMIMI_FUZZ=100000`` tries as many damaged files of each kind. A case is told by its number,
which makes the same bytes again.
"""

from __future__ import annotations

import faulthandler
import os
import random
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent import descriptions
from agent.capture.audiofile import iter_audio
from agent.capture.pcm import PcmFormat, PcmReader
from agent.config import load_settings
from agent.config.sources import Encoding
from agent.core.errors import AudioFileError, CaptureError, ConfigError, DescriptionsError
from tests.sounds import write_tone

if TYPE_CHECKING:
    from collections.abc import Iterator

FUZZ = int(os.environ.get("KIKIMIMI_FUZZ", "300"))
RATE_HZ = 32_000
CONFIGS = Path(__file__).resolve().parents[3] / "configs"
# A case that takes longer hangs: the run ends and shows where.
_HANGS_S = 120.0
_RAW = PcmFormat(Encoding.S16, 16_000, 1)
_YAML_SIGNS = [b":", b"- ", b"[", b"]", b"{", b"}", b"&a ", b"*a", b"!!x ", b"|\n", b">", b"%",
    b"\t", b"\n", b"'", b'"', b"#", b"---\n", b"...\n", b"?", b"<<: ", b"\xef\xbb\xbf", b"\0",
    b"\xff", "\u2028".encode(), b"9" * 400, b"- " * 60, b"~"]  # fmt: skip


def damaged(data: bytes, signs: list[bytes], case: int) -> bytes:
    """A file with a few of the things that happen to files, the same for the same number."""
    rng = random.Random(case)  # noqa: S311 - a seed
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed) + 1)
        length = rng.choice((1, 1, 2, 4, 16, 256))
        match rng.randrange(6):
            case 0:
                changed[at : at + length] = rng.randbytes(length)
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = rng.choice(signs)
            case 3:
                changed[at:at] = changed[at : at + length]
            case 4:
                del changed[at:]
            case 5:
                extreme = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
                changed[at : at + length] = bytes([extreme]) * length
    return bytes(changed)


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """End the run where a case never comes back."""
    yield
    faulthandler.cancel_dump_traceback_later()


def cases() -> Iterator[int]:
    """The numbers of the cases, each with its own time."""
    for case in range(FUZZ):
        faulthandler.dump_traceback_later(_HANGS_S, exit=True)
        yield case


def told(problems: tuple[object, ...]) -> bool:
    """Whether there is a reason, each on one line."""
    return bool(problems) and all(len(str(one).splitlines()) == 1 for one in problems)


@pytest.mark.parametrize("name", ["descriptions.ja.yaml", "descriptions.en.yaml"])
def test_damaged_descriptions(name: str) -> None:
    """A set, or lines that say why there is none."""
    # Its comments and most of its items left out, so that damage meets what is read.
    lines = (CONFIGS / name).read_bytes().splitlines(keepends=True)
    bare = b"".join(line for line in lines if not line.startswith(b"#"))
    whole = b"\n  - id".join(bare.split(b"\n  - id")[:6]) + b"\n"
    assert descriptions.parse(whole, Path("d.yaml")).errors
    refused = 0
    for case in cases():
        try:
            assert descriptions.parse(damaged(whole, _YAML_SIGNS, case), Path("d.yaml")).errors
        except DescriptionsError as error:
            refused += 1
            assert told(error.problems), case  # noqa: PT017 - most inputs raise nothing
    assert 0 < refused < FUZZ


def test_damaged_settings(tmp_path: Path) -> None:
    """Settings, or lines that say why there are none."""
    whole = (CONFIGS / "agent.yaml").read_bytes()
    path = tmp_path / "agent.yaml"
    refused = 0
    for case in cases():
        path.write_bytes(damaged(whole, _YAML_SIGNS, case))
        try:
            load_settings(path, {})
        except ConfigError as error:
            refused += 1
            assert told(error.problems), case  # noqa: PT017 - most inputs raise nothing
    assert 0 < refused < FUZZ


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_16"),
        ("a.wav", "FLOAT"),
        ("a.wav", "IMA_ADPCM"),
        ("a.flac", "PCM_24"),
        ("a.ogg", "VORBIS"),
        ("a.mp3", "MPEG_LAYER_III"),
        ("a.aiff", "PCM_16"),
    ],
)
def test_damaged_sound_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, subtype: str
) -> None:
    """Finite sound that is not longer than its bytes can be, or one line that says why not."""
    path = tmp_path / name
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (1_600, 2))
    soundfile.write(path, noise, 16_000, subtype=subtype)
    whole = path.read_bytes()
    refused = 0
    # An MP3 that lost what tells its length would start ffmpeg: that is the next test's.
    monkeypatch.setenv("PATH", str(tmp_path))
    for case in cases():
        path.write_bytes(damaged(whole, [whole[:12], whole[-12:], bytes(64)], case))
        samples = 0
        try:
            for block in iter_audio(path, RATE_HZ, RATE_HZ):
                assert np.isfinite(block).all(), case
                samples += len(block)
        except AudioFileError as error:
            refused += 1
            assert told((error,)), case  # noqa: PT017 - most inputs raise nothing
        # 1 kHz is the lowest rate that is read: thirty-two times as many samples.
        assert samples < 100 * 32 * len(whole), case
    assert 0 < refused < FUZZ


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.m4a", ("-movflags", "faststart")),
        ("a.webm", ("-ar", "48000", "-c:a", "libopus")),
        ("a.wma", ()),
        ("a.aac", ()),
    ],
)
def test_damaged_files_of_phones_and_cameras(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    """Likewise through ffmpeg, of which each case starts a process: a fiftieth as many."""
    path = write_tone(tmp_path / name, *options, rate_hz=16_000, duration_s=0.5)
    whole = path.read_bytes()
    refused = 0
    for case in islice(cases(), max(6, FUZZ // 50)):
        path.write_bytes(damaged(whole, [whole[:12], whole[-12:], bytes(64)], case))
        samples = 0
        try:
            for block in iter_audio(path, RATE_HZ, RATE_HZ):
                assert np.isfinite(block).all(), case
                samples += len(block)
        except AudioFileError as error:
            refused += 1
            assert told((error,)), case  # noqa: PT017 - most inputs raise nothing
        # No codec here makes 25 ms out of a byte; a length in a header makes nothing.
        assert samples < RATE_HZ // 40 * len(whole), case
    assert refused


def test_damaged_streams() -> None:
    """A WAV through a pipe, in pieces: frames of one shape, or one line that says why not."""
    header = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\2\0\x80\xbb\0\0\0\xee\2\0\4\0\x10\0data"
    whole = header + b"\xff\xff\xff\xff" + bytes(range(256)) * 4
    refused = 0
    for case in cases():
        reader = PcmReader(_RAW)
        data = damaged(whole, [header[:12], header[12:36]], case)
        size = case % 97 + 1
        shapes = set()
        try:
            for at in range(0, len(data), size):
                frames = reader.feed(data[at : at + size])
                shapes |= {frames.shape[1]} if len(frames) else set()
        except CaptureError as error:
            refused += 1
            assert told((error,)), case  # noqa: PT017 - most inputs raise nothing
        assert len(shapes) <= 1, case
    assert 0 < refused < FUZZ
