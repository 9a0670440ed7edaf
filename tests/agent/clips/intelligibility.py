# ruff: noqa: T201 - run by hand, it prints its tables
"""Real speech over a factory, and how much of it can still be understood.

Sentences are those of a matrix test, as audiologists use it: a name, a verb, a number, an
adjective and an object, one of ten each, so that none can be guessed from the others. espeak-ng
speaks them; PocketSphinx, told of all fifty words, writes down what it understands; STOI (Taal
et al., IEEE Trans. Audio Speech Lang. Process. 19, 2011) estimates what people would.

``.venv/bin/python -m tests.agent.clips.intelligibility [DATA]`` prints the tables of
docs/experiments/speech.md.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from pocketsphinx import Decoder
from pystoi import stoi

from agent.capture.audiofile import read_audio, resampled
from agent.capture.scene import RATE_HZ, machines
from agent.clips.scrambling import Guard
from agent.clips.speech import FRAME_S, VoiceDetector
from agent.config.speech import SpeechPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.core.records import FloatArray

ESPEAK = shutil.which("espeak-ng")
COLUMNS = (
    ["peter", "kathy", "lucy", "alan", "rachel", "barry", "steven", "thomas", "hannah", "nina"],
    ["got", "sees", "bought", "gives", "sold", "likes", "has", "kept", "wins", "wants"],
    ["three", "nine", "seven", "eight", "four", "five", "two", "ten", "twelve", "nineteen"],
    ["large", "small", "old", "dark", "thin", "green", "cheap", "pretty", "red", "white"],
    ["desks", "chairs", "shoes", "toys", "spoons", "mugs", "ships", "rings", "tins", "beds"],
)
VOICES = ("en-us", "en-us+f2", "en-us+m3", "en-us+f4")
JAPANESE = (
    "明日の朝七時に駅で会いましょう",
    "課長が今週も残業だと言っていました",
    "新しい家を去年の夏に買いました",
    "この部品はもう検査が終わっています",
)
BEFORE_S = 3.0
_HEARD_HZ = 16_000
_LEVEL = 0.01
"""RMS of the machines: -40 dBFS, as in the demo's factory."""


@dataclass(frozen=True)
class Spoken:
    """One sentence."""

    words: tuple[str, ...]
    samples: FloatArray
    """Alone, at RATE_HZ, RMS of 1 while it is spoken."""


def say(text: str, voice: str) -> FloatArray:
    """Speech by espeak-ng at RATE_HZ, RMS of 1."""
    command = [ESPEAK or "espeak-ng", "-v", voice, "-s", "140", "--stdout", text]
    wav = subprocess.run(command, check=True, capture_output=True).stdout
    samples, rate_hz = soundfile.read(io.BytesIO(wav), dtype="float32")
    speech = resampled(samples, rate_hz, RATE_HZ)
    return speech / np.float32(np.sqrt(np.mean(np.square(speech))))


