"""What phones, cameras and Windows write, read through a real ffmpeg."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.capture.audiofile import SHORTEST_S, iter_audio, read_audio
from agent.capture.file import FileSource
from agent.capture.supervisor import Supervisor
from agent.cli import main
from agent.core.errors import AudioFileError
from tests.bundles import make_bundle
from tests.fakes import FakeClock
from tests.sounds import TONE_HZ, convert, pitch_hz, tone, write_amr, write_tone

RATE_HZ = 32_000

FORMATS = {
    "a.m4a": (),
    "a.aac": (),
    "a.mp4": (),
    "a.mov": (),
    "a.3gp": ("-ar", "16000", "-c:a", "aac"),
    "a.mkv": (),
    "a.webm": ("-ar", "48000", "-c:a", "libopus"),
    "a.wma": (),
    "a.avi": ("-c:a", "pcm_s16le"),
    "without-xing.mp3": ("-write_xing", "0", "-id3v2_version", "0"),
    "tagged-without-xing.mp3": ("-write_xing", "0", "-metadata", "title=x"),
    "a.mp2": (),
    "mp3-inside.wav": ("-c:a", "libmp3lame"),
    "mp3-inside.caf": ("-c:a", "libmp3lame"),
    # Through libsndfile.
    "a.opus": ("-ar", "48000", "-c:a", "libopus"),
    "a.w64": (),
    "a.au": (),
    "a.caf": ("-c:a", "pcm_s16le"),
    "a.rf64": ("-f", "wav", "-rf64", "always"),
}


def failure(path: Path) -> str:
    """The message of the error that reading a file raises: one line that names the file."""
    with pytest.raises(AudioFileError) as caught:
        read_audio(path, RATE_HZ)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return message


def children() -> list[str]:
    """Command lines of the processes that this one has started and that are there yet."""
    found = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "args="],
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in found.stdout.splitlines() if "ffmpeg" in line]


@pytest.fixture
def without_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which ffmpeg is not installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("ffmpeg") is None


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_keeps_pitch_and_length(tmp_path: Path, name: str) -> None:
    """A tone of two seconds comes back as one, whole and as loud."""
    read = read_audio(write_tone(tmp_path / name, *FORMATS[name]), RATE_HZ)
    assert read.dtype == np.float32
    # Encoders put up to a tenth of a second of silence around it.
    assert len(read) / RATE_HZ == pytest.approx(2.0, abs=0.1)
    middle = read[RATE_HZ // 2 : -RATE_HZ // 2]
    assert pitch_hz(middle, RATE_HZ) == pytest.approx(TONE_HZ, abs=1.0)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    assert not children()


def test_amr_of_a_telephone(tmp_path: Path) -> None:
    """Its tone lasts a second."""
    read = read_audio(write_amr(tmp_path / "a.amr"), RATE_HZ)
    assert len(read) / RATE_HZ == pytest.approx(1.0, abs=0.05)
    assert pitch_hz(read, RATE_HZ) == pytest.approx(TONE_HZ, abs=2.0)


def test_mp3_of_variable_rate_without_a_length_keeps_its_end(tmp_path: Path) -> None:
    """A guess by the first frame would cut it: silence first, then sound."""
    sound = np.concatenate([np.zeros(2 * RATE_HZ), tone(RATE_HZ, 2.0), np.zeros(RATE_HZ // 2)])
    soundfile.write(tmp_path / "in.wav", sound, RATE_HZ)
    for name in ("a.mp3", "b.wav"):
        convert(
            tmp_path / "in.wav",
            tmp_path / name,
            *("-c:a", "libmp3lame", "-q:a", "2", "-write_xing", "0"),
        )
        read = read_audio(tmp_path / name, RATE_HZ)
        assert len(read) / RATE_HZ == pytest.approx(4.5, abs=0.1)
        loud = np.abs(read[3 * RATE_HZ : round(3.8 * RATE_HZ)])
        assert loud.max() == pytest.approx(0.5, abs=0.05)


def test_picture_and_several_channels(tmp_path: Path) -> None:
    """The sound of a film; six channels become their mean."""
    parts = [tone(48_000, 1.0) * level for level in (0.1, 0.2, 0.3, 0.0, 0.5, 0.1)]
    soundfile.write(tmp_path / "in.wav", np.stack(parts, axis=1), 48_000)
    picture = ("-f", "lavfi", "-i", "color=size=32x32:rate=5:duration=1", "-c:v", "mpeg4")
    convert(tmp_path / "in.wav", tmp_path / "film.mkv", *picture, "-c:a", "flac")
    read = read_audio(tmp_path / "film.mkv", 48_000)
    assert len(read) == 48_000
    np.testing.assert_allclose(read, 0.2 * tone(48_000, 1.0), atol=1e-3)


def test_a_film_without_sound_is_told(tmp_path: Path) -> None:
    """Not as damaged: it has no audio track."""
    soundfile.write(tmp_path / "in.wav", tone(8_000, 1.0), 8_000)
    picture = ("-f", "lavfi", "-i", "color=size=32x32:rate=5:duration=1", "-map", "1")
    convert(tmp_path / "in.wav", tmp_path / "film.mp4", *picture, "-c:v", "mpeg4")
    assert "holds no sound (no audio track)" in failure(tmp_path / "film.mp4")


@pytest.mark.usefixtures("without_ffmpeg")
@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("night shift.m4a", b"\0\0\0\x1cftypM4A \0\0\0\0"),
        ("a.mkv", b"\x1a\x45\xdf\xa3\x01\0\0\0"),
        ("a.wma", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
        ("a.amr", b"#!AMR\n\x04"),
        ("wrong-ending.wav", b"\0\0\0\x1cftypM4A \0\0\0\0"),
    ],
)
def test_without_ffmpeg_one_line_says_what_to_do(tmp_path: Path, name: str, head: bytes) -> None:
    """The package, and the command that converts the file elsewhere."""
    path = tmp_path / name
    path.write_bytes(head + bytes(1_000))
    message = failure(path)
    assert "apt-get install ffmpeg" in message
    quoted = f"'{name}' '{path.stem}'.wav" if " " in name else f"{name} {path.stem}.wav"
    assert message.endswith(f"ffmpeg -i {quoted}")


def test_mp3_needs_ffmpeg_only_where_it_tells_no_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual one is libsndfile's; the other, and one inside a WAV, get the line."""
    write_tone(tmp_path / "a.mp3")
    write_tone(tmp_path / "b.mp3", "-write_xing", "0")
    write_tone(tmp_path / "c.wav", "-c:a", "libmp3lame")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert len(read_audio(tmp_path / "a.mp3", RATE_HZ)) == 2 * RATE_HZ
    assert "apt-get install ffmpeg" in failure(tmp_path / "b.mp3")
    assert "apt-get install ffmpeg" in failure(tmp_path / "c.wav")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.m4a", ("-movflags", "faststart")),
        ("a.m4a", ()),
        ("a.mkv", ()),
        ("a.webm", ("-ar", "48000", "-c:a", "libopus")),
        ("a.wma", ()),
        ("mp3-inside.wav", ("-c:a", "libmp3lame")),
    ],
)
def test_half_a_file_is_refused(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    """Half of a recording must not pass for the whole."""
    path = write_tone(tmp_path / name, *options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "copy or record it again" in failure(path)


@pytest.mark.parametrize("name", ["a.m4a", "a.mp4", "a.wav", "a.mkv", "a.mp3"])
def test_a_playlist_cannot_make_ffmpeg_open_another_file(tmp_path: Path, name: str) -> None:
    """Neither a list of files nor a stream's description is taken for a sound file."""
    secret = write_tone(tmp_path / "secret.m4a")
    for text in (
        f"ffconcat version 1.0\nfile '{secret.name}'\n",
        f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile:{secret}\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    ):
        (tmp_path / name).write_text(text)
        assert "no sound file" in failure(tmp_path / name)


def test_names_that_look_like_options_or_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is a name, wherever it starts."""
    monkeypatch.chdir(tmp_path)
    source = write_tone(tmp_path / "a.m4a")
    for name in ("-i.m4a", "concat:a.m4a", "http:x.m4a", "50%41?x=1.m4a", "a\nb.m4a"):
        shutil.copyfile(source, tmp_path / name)
        read = read_audio(Path(name), RATE_HZ)
        assert len(read) / RATE_HZ == pytest.approx(2.0, abs=0.1)


def test_ffmpeg_ends_with_its_reader(tmp_path: Path) -> None:
    """Closed early, it is gone at once, and no dead process is left."""
    path = write_tone(tmp_path / "long.mov", "-c:a", "pcm_s16le", duration_s=60.0)
    blocks = iter_audio(path, RATE_HZ, 1_000)
    assert len(next(blocks)) == 1_000
    assert len(children()) == 1
    blocks.close()
    assert not children()


def test_a_sound_too_short_is_refused(tmp_path: Path) -> None:
    """A few samples fill no window of the frontend."""
    samples = round(SHORTEST_S * RATE_HZ)
    for count in (1, samples - 1):
        soundfile.write(tmp_path / "a.wav", tone(RATE_HZ, 1.0)[:count], RATE_HZ)
        assert "too short to be heard; name a sound of 0.025 s or more" in failure(
            tmp_path / "a.wav"
        )
    soundfile.write(tmp_path / "a.wav", tone(RATE_HZ, 1.0)[:samples], RATE_HZ)
    assert len(read_audio(tmp_path / "a.wav", RATE_HZ)) == samples


def test_a_remark_reaches_whoever_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """On standard error by ``score``, in the log and in health by a source."""
    path = tmp_path / "cut.aac"
    write_tone(path)
    path.write_bytes(path.read_bytes()[:-50])
    remark = f"{path}: ffmpeg left out what it could not read"
    bundle = make_bundle(tmp_path / "bundle").folder
    described = tmp_path / "d.yaml"
    described.write_text("version: 1\nerrors: [{id: siren, text: a siren howls}]\n")
    command = ["score", str(path), "--descriptions", str(described), "--bundle", str(bundle)]
    assert main(command) == 0
    assert f"kikimimi score: {remark}" in capsys.readouterr().err
    with caplog.at_level(logging.INFO):
        source = FileSource(
            "mic1", path=path, sample_rate_hz=RATE_HZ, clock=FakeClock(), realtime=False
        )
        supervisor = Supervisor(source, sample_rate_hz=RATE_HZ, clock=FakeClock())
        for _ in supervisor.blocks(threading.Event()):
            pass
    assert remark in source.remark
    (logged,) = [one for one in caplog.records if one.getMessage() == "sound_file_remark"]
    assert logged.remark == source.remark


def test_health_says_what_is_odd_about_a_file_while_it_plays(tmp_path: Path) -> None:
    """As it says of a microphone's signal."""
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(RATE_HZ, 2.0), RATE_HZ)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = bytes(4)
    path.write_bytes(content)
    source = FileSource(
        "mic1", path=path, sample_rate_hz=RATE_HZ, clock=FakeClock(), realtime=False
    )
    supervisor = Supervisor(source, sample_rate_hz=RATE_HZ, clock=FakeClock())
    blocks = supervisor.blocks(threading.Event())
    next(blocks)
    assert "its header does not tell how long it is" in supervisor.status.remark
