"""Sound files as the box hears them: the same windows as of the whole sound, in bounded memory."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent.bundle import loading as bundles
from agent.capture.audiofile import read_audio
from agent.core.errors import AudioFileError
from agent.core.records import Step, Views
from agent.detector.rule import Policy, Rule
from agent.encoder.audio import Encoder
from agent.frontend.log_mel import LogMel
from agent.hearing.files import LONGEST_WHOLE_S, FileHearing
from agent.hearing.recogniser import Recogniser
from agent.matcher.matcher import Contrast, Described, Matcher
from tests.bundles import make_bundle
from tests.signals import noise

if TYPE_CHECKING:
    from agent.bundle.loading import Bundle

RATE_HZ = 32_000
SIZE, HOP = 200, 50
DESCRIPTIONS = "version: 1\nerrors:\n  - {id: air_leak, text: air leak}\n"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small bundle of real parts."""
    return make_bundle(tmp_path_factory.mktemp("model") / "bundle")


@pytest.fixture(scope="module")
def hearing(bundle: Bundle) -> FileHearing:
    """With the bundle's own hop."""
    return FileHearing.of(bundle)


@pytest.fixture(scope="module")
def matcher(bundle: Bundle) -> Matcher:
    """Of one description."""
    ordinary = bundle.background()
    text = ordinary.joint[:1]
    described = [Described("air_leak", texts=text, unlike=text[:0])]
    return Matcher.build(described, Contrast(ordinary.joint[1:2], ordinary, bundle.foreground()))


def write(folder: Path, seconds: float, rate_hz: int = RATE_HZ, channels: int = 1) -> Path:
    """A recording of noise that is never the same."""
    wave = noise(round(seconds * rate_hz) * channels, seed=3).reshape(-1, channels)
    soundfile.write(folder / "a.wav", wave, rate_hz, subtype="FLOAT")
    return folder / "a.wav"


@pytest.mark.parametrize(
    "form",
    [
        (0.3, 32_000, 1),
        (2.0, 32_000, 1),
        (2.012, 32_000, 1),
        (5.0, 32_000, 1),
        (17.77, 32_000, 1),
        (12.3, 44_100, 2),
        (9.1, 8_000, 1),
    ],
)
def test_windows_and_scores_are_those_of_the_whole_sound(
    hearing: FileHearing, matcher: Matcher, tmp_path: Path, form: tuple[float, int, int]
) -> None:
    """Against the log-mel of all of the file at once: same starts, the last ends with the file."""
    path = write(tmp_path, *form)
    whole = LogMel.of(hearing.bundle).whole(read_audio(path, RATE_HZ))
    frames = whole.shape[1]
    starts = list(range(0, frames - SIZE + 1, HOP)) or [0]
    if starts[-1] + SIZE < frames:
        starts.append(frames - SIZE)
    expected = [whole[:, at : at + SIZE] for at in starts]
    windows = list(hearing.windows(path))
    assert [one.captured_at for one in windows] == pytest.approx([at / 100 for at in starts])
    assert windows[-1].ends_at == pytest.approx(frames / 100)
    for window, other in zip(windows, expected, strict=True):
        np.testing.assert_allclose(window.log_mel, other, atol=2e-6)
    views = Views.concatenate([hearing.encoder.encode(one[None]) for one in expected])
    scores = [one.score[0] for one in matcher.match(windows, views)]
    found = [one.score[0] for one in hearing.matches(path, matcher)]
    np.testing.assert_allclose(found, scores, atol=1e-4)


def test_without_the_rest_windows_stand_on_the_grid(hearing: FileHearing, tmp_path: Path) -> None:
    """As a calibration counts them: a file that is shorter than a window has none."""
    windows = hearing.windows(write(tmp_path, 5.3), rest=False)
    assert [one.captured_at for one in windows] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert list(hearing.windows(write(tmp_path, 1.9), rest=False)) == []


def test_another_hop(bundle: Bundle, tmp_path: Path) -> None:
    """That of a site."""
    windows = FileHearing.of(bundle, 1.25).windows(write(tmp_path, 5.0))
    assert [one.captured_at for one in windows] == [0.0, 1.25, 2.5, 3.0]


