"""Sound files of every kind that a user may name, good and bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
import soxr

from agent.capture.audiofile import iter_audio, read_audio
from agent.capture.mixdown import Mixdown
from agent.core.errors import AudioFileError

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 32_000


def noise(samples: int, channels: int = 1) -> np.ndarray:
    """Seeded noise well under full scale, float32, ``(samples, channels)``."""
    drawn = np.random.default_rng(7).standard_normal((samples, channels))
    return (0.1 * drawn).astype(np.float32)


def tone(rate_hz: int, duration_s: float = 1.0, hertz: float = 440.0) -> np.ndarray:
    """A sine at half of full scale, float32."""
    time_s = np.arange(round(rate_hz * duration_s)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32)


def failure(path: Path) -> str:
    """The message of the error that reading a file raises: one line that names the file."""
    with pytest.raises(AudioFileError) as caught:
        read_audio(path, RATE_HZ)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("subtype", "tolerance"),
    [("PCM_U8", 2**-7), ("PCM_16", 2**-15), ("PCM_24", 2**-23), ("FLOAT", 0), ("DOUBLE", 0)],
)
def test_wav_of_any_depth_keeps_its_samples(tmp_path: Path, subtype: str, tolerance: float) -> None:
    """Eight to 64 bits a sample give the same sound within their own step."""
    wave = noise(RATE_HZ)[:, 0]
    soundfile.write(tmp_path / "a.wav", wave, RATE_HZ, subtype=subtype)
    read = read_audio(tmp_path / "a.wav", RATE_HZ)
    assert read.dtype == np.float32
    assert read.shape == wave.shape
    assert np.abs(read - wave).max() <= tolerance


def test_channels_are_averaged(tmp_path: Path) -> None:
    """5.1 becomes the mean of its six channels."""
    wave = noise(1_000, channels=6)
    soundfile.write(tmp_path / "a.wav", wave, RATE_HZ, subtype="FLOAT")
    np.testing.assert_allclose(
        read_audio(tmp_path / "a.wav", RATE_HZ), wave.mean(axis=1), atol=1e-7
    )


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 48_000])
def test_a_side_that_is_inverted_does_not_silence_the_file(tmp_path: Path, rate_hz: int) -> None:
    """The louder channel is read from the first sample, and that is told."""
    wave = noise(12 * rate_hz)[:, 0]
    inverted = np.stack((-0.5 * wave, wave), axis=1)
    soundfile.write(tmp_path / "two.wav", inverted, rate_hz, subtype="FLOAT")
    soundfile.write(tmp_path / "one.wav", wave, rate_hz, subtype="FLOAT")
    mixdown = Mixdown()
    read = read_audio(tmp_path / "two.wav", RATE_HZ, mixdown=mixdown)
    np.testing.assert_array_equal(read, read_audio(tmp_path / "one.wav", RATE_HZ))
    assert str(mixdown.choice) == (
        "channels 1 and 2 cancel each other: one side is inverted (two wires swapped); "
        "channel 2 alone is heard"
    )


def test_channels_can_be_chosen(tmp_path: Path) -> None:
    """One of them, or the mean of some; what stands in the others is no matter."""
    wave = noise(1_000, channels=4)
    wave[500, 0] = np.nan
    soundfile.write(tmp_path / "a.wav", wave, RATE_HZ, subtype="FLOAT")
    one = read_audio(tmp_path / "a.wav", RATE_HZ, mixdown=Mixdown((3,)))
    np.testing.assert_array_equal(one, wave[:, 2])
    some = read_audio(tmp_path / "a.wav", RATE_HZ, mixdown=Mixdown((2, 4)))
    np.testing.assert_allclose(some, wave[:, [1, 3]].mean(axis=1), atol=1e-7)
    assert "1 of 1000 samples" in failure(tmp_path / "a.wav")
    with pytest.raises(
        AudioFileError, match=r"a\.wav: has 4 channels, not 5; choose channels from"
    ):
        read_audio(tmp_path / "a.wav", RATE_HZ, mixdown=Mixdown((1, 5)))


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 44_100, 48_000, 96_000, 192_000])
def test_other_rates_are_resampled(tmp_path: Path, rate_hz: int) -> None:
    """A tone keeps its length, pitch and level at 32 kHz."""
    soundfile.write(tmp_path / "a.wav", tone(rate_hz), rate_hz, subtype="FLOAT")
    read = read_audio(tmp_path / "a.wav", RATE_HZ)
    assert read.shape == (RATE_HZ,)
    middle = slice(RATE_HZ // 4, -RATE_HZ // 4)
    np.testing.assert_allclose(read[middle], tone(RATE_HZ)[middle], atol=2e-4)


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.flac", "PCM_16"),
        ("a.ogg", "VORBIS"),
        ("a.mp3", "MPEG_LAYER_III"),
        ("a.aiff", "PCM_16"),
        ("a.w64", "PCM_16"),
        ("a.caf", "PCM_16"),
        ("a.rf64", "PCM_16"),
    ],
)
def test_other_formats_are_read_whole(tmp_path: Path, name: str, subtype: str) -> None:
    """Compressed or not, all samples come and the level stays."""
    soundfile.write(tmp_path / name, tone(RATE_HZ), RATE_HZ, subtype=subtype)
    read = read_audio(tmp_path / name, RATE_HZ)
    assert read.shape == (RATE_HZ,)
    assert np.sqrt(np.mean(read**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("rate_hz", [32_000, 44_100])
@pytest.mark.parametrize("block_samples", [1, 777, 32_000, 10_000_000])
def test_blocks_are_the_file_cut_up(tmp_path: Path, rate_hz: int, block_samples: int) -> None:
    """Whatever their size, blocks join to what one reading gives, which is soxr's own result."""
    wave = noise(rate_hz // 4 + 3)[:, 0]
    soundfile.write(tmp_path / "a.wav", wave, rate_hz, subtype="FLOAT")
    blocks = list(iter_audio(tmp_path / "a.wav", RATE_HZ, block_samples))
    assert all(len(block) == block_samples for block in blocks[:-1])
    assert 0 < len(blocks[-1]) <= block_samples
    joined = np.concatenate(blocks)
    np.testing.assert_array_equal(joined, read_audio(tmp_path / "a.wav", RATE_HZ))
    np.testing.assert_allclose(joined, soxr.resample(wave, rate_hz, RATE_HZ), atol=1e-6)


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.w64", "a.rf64", "a.flac", "a.mp3"])
def test_a_cut_file_says_how_much_is_there(tmp_path: Path, name: str) -> None:
    """A file that lost its end is refused, with the seconds that are there and that should be."""
    path = tmp_path / name
    soundfile.write(path, noise(3 * RATE_HZ)[:, 0], RATE_HZ)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    message = failure(path)
    assert "cut short" in message
    assert "its header says 3.00 s" in message


def test_a_cut_ogg_stream_is_told_by_its_missing_end(tmp_path: Path) -> None:
    """Ogg tells its length only in its last page: without that page the file is refused."""
    path = tmp_path / "a.ogg"
    soundfile.write(path, noise(3 * RATE_HZ)[:, 0], RATE_HZ)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "its end is missing" in failure(path)


def test_a_wav_written_through_a_pipe_is_whole(tmp_path: Path) -> None:
    """A length that the writer could not know is no truncation."""
    path = tmp_path / "a.wav"
    wave = noise(RATE_HZ)[:, 0]
    soundfile.write(path, wave, RATE_HZ, subtype="FLOAT")
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert read_audio(path, RATE_HZ).shape == wave.shape


def test_samples_that_are_not_numbers_are_counted(tmp_path: Path) -> None:
    """NaN and infinity, in any channel, are counted over the whole file and the first placed."""
    wave = noise(2 * RATE_HZ, channels=2)
    wave[RATE_HZ, 1] = np.nan
    wave[RATE_HZ + 5_000 : RATE_HZ + 5_010, 0] = np.inf
    wave[2 * RATE_HZ - 1] = -np.inf
    soundfile.write(tmp_path / "a.wav", wave, RATE_HZ, subtype="FLOAT")
    message = failure(tmp_path / "a.wav")
    assert "12 of 64000 samples" in message
    assert "at 1.000 s" in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty file"),
        (b"not a sound at all, only text", "no sound file"),
        (b"RIFF\x24\0\0\0WAVE", "no sound file"),
        (b"ID3\x04\0\0\0\0\0\0" + bytes(4_000), "no sound file"),
    ],
)
def test_what_is_no_sound_file_is_said(tmp_path: Path, content: bytes, expected: str) -> None:
    """Text, nothing at all or a bare header get their own words."""
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert expected in failure(path)


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    """A header with nothing behind it holds no sound."""
    soundfile.write(tmp_path / "a.wav", np.zeros(0), RATE_HZ)
    assert "holds no sound" in failure(tmp_path / "a.wav")


