"""Sound through real pipes."""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import struct
import subprocess
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from agent.capture.pcm import PcmFormat, PcmReader
from agent.capture.stream import StandardInput, StreamSource
from agent.config.sources import Encoding
from agent.core.clock import SystemClock
from agent.core.errors import CaptureError
from tests.fakes import FakeClock
from tests.sounds import TONE_HZ, pitch_hz, write_tone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.core.records import Block

RATE_HZ = 32_000
RAW = PcmFormat(Encoding.F32, RATE_HZ, 1)
PATIENCE_S = 300.0

EXACT = {  # encodings by libsndfile's name, and how exact they are
    "PCM_U8": 2**-7,
    "PCM_16": 2**-15,
    "PCM_24": 2**-23,
    "PCM_32": 2**-24,
    "FLOAT": 0.0,
    "DOUBLE": 2**-24,
}


def noise(count: int, channels: int = 1) -> np.ndarray:
    """Frames with a seed."""
    random = np.random.default_rng(count)
    return random.uniform(-0.9, 0.9, (count, channels)).astype(np.float32)


def wav(frames: np.ndarray, rate_hz: int = RATE_HZ, subtype: str = "PCM_16", **kind: str) -> bytes:
    """A WAV file as bytes."""
    file = io.BytesIO()
    soundfile.write(file, frames, rate_hz, subtype=subtype, format=kind.get("format", "WAV"))
    return file.getvalue()


class Pipe:
    """A pipe with a source at its end."""

    def __init__(
        self,
        raw: PcmFormat = RAW,
        clock: FakeClock | None = None,
        channels: tuple[int, ...] | None = None,
    ) -> None:
        self._reading, self._writing = os.pipe()
        self.clock = clock or FakeClock()
        self.source = StreamSource(
            "stdin",
            StandardInput(self._reading),
            sample_rate_hz=RATE_HZ,
            clock=self.clock,
            raw=raw,
            channels=channels,
        )
        self.source.open()

    def write(self, data: bytes) -> None:
        """Send bytes, at most what a pipe holds."""
        assert len(data) <= 65_536
        os.write(self._writing, data)

    def hang_up(self) -> None:
        """End the input."""
        os.close(self._writing)

    def rest(self) -> list[Block]:
        """Everything up to the end."""
        blocks = []
        while not self.source.ended:
            block = self.source.read(PATIENCE_S)
            if block is not None:
                blocks.append(block)
        return blocks

    def close(self) -> None:
        """Free all ends."""
        self.source.close()
        for descriptor in (self._reading, self._writing):
            try:
                os.close(descriptor)
            except OSError:
                continue


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe of float32."""
    made = Pipe()
    yield made
    made.close()


def heard(blocks: list[Block]) -> np.ndarray:
    """All samples."""
    return np.concatenate([block.samples for block in blocks])


def test_raw_samples_arrive_as_they_are(pipe: Pipe) -> None:
    """Float32 at the bundle's rate passes unchanged, up to the end."""
    frames = noise(5_000)
    pipe.write(frames.tobytes())
    pipe.hang_up()
    blocks = pipe.rest()
    np.testing.assert_array_equal(heard(blocks), frames[:, 0])
    assert blocks[0].index == 0
    assert pipe.source.read(0.0) is None


def test_torn_frames_are_put_together(pipe: Pipe) -> None:
    """A sample may come in two pieces."""
    data = noise(10).tobytes()
    pipe.write(data[:3])
    assert pipe.source.read(PATIENCE_S) is None
    pipe.write(data[3:7])
    first = pipe.source.read(PATIENCE_S)
    assert first is not None
    pipe.write(data[7:])
    pipe.hang_up()
    np.testing.assert_array_equal(heard([first, *pipe.rest()]), noise(10)[:, 0])


def test_raw_stereo_of_another_rate_is_mixed_and_resampled() -> None:
    """16-bit stereo at 48 kHz becomes the mean of both at the bundle's rate."""
    pipe = Pipe(PcmFormat(Encoding.S16, 48_000, 2))
    tone = np.sin(2 * np.pi * 440 * np.arange(9_600) / 48_000)
    both = np.stack((0.8 * tone, 0.2 * tone), axis=1)
    pipe.write((both * 32_767).astype("<i2").tobytes())
    pipe.hang_up()
    sound = heard(pipe.rest())
    pipe.close()
    assert len(sound) == 6_400
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(6_400) / RATE_HZ)
    np.testing.assert_allclose(sound[400:-400], expected[400:-400], atol=2e-4)


