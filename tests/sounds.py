"""Sounds whose pitch and length are known, as files of every kind (by a real ffmpeg)."""

from __future__ import annotations

import base64
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import soundfile

if TYPE_CHECKING:
    from pathlib import Path

TONE_HZ = 440.0

# The tone for a second, by AMR's narrow-band encoder, which Debian's ffmpeg does not have.
_AMR = (
    "IyFBTVIKBIA4H+/rafWOAKnGgAQdPTKruxp1FwTpFTIEPjgyq6u9dRMzrRKEBI09MqbbHlV4ZmmbjASNODWXe3GlnaxQ"
    "n7YEPj0yp3t5VKzYLQuOBI04Npa7E2RD0mWFMgQ+PTKre6x0irOtEowEjTg2prsXREBkGkhYBI09Mma7HVXf0Iwy7gQ+"
    "ODKme+tU60yTCkIEjT0ypmufNRow9HEGBD44Mquru4VzJQ0CiASNPTKmq58FeHE7CUoEjTgypnuflT4QM7y2BD49Mqtr"
    "2LSMxE0KngSNODaXuxKkJ5MJDToEPj0yp6t9tI6TpFK+BI04Nqd7clRGEwTtSASNPTJne121n70OwrwEPjgyq6u5VKtN"
    "EwpCBI09Mmd7XaX7wpWZLgQ+ODKme+tlUy0tAogEjT0yp6udZTosbRYGBI04NZa7E3WfiRKWjAQ+PTKna1n0jNBNS4wE"
    "jTg2pmvDZCIzBy14BD49Mqu7GKTMqSYirgSNODaqe5XkQG0bCFYEjT0yZ3tetZvJBjKmBD44Mqtr1WSrUxMLQgSNPTJr"
    "a8x1n5ElGSoEPjgypnvrdRMzrRKYBI09MqqrnnU8amJBQASNODWnq3GF8XOkUqYEPj0ypmvfROzOjQoEBI04Nqp7UeQi"
    "MwcteAQ+PTKm61tE6qRYKuIEjTg2pnuRVEJTDG1QBI09MmbrXVW/wS8QlgQ+ODKrq7lUq00TCkIEjT0yZqufNZvRNY08"
    "BD44MqZ762VzLQ0CiASNPTKnq51lPCx2kAYEjTgym2vsdRvFBiKqBD49Mqtr2GSq0xMLQgSNODWqa8Hl3BJrFSgEPj0y"
    "qmvbJNaNBEImBI04Nqp7keREXBJpTASNPTKna86VPCUI0nAEHZxoLwMX+lNQCIMY"
)


def tone(rate_hz: int, duration_s: float) -> np.ndarray:
    """A sine at half of full scale, float32."""
    time_s = np.arange(round(rate_hz * duration_s)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * TONE_HZ * time_s)).astype(np.float32)


def write_tone(path: Path, *options: str, rate_hz: int = 44_100, duration_s: float = 2.0) -> Path:
    """The tone in the format that ffmpeg makes of the path's ending, or by its options."""
    wave = path.with_name("tone-to-convert.wav")
    soundfile.write(wave, tone(rate_hz, duration_s), rate_hz, subtype="PCM_16")
    convert(wave, path, *options)
    wave.unlink()
    return path


def convert(source: Path, target: Path, *options: str) -> None:
    """A sound file as another one."""
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-i", str(source)]
    subprocess.run([*command, *options, str(target)], check=True)


def write_amr(path: Path) -> Path:
    """A second of the tone as AMR."""
    path.write_bytes(base64.b64decode(_AMR))
    return path


def pitch_hz(samples: np.ndarray, rate_hz: int) -> float:
    """The strongest frequency of a sound."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate_hz / len(samples))