def test_less_than_a_sample_is_no_sound(tmp_path: Path) -> None:
    """One sample at 192 kHz leaves nothing at 32 kHz."""
    soundfile.write(tmp_path / "a.wav", np.ones(1), 192_000)
    assert "too short to be heard" in failure(tmp_path / "a.wav")


def test_an_absurd_rate_is_refused(tmp_path: Path) -> None:
    """A rate of 1 Hz would make gigabytes out of a small file."""
    soundfile.write(tmp_path / "a.wav", noise(100)[:, 0], 1)
    assert "sample rate of 1 Hz" in failure(tmp_path / "a.wav")


def test_missing_files_folders_and_raw_samples_are_told(tmp_path: Path) -> None:
    """Each way of naming the wrong thing has its own message."""
    assert "No such file" in failure(tmp_path / "gone.wav")
    assert "not a file" in failure(tmp_path)
    (tmp_path / "a.raw").write_bytes(bytes(1_000))
    assert "without a header" in failure(tmp_path / "a.raw")


def test_recordings_at_hand_are_read(data_dir: Path) -> None:
    """Real recordings come in whole, at their own length."""
    paths = sorted((data_dir / "cc0-impacts").rglob("*.*"))
    paths = [path for path in paths if path.suffix in {".wav", ".ogg", ".flac", ".mp3"}]
    assert paths
    for path in paths:
        length_s = soundfile.info(path).duration
        assert len(read_audio(path, RATE_HZ)) == pytest.approx(length_s * RATE_HZ, abs=2)