def sentences(count: int, seed: int = 0) -> list[Spoken]:
    """Sentences of the matrix, by several voices."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        words = tuple(column[rng.integers(len(column))] for column in COLUMNS)
        found.append(Spoken(words, say(" ".join(words), VOICES[number % len(VOICES)])))
    return found


def factory(samples: int, rng: np.random.Generator) -> FloatArray:
    """Machines at -40 dBFS, shape ``(samples,)``."""
    noise = machines(rng, samples)
    return (_LEVEL * noise / np.sqrt(np.mean(np.square(noise)))).astype(np.float32)


def over_noise(speech: FloatArray, snr_db: float, noise: FloatArray) -> FloatArray:
    """Speech that begins after BEFORE_S, so many decibels over a noise."""
    mixed = noise.copy()
    first = round(BEFORE_S * RATE_HZ)
    mixed[first : first + len(speech)] += _LEVEL * 10 ** (snr_db / 20) * speech
    return np.clip(mixed, -1.0, 1.0)


def length_with(speech: FloatArray) -> int:
    """Samples of a clip around a sentence."""
    return len(speech) + 2 * round(BEFORE_S * RATE_HZ)


def part(clip: FloatArray, speech: FloatArray) -> FloatArray:
    """Where the sentence is in a clip."""
    first = round(BEFORE_S * RATE_HZ)
    return clip[first : first + len(speech)]


def intelligibility(speech: FloatArray, clip: FloatArray) -> float:
    """STOI: 1 for the speech itself, about 0.4 and less for what nobody understands."""
    return float(stoi(speech, part(clip, speech), RATE_HZ))


class Recogniser:
    """Writes down the words of a matrix sentence."""

    def __init__(self) -> None:
        rule = " ".join(f"( {' | '.join(column)} )" for column in COLUMNS)
        with tempfile.NamedTemporaryFile("w", suffix=".gram") as file:
            file.write(f"#JSGF V1.0;\ngrammar matrix;\npublic <sentence> = {rule} ;\n")
            file.flush()
            self._decoder = Decoder(jsgf=file.name, lm=None, loglevel="FATAL")

    def words(self, samples: FloatArray) -> list[str]:
        """What it understands, at RATE_HZ."""
        heard = resampled(samples, RATE_HZ, _HEARD_HZ)
        heard = heard / max(1e-9, float(np.abs(heard).max())) * 0.8
        self._decoder.start_utt()
        self._decoder.process_raw((heard * 32_767).astype(np.int16).tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return [] if found is None else found.hypstr.split()

    def share(self, spoken: Sequence[Spoken], clips: Sequence[FloatArray]) -> float:
        """Words in their places, among all."""
        right = total = 0
        for one, clip in zip(spoken, clips, strict=True):
            around = round(0.5 * RATE_HZ)
            first = round(BEFORE_S * RATE_HZ)
            heard = self.words(clip[first - around : first + len(one.samples) + around])
            right += sum(a == b for a, b in zip(one.words, heard, strict=False))
            total += len(one.words)
        return right / total


def guard(policy: SpeechPolicy = SpeechPolicy.SCRAMBLE) -> Guard:
    """As on the box."""
    return Guard(policy, VoiceDetector, FRAME_S)


def _speech_table() -> None:
    spoken, recogniser, rng = sentences(12), Recogniser(), np.random.default_rng(1)
    box = guard()
    print("snr_db  words_before words_after  stoi_before stoi_after stoi_machines  found")
    for snr_db in (20, 10, 5, 0, -5, -8, -11):
        clips, cleared, alone, found = [], [], [], 0
        for one in spoken:
            noise = factory(length_with(one.samples), rng)
            clips.append(over_noise(one.samples, snr_db, noise))
            cleared.append(box.clear(clips[-1], RATE_HZ, rng).samples)
            alone.append(intelligibility(one.samples, noise))
            here = part(np.not_equal(clips[-1], cleared[-1]), one.samples)
            found += bool(here.mean() > 0.99)
        before, after = recogniser.share(spoken, clips), recogniser.share(spoken, cleared)
        told = [
            np.mean([intelligibility(one.samples, c) for one, c in zip(spoken, some, strict=True)])
            for some in (clips, cleared)
        ]
        print(
            f"{snr_db:6d}  {before:12.2f} {after:11.2f}  {told[0]:11.2f} {told[1]:10.2f} "
            f"{np.mean(alone):13.2f}  {found}/{len(spoken)}"
        )
    found = {}
    for snr_db in (20, 0, -5, -8):
        found[snr_db] = 0
        for number, text in enumerate(JAPANESE):
            speech = say(text, "ja+f3" if number % 2 else "ja")
            clip = over_noise(speech, snr_db, factory(length_with(speech), rng))
            changed = np.not_equal(clip, box.clear(clip, RATE_HZ, rng).samples)
            found[snr_db] += bool(part(changed, speech).mean() > 0.99)
    print("Japanese sentences found whole, of", len(JAPANESE), "by snr_db:", found)


def _machine_table(data: Path) -> None:
    rng, box = np.random.default_rng(2), guard()
    around = 5 * RATE_HZ
    print("recordings          clips touched  share of time")
    for name in ("cc0-impacts", "mimii-fan", "brushless-motors", "vroom-lathe"):
        files = sorted((data / name).rglob("*.flac"))
        files = files[:: max(1, len(files) // 30)]
        touched, share = 0, 0.0
        for path in files:
            sound = read_audio(path, RATE_HZ)
            clip = factory(len(sound) + 2 * around, rng)
            clip[around : around + len(sound)] += sound
            cleared = box.clear(np.clip(clip, -1.0, 1.0), RATE_HZ, rng)
            touched += cleared.speech_s > 0
            share += cleared.speech_s / (len(clip) / RATE_HZ)
        print(f"{name:18}  {touched:3d} of {len(files):3d}     {share / len(files):.3f}")


if __name__ == "__main__":
    _speech_table()
    if len(sys.argv) > 1:
        _machine_table(Path(sys.argv[1]))