def test_what_goes_on_ends_with_the_file(
    hearing: FileHearing, matcher: Matcher, tmp_path: Path
) -> None:
    """One event, from the first window to the last."""
    policies = {"air_leak": Policy(-1e6, Rule(1, 2, 1e6, 5.0))}
    recogniser = Recogniser(matcher, policies, RATE_HZ)
    steps = list(hearing.detections(write(tmp_path, 5.3), recogniser))
    assert (steps[0].step, steps[-1].step) == (Step.NEW, Step.END)
    assert {one.step for one in steps[1:-1]} <= {Step.UPDATE}
    assert (steps[-1].starts_at, steps[-1].ends_at) == (0.0, pytest.approx(5.3))


def test_what_is_too_long_for_one_window_is_refused_by_name(
    hearing: FileHearing, tmp_path: Path
) -> None:
    """With how long it is; a minute is heard."""
    path = write(tmp_path, LONGEST_WHOLE_S, 8_000)
    assert hearing.whole(path).duration_s == LONGEST_WHOLE_S
    path = write(tmp_path, LONGEST_WHOLE_S + 2.0, 8_000)
    with pytest.raises(AudioFileError, match=re.escape(f"{path}: lasts 62 s; leave out --whole")):
        hearing.whole(path)


def test_windows_of_different_lengths_are_embedded_in_order(bundle: Bundle, tmp_path: Path) -> None:
    """A short file of one source may come between the windows of another."""
    hearing = FileHearing.of(bundle)
    long = list(hearing.windows(write(tmp_path, 3.0)))
    (short,) = hearing.windows(write(tmp_path, 0.7))
    mixed = [long[0], short, *long[1:]]
    encoder = Encoder(bundle)
    apart = Views.concatenate([encoder.embed([one]) for one in mixed])
    np.testing.assert_allclose(encoder.embed(mixed).joint, apart.joint, atol=1e-6)


def peak_mib(folder: Path, sound: Path, bundle: Path) -> float:
    """Most memory that ``kikimimi score`` took for a file, in a process of its own."""
    described = folder / "d.yaml"
    described.write_text(DESCRIPTIONS)
    program = (
        "import pathlib, re, sys\n"
        "from agent.cli import main\n"
        "status = main(sys.argv[1:])\n"
        "told = pathlib.Path('/proc/self/status').read_text()\n"
        "sys.stderr.write('peak ' + re.search(r'VmHWM:\\s+(\\d+)', told)[1])\n"
        "sys.exit(status)\n"
    )
    options = ["--descriptions", described, "--bundle", bundle, "--json"]
    command = [sys.executable, "-c", program, "score", sound, *options]
    ended = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert len(ended.stdout.splitlines()) > 100
    return int(ended.stderr.removeprefix("peak ")) / 1_024


def recorded(path: Path, minutes: int, rate_hz: int) -> Path:
    """So many minutes of soft noise, written a minute at a time."""
    minute = 0.02 * noise(60 * rate_hz, seed=5)
    with soundfile.SoundFile(path, "w", rate_hz, 1, subtype="PCM_16") as file:
        for number in range(minutes):
            file.write(np.roll(minute, number))
    return path


def test_memory_does_not_grow_with_the_file(bundle: Bundle, tmp_path: Path) -> None:
    """Three minutes take what one takes; held as a whole, each minute would take 14 MB more."""
    one, three = (
        peak_mib(tmp_path, recorded(tmp_path / f"{n}.wav", n, 8_000), bundle.folder) for n in (1, 3)
    )
    assert three - one < 8.0


@pytest.mark.full
def test_forty_minutes_take_what_ten_take(tmp_path: Path) -> None:
    """Within a twentieth, with the shipped bundle."""
    ten, forty = (
        peak_mib(tmp_path, recorded(tmp_path / f"{n}.flac", n, RATE_HZ), bundles.DEFAULT)
        for n in (10, 40)
    )
    assert forty == pytest.approx(ten, rel=0.05)


@pytest.mark.full
def test_eight_hours_are_scored_in_250_mb(tmp_path: Path) -> None:
    """A whole shift."""
    shift = recorded(tmp_path / "shift.flac", 480, RATE_HZ)
    assert peak_mib(tmp_path, shift, bundles.DEFAULT) * 1.048576 < 250.0
