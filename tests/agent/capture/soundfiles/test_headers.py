"""Headers that do not tell how long the sound is."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent.capture.audiofile import read_audio
from agent.capture.pcm import PcmFormat, PcmReader
from agent.capture.soundfiles.headers import untold_length
from agent.config.sources import Encoding
from agent.core.errors import AudioFileError
from tests.sounds import convert, tone

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 32_000
WAVE = tone(RATE_HZ, 1.0)


def written(path: Path, *, riff: int | None, data: int | None, subtype: str = "PCM_16") -> Path:
    """A second of sound in a WAV whose header says these sizes."""
    soundfile.write(path, WAVE, RATE_HZ, subtype=subtype, format="WAV")
    content = bytearray(path.read_bytes())
    if riff is not None:
        content[4:8] = struct.pack("<I", riff)
    if data is not None:
        at = content.index(b"data") + 4
        content[at : at + 4] = struct.pack("<I", data)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("riff", "data"),
    [(0, 0), (None, 0), (36, 0), (0xFFFFFFFF, 0xFFFFFFFF), (0, 0xFFFFFFFF), (None, 0x7FFFF000)],
)
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT", "IMA_ADPCM"])
def test_wav_of_a_recorder_that_lost_its_power(
    tmp_path: Path, riff: int | None, data: int, subtype: str
) -> None:
    """It is read to its end, as it would have been, and a remark says so."""
    right = written(tmp_path / "right.wav", riff=None, data=None, subtype=subtype)
    expected = read_audio(right, RATE_HZ)
    path = written(tmp_path / "a.wav", riff=riff, data=data, subtype=subtype)
    remarks: list[str] = []
    read = read_audio(path, RATE_HZ, remark=remarks.append)
    np.testing.assert_array_equal(read, expected)
    (remark,) = remarks
    assert remark.startswith(f"{path}: its header does not tell how long it is")
    assert remark.endswith(f"read to its end, {len(read) / RATE_HZ:.2f} s")


def test_the_same_bytes_on_standard_input_are_the_same_sound(tmp_path: Path) -> None:
    """A file and a pipe agree, whatever stands in the header."""
    path = written(tmp_path / "a.wav", riff=0, data=0)
    piped = PcmReader(PcmFormat(Encoding.F32, RATE_HZ, 1)).feed(path.read_bytes())
    read = read_audio(path, RATE_HZ, remark=lambda _: None)
    np.testing.assert_array_equal(piped[:, 0], read)


def test_only_the_size_of_the_file_is_wrong(tmp_path: Path) -> None:
    """Where the sound's own length is told, there is nothing to remark."""
    remarks: list[str] = []
    path = written(tmp_path / "a.wav", riff=0, data=None)
    assert len(read_audio(path, RATE_HZ, remark=remarks.append)) == RATE_HZ
    assert remarks == []


def test_rf64_without_sizes(tmp_path: Path) -> None:
    """The long form of WAV has its lengths in another place."""
    path = tmp_path / "a.wav"
    soundfile.write(path, WAVE, RATE_HZ, subtype="PCM_16", format="RF64")
    content = bytearray(path.read_bytes())
    at = content.index(b"ds64") + 8
    content[at : at + 24] = bytes(24)
    path.write_bytes(content)
    remarks: list[str] = []
    read = read_audio(path, RATE_HZ, remark=remarks.append)
    np.testing.assert_allclose(read, WAVE, atol=2**-15)
    assert len(remarks) == 1


def test_a_wav_without_sound_stays_one(tmp_path: Path) -> None:
    """A length of 0 with other chunks behind it is no loss of power."""
    path = written(tmp_path / "a.wav", riff=None, data=0)
    content = path.read_bytes()
    header = content[: content.index(b"data") + 8]
    path.write_bytes(header + b"LIST\x0a\0\0\0INFOISFT\0\0" + b"id3 \x03\0\0\0abc\0")
    assert untold_length(path) is None
    with pytest.raises(AudioFileError, match="holds no sound"):
        read_audio(path, RATE_HZ)


def test_flac_out_of_a_pipe(tmp_path: Path) -> None:
    """It has no number of samples, and is read to its last one."""
    soundfile.write(tmp_path / "in.wav", WAVE, RATE_HZ, subtype="PCM_16")
    path = tmp_path / "a.flac"
    convert(tmp_path / "in.wav", path)
    content = bytearray(path.read_bytes())
    at = 4 + 4 + 13  # the magic, a block's header, and what STREAMINFO says before the length
    content[at : at + 5] = bytes([content[at] & 0xF0, 0, 0, 0, 0])
    path.write_bytes(content)
    remarks: list[str] = []
    read = read_audio(path, RATE_HZ, remark=remarks.append)
    np.testing.assert_allclose(read, WAVE, atol=2**-15)
    assert len(remarks) == 1


def test_more_than_a_header_can_tell_is_refused(tmp_path: Path) -> None:
    """Reading the first 4 GiB of a file would lose its end without a word."""
    path = written(tmp_path / "a.wav", riff=0, data=0)
    with path.open("r+b") as file:  # a file with a hole takes no room
        file.truncate((1 << 32) + 1_000)
    with pytest.raises(AudioFileError, match="over 4 GiB behind a header that does not tell"):
        read_audio(path, RATE_HZ)