@pytest.mark.parametrize("subtype", EXACT)
@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
def test_wav_is_known_by_its_header(pipe: Pipe, subtype: str, container: str) -> None:
    """Every usual encoding, with the plain and the extensible header."""
    frames = noise(3_000)
    pipe.write(wav(frames, subtype=subtype, format=container))
    pipe.hang_up()
    np.testing.assert_allclose(heard(pipe.rest()), frames[:, 0], atol=EXACT[subtype])


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_wav_of_unknown_length_is_read_to_the_end(pipe: Pipe, size: int) -> None:
    """What programs write into a header when they write into a pipe."""
    data = bytearray(wav(noise(3_000)))
    position = data.index(b"data") + 4
    data[position : position + 4] = struct.pack("<I", size)
    pipe.write(bytes(data))
    pipe.hang_up()
    assert len(heard(pipe.rest())) == 3_000


def test_wav_ends_with_its_length_though_the_pipe_stays_open(pipe: Pipe) -> None:
    """What follows the sound is not sound."""
    pipe.write(wav(noise(3_000)) + b"LIST\x04\0\0\0junk")
    assert len(heard(pipe.rest())) == 3_000
    assert pipe.source.ended


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("ffmpeg", ["-nostdin", "-loglevel", "error", "-i", "{}", "-f", "wav", "-"]),
        ("ffmpeg", ["-nostdin", "-loglevel", "error", "-i", "{}", "-f", "wav", "-ac", "2", "-"]),
    ],
)
def test_other_programs_can_send(tmp_path: Path, tool: str, arguments: list[str]) -> None:
    """A real program at the other end of the pipe."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    path = tmp_path / "in.wav"
    path.write_bytes(wav(noise(48_000), rate_hz=48_000))
    command = [tool, *(argument.format(path) for argument in arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        source = StreamSource(
            "stdin",
            StandardInput(process.stdout.fileno()),
            sample_rate_hz=RATE_HZ,
            clock=SystemClock(),
        )
        source.open()
        count = 0
        while not source.ended:
            block = source.read(PATIENCE_S)
            count += 0 if block is None else len(block.samples)
        source.close()
    assert count == RATE_HZ


def test_file_as_standard_input(tmp_path: Path) -> None:
    """``kikimimi run < recording.wav``: no pipe, but a file."""
    path = tmp_path / "in.wav"
    path.write_bytes(wav(noise(3_000)))
    with path.open("rb") as file:
        source = StreamSource(
            "stdin", StandardInput(file.fileno()), sample_rate_hz=RATE_HZ, clock=FakeClock()
        )
        source.open()
        blocks = [source.read(PATIENCE_S) for _ in range(2)]
        source.close()
    assert len(heard([b for b in blocks if b is not None])) == 3_000


def test_broken_samples_are_silenced_and_counted(pipe: Pipe) -> None:
    """NaN, infinity and what no converter gives never reach the model."""
    frames = noise(1_000)[:, 0]
    frames[[10, 20, 30]] = np.nan, -np.inf, 1e30
    pipe.write(frames.tobytes())
    pipe.hang_up()
    sound = heard(pipe.rest())
    assert sound[[10, 20, 30]].tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_array_equal(np.delete(sound, [10, 20, 30]), np.delete(frames, [10, 20, 30]))
    assert pipe.source.counters().non_finite_samples == 3


def test_silence_of_the_sender_is_no_error(pipe: Pipe) -> None:
    """Nothing comes, and nothing is wrong."""
    assert pipe.source.read(0.0) is None
    assert not pipe.source.ended


def test_pause_of_the_sender_is_a_jump_of_the_index(pipe: Pipe) -> None:
    """What was not sent is missing in the index as in time."""
    clock = pipe.clock
    second = noise(8_000).tobytes()
    clock.advance(0.25)
    pipe.write(second)
    first = pipe.source.read(PATIENCE_S)
    clock.advance(60.0)
    pipe.write(second)
    later = pipe.source.read(PATIENCE_S)
    assert first is not None
    assert later is not None
    assert later.index == pytest.approx(60 * RATE_HZ, abs=2)
    assert later.captured_at - first.captured_at == pytest.approx(60.0, abs=0.01)
    assert pipe.source.counters().dropped_samples == pytest.approx(60 * RATE_HZ - 8_000, abs=2)


def test_sender_that_stalls_is_given_up_where_it_should() -> None:
    """A stream that must not pause is lost after its time."""
    reading, writing = os.pipe()
    clock = FakeClock()
    source = StreamSource(
        "camera", StandardInput(reading), sample_rate_hz=RATE_HZ, clock=clock, stall_s=5.0
    )
    source.open()
    assert source.read(0.0) is None
    clock.advance(5.5)
    with pytest.raises(CaptureError, match=r"'camera': nothing came for 5\.5 s"):
        source.read(0.0)
    source.close()
    os.close(reading)
    os.close(writing)


def test_terminal_is_refused() -> None:
    """Somebody who forgot the pipe is told how to write it."""
    controller, terminal = pty.openpty()
    source = StreamSource(
        "stdin", StandardInput(terminal), sample_rate_hz=RATE_HZ, clock=FakeClock()
    )
    with pytest.raises(CaptureError, match=r"is a terminal; .*arecord"):
        source.open()
    os.close(controller)
    os.close(terminal)


def test_closed_input_is_refused() -> None:
    """A service has no standard input."""
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    source = StreamSource(
        "stdin", StandardInput(reading), sample_rate_hz=RATE_HZ, clock=FakeClock()
    )
    with pytest.raises(CaptureError, match="standard input is closed"):
        source.open()


def test_read_before_open_is_refused(pipe: Pipe) -> None:
    """Nothing hangs."""
    pipe.source.close()
    with pytest.raises(CaptureError, match="not open"):
        pipe.source.read(0.0)


def test_header_that_is_not_read_stays_refused(pipe: Pipe) -> None:
    """The bytes after it are not taken for raw samples when the source is opened again."""
    pipe.write(header(tag=6, bits=8) + b"\x55" * 100)
    with pytest.raises(CaptureError, match="encoding 6 with 8 bits"):
        pipe.source.read(PATIENCE_S)
    with pytest.raises(CaptureError, match="encoding 6 with 8 bits"):
        pipe.source.open()


def header(
    tag: int = 1,
    channels: int = 1,
    rate_hz: int = RATE_HZ,
    bits: int = 16,
    frame: int | None = None,
) -> bytes:
    """A WAV header with its fields as given."""
    size = channels * bits // 8 if frame is None else frame
    chunk = struct.pack("<HHIIHH", tag, channels, rate_hz, 0, size, bits)
    return b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + chunk + b"data\0\0\0\0"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (header(channels=0), "0 channels; send 1 to 64"),
        (header(channels=65), "65 channels; send 1 to 64"),
        (header(rate_hz=10), "10 Hz; send 1000 to 768000 Hz"),
        (header(bits=12), "encoding 1 with 12 bits"),
        (header(frame=7), "frames of 7 bytes"),
        (b"RIFX" + header()[4:], "big-endian"),
        (b"RIFF\0\0\0\0RMIDdata", "not of a WAV file"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "'data' before 'fmt '"),
        (b"RIFF\0\0\0\0WAVEfmt \x02\0\0\0\1\0data\0\0\0\0", "'fmt ' of 2 bytes"),
        (b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\xff", "chunk b'junk' of 4294967295 bytes"),
        (b"RIFF\0\0\0\0WAVE" + (b"junk\xff\xff\x0f\0" + bytes(0xFFFFF + 1)) * 2, "first 1 MiB"),
    ],
)
def test_broken_header_is_told(data: bytes, message: str) -> None:
    """Each message says what stands there and what to send."""
    with pytest.raises(CaptureError, match=message):
        PcmReader(RAW).feed(data)


pieces = st.lists(st.binary(max_size=64), max_size=20)
starts = st.sampled_from(
    [
        b"",
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        header()[:-8],
        header(),
        header(tag=3, bits=64, channels=3),
        header(bits=24)[:-4] + b"\x09\0\0\0",
    ]
)


@given(starts, pieces)
def test_any_bytes_give_frames_or_one_clear_error(start: bytes, parts: list[bytes]) -> None:
    """Whatever comes in whatever pieces: no crash, no hang, only frames of one shape."""
    reader = PcmReader(RAW)
    channels = set()
    try:
        for part in (start, *parts):
            frames = reader.feed(part)
            assert frames.dtype == np.float32
            if len(frames):
                channels.add(frames.shape[1])
    except CaptureError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most inputs raise nothing
    assert len(channels) <= 1


@given(st.binary(min_size=200, max_size=400), st.lists(st.integers(1, 50), min_size=1))
def test_pieces_do_not_matter(data: bytes, sizes: list[int]) -> None:
    """A WAV cut anywhere gives the same frames as in one piece."""
    whole = PcmReader(RAW).feed(header(bits=24, channels=2) + data)
    reader = PcmReader(RAW)
    parts, rest = [], header(bits=24, channels=2) + data
    for size in sizes * len(rest):
        if not rest:
            break
        frames = reader.feed(rest[:size])
        rest = rest[size:]
        if len(frames):
            parts.append(frames)
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@given(st.binary(max_size=2_000))
def test_any_raw_bytes_end_as_finite_sound(data: bytes) -> None:
    """Noise of bytes through a real pipe gives finite samples and an end."""
    pipe = Pipe()
    try:
        writer = threading.Thread(target=lambda: (pipe.write(data), pipe.hang_up()))
        writer.start()
        blocks: list[Block] = []
        try:
            blocks = pipe.rest()
        except CaptureError as error:
            assert re.search("WAV|this is not f32le", str(error))  # noqa: PT017 - only such bytes raise
        writer.join()
        assert all(np.isfinite(block.samples).all() for block in blocks)
    finally:
        pipe.close()


def begun_like(source: StreamSource) -> str:
    """What is said of the first bytes."""
    with pytest.raises(CaptureError) as caught:
        source.read(PATIENCE_S)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("a.flac", (), "FLAC"),
        ("a.ogg", (), "Ogg"),
        ("a.opus", ("-ar", "48000"), "Ogg"),
        ("a.mp3", (), "MP3"),  # an ID3 tag
        ("a.mp3", ("-id3v2_version", "0"), "MP3"),
        ("a.aac", (), "AAC"),
        ("a.aiff", (), "AIFF"),
        ("a.au", (), "AU"),
        ("a.caf", (), "CAF"),
        ("a.w64", (), "W64"),
        ("a.m4a", (), "MPEG-4"),
        ("a.mkv", (), "Matroska"),
        ("a.wma", (), "Windows Media"),
        ("a.avi", ("-c:a", "pcm_s16le"), "AVI"),
    ],
)
def test_a_container_is_refused_by_name(
    pipe: Pipe, tmp_path: Path, name: str, options: tuple[str, ...], kind: str
) -> None:
    """It would be noise as raw samples; the line says what to send instead."""
    content = write_tone(tmp_path / name, *options).read_bytes()[:60_000]
    for at in range(0, len(content), 1_000):
        pipe.write(content[at : at + 1_000])
    message = begun_like(pipe.source)
    assert f"begins like {kind}" in message
    assert "ffmpeg -loglevel error -i FILE -f wav - | kikimimi run --source -" in message


def test_the_pipe_that_is_proposed_works(tmp_path: Path) -> None:
    """What ffmpeg sends is heard as the tone that was in the file."""
    path = write_tone(tmp_path / "a.m4a")
    command = ["ffmpeg", "-loglevel", "error", "-i", str(path), "-f", "wav", "-"]
    sent = subprocess.run(command, capture_output=True, check=True).stdout
    reader = PcmReader(RAW)
    frames = reader.feed(sent)
    assert reader.format is not None
    assert pitch_hz(frames[:, 0], reader.format.rate_hz) == pytest.approx(TONE_HZ, abs=1.0)


@pytest.mark.parametrize(
    "samples",
    [
        np.full(20_000, -1, "<i2"),  # 0xFF throughout, the start of every frame of an MP3
        np.full(20_000, -1_025, "<i2"),  # 0xFF 0xFB: an MP3's header without a second one
        np.random.default_rng(3).integers(-300, 300, 20_000).astype("<i2"),
    ],
)
def test_raw_samples_that_look_like_a_frame_are_samples(samples: np.ndarray) -> None:
    """Quiet sound begins like an MP3 now and then; only two frames in a row are one."""
    reader = PcmReader(PcmFormat(Encoding.S16, 16_000, 1))
    heard = [reader.feed(samples.tobytes()[at : at + 999]) for at in range(0, 40_000, 999)]
    joined = np.concatenate([one for one in heard if len(one)])[:, 0]
    np.testing.assert_array_equal(joined, samples.astype(np.float32) / 2**15)


@pytest.mark.parametrize("encoding", [Encoding.U8, Encoding.S24, Encoding.S32])
def test_raw_formats_that_can_be_stated(encoding: Encoding) -> None:
    """Each gives the tone that was sent, from a real converter."""
    command = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "sine=440:duration=1"]
    command += ["-ar", "16000", "-ac", "2", "-f", encoding.value, "-"]
    sent = subprocess.run(command, capture_output=True, check=True).stdout
    frames = PcmReader(PcmFormat(encoding, 16_000, 2)).feed(sent)
    assert frames.shape == (16_000, 2)
    assert pitch_hz(frames[:, 1], 16_000) == pytest.approx(440.0, abs=1.0)
    assert np.abs(frames).max() == pytest.approx(0.088, abs=0.01)  # an eighth, over two channels


def final_source(reading: int, raw: PcmFormat = RAW) -> StreamSource:
    """Standard input, as the agent makes it."""
    return StreamSource(
        *("stdin", StandardInput(reading)),
        sample_rate_hz=RATE_HZ,
        clock=FakeClock(),
        raw=raw,
        final=True,
    )


@pytest.mark.parametrize("level", [0.001, 0.01, 0.1, 0.7])
@pytest.mark.parametrize("kind", ["s16le", "s32le", "f32be", "f64le"])
def test_samples_that_cannot_be_what_was_stated_end_the_source(level: float, kind: str) -> None:
    """Other samples taken for float32 are no sound, and no second try makes them one."""
    sound = level * np.random.default_rng(5).uniform(-1.0, 1.0, 4 * RATE_HZ)
    data = {
        "s16le": (sound * 2**15).astype("<i2"),
        "s32le": (sound * 2**31).astype("<i4"),
        "f32be": sound.astype(">f4"),
        "f64le": sound.astype("<f8"),
    }[kind].tobytes()
    reading, writing = os.pipe()
    thread = threading.Thread(target=_write_all, args=(writing, data), daemon=True)
    thread.start()
    source = final_source(reading)
    source.open()
    refusal = ""
    while not source.ended:
        try:
            source.read(PATIENCE_S)
        except CaptureError as error:
            refusal = str(error)
    assert "so this is not f32le; say what is sent: --format s16le" in refusal
    assert source.read(0.0) is None
    source.close()
    os.close(reading)
    thread.join()


def _write_all(descriptor: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except BrokenPipeError:
        pass
    os.close(descriptor)


def test_a_short_input_is_judged_at_its_end(pipe: Pipe) -> None:
    """A tenth of a second of integers is as wrong as an hour of them."""
    pipe.write((300 * noise(3_200)).astype("<i2").tobytes())
    pipe.hang_up()
    with pytest.raises(CaptureError, match="so this is not f32le"):
        pipe.rest()


def test_channels_are_chosen_and_a_mix_that_cancels_is_told() -> None:
    """Of a WAV file in a pipe, whose header tells how many there are."""
    rising = np.linspace(-0.5, 0.5, 14_000, dtype=np.float32)
    sides = np.stack((rising, 0.5 * rising), axis=1)
    pipe = Pipe(channels=(2,))
    pipe.write(wav(sides, subtype="PCM_16"))
    pipe.hang_up()
    np.testing.assert_allclose(heard(pipe.rest()), 0.5 * rising, atol=2**-15)
    assert pipe.source.remark == ""
    pipe.close()
    pipe = Pipe(PcmFormat(Encoding.S16, 8_000, 2))
    tone = (noise(16_000)[:, 0] * 32_000).astype("<i2")
    pipe.write(np.stack((tone, -tone), axis=1).tobytes())
    pipe.hang_up()
    assert np.abs(heard(pipe.rest())).max() > 0.5
    assert pipe.source.remark.startswith("channels 1 and 2 cancel each other")
    pipe.close()


def test_channels_that_are_not_there_are_refused_for_good() -> None:
    """What follows the header of standard input could not be told from noise."""
    pipe = Pipe(channels=(1, 4))
    pipe.write(wav(noise(3_000, channels=2)))
    reason = "source 'stdin': has 2 channels, not 4; choose channels from 1 to 2"
    with pytest.raises(CaptureError, match=reason):
        pipe.rest()
    with pytest.raises(CaptureError, match=reason):
        pipe.source.open()
    pipe.close()
