"""Bytes of a pipe to frames: raw samples, or a WAV file that is written while it is read."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.capture.soundfiles.headers import ENDLESS_BYTES
from agent.capture.soundfiles.kinds import BIG_ENDIAN_WAV, RF64, RIFF, WAV, recognised, undecided
from agent.config.sources import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, MOST_CHANNELS, Encoding
from agent.core.errors import CaptureError

if TYPE_CHECKING:
    from agent.core.records import FloatArray


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """What the bytes mean."""

    encoding: Encoding
    rate_hz: int
    channels: int

    @property
    def frame_bytes(self) -> int:
        """Size of one sample of each channel."""
        return self.encoding.bytes * self.channels


_MOST_HEADER_BYTES = 1 << 20  # cover art and the like stand before the sound
_SHORTEST_FMT_BYTES = 16
_EXTENSIBLE_FMT_BYTES = 40

_INTEGER, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_ENCODINGS = {
    (_INTEGER, 8): Encoding.U8,
    (_INTEGER, 16): Encoding.S16,
    (_INTEGER, 24): Encoding.S24,
    (_INTEGER, 32): Encoding.S32,
    (_FLOAT, 32): Encoding.F32,
    (_FLOAT, 64): Encoding.F64,
}


class PcmReader:
    """Takes bytes in pieces of any size and gives whole frames.

    Input that begins like a WAV file is read as one, and what begins like another kind of sound
    file is refused; all other input is raw.
    """

    def __init__(self, raw: PcmFormat) -> None:
        """Args: what raw bytes mean."""
        self._raw = raw
        self.format: PcmFormat | None = None
        """What the bytes mean; ``None`` until enough of them were seen."""
        self._pending = b""
        self._left_bytes: int | None = None  # of the WAV file's sound; None: no end known

    @property
    def complete(self) -> bool:
        """Whether a WAV file told its length and all of it has come."""
        return self._left_bytes == 0

    def feed(self, data: bytes) -> FloatArray:
        """Frames that became whole, shape ``(frames, channels)``, full scale at 1.0.

        Raises:
            CaptureError: a WAV header that is broken or tells of a format we do not read, or
                another kind of sound file.
        """
        self._pending += data
        if self.format is None:
            self.format = self._detect()
            if self.format is None:
                return np.zeros((0, 1), np.float32)
        size = len(self._pending)
        if self._left_bytes is not None:
            size = min(size, self._left_bytes)
        frame_bytes = self.format.frame_bytes
        size -= size % frame_bytes
        whole, self._pending = self._pending[:size], self._pending[size:]
        if self._left_bytes is not None:
            self._left_bytes -= size
            if self._left_bytes < frame_bytes:  # the rest of a torn frame is no sound
                self._left_bytes = 0
        return _decode(whole, self.format)

    def _detect(self) -> PcmFormat | None:
        if undecided(self._pending):
            return None
        kind = recognised(self._pending)
        if kind in {WAV, RF64, RIFF}:
            return self._wav()
        if kind is BIG_ENDIAN_WAV:
            raise CaptureError(
                "WAV header: big-endian (RIFX) is not read; send RIFF (little-endian)"
            )
        if kind is not None:
            raise CaptureError(
                f"what comes begins like {kind.name}, which is not read from a pipe; name the file "
                "itself, or send WAV: "
                "ffmpeg -loglevel error -i FILE -f wav - | kikimimi run --source -"
            )
        return self._raw

    def _wav(self) -> PcmFormat | None:
        """Read the chunks up to ``data``; ``None`` while the header is not whole."""
        if len(self._pending) > _MOST_HEADER_BYTES:
            raise CaptureError("WAV header: no sound within the first 1 MiB; send a plain WAV")
        position = 12
        if len(self._pending) >= position and self._pending[8:position] != b"WAVE":
            raise CaptureError("RIFF header: not of a WAV file; send WAV or raw samples")
        found: PcmFormat | None = None
        while len(self._pending) >= position + 8:
            name, size = struct.unpack_from("<4sI", self._pending, position)
            position += 8
            if name == b"data":
                if found is None:
                    raise CaptureError("WAV header: 'data' before 'fmt '; send a plain WAV")
                self._left_bytes = None if size == 0 or size >= ENDLESS_BYTES else size
                self._pending = self._pending[position:]
                return found
            if size > _MOST_HEADER_BYTES:
                raise CaptureError(f"WAV header: chunk {name!r} of {size} bytes; send a plain WAV")
            if name == b"fmt ":
                if len(self._pending) < position + size:
                    return None
                found = _wav_format(self._pending[position : position + size])
            position += size + size % 2
        return None


def _wav_format(chunk: bytes) -> PcmFormat:
    if len(chunk) < _SHORTEST_FMT_BYTES:
        raise CaptureError(f"WAV header: 'fmt ' of {len(chunk)} bytes; send a plain WAV")
    tag, channels, rate_hz, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) >= _EXTENSIBLE_FMT_BYTES:
        (tag,) = struct.unpack_from("<H", chunk, 24)
    encoding = _ENCODINGS.get((tag, bits))
    if encoding is None:
        raise CaptureError(
            f"WAV header: encoding {tag} with {bits} bits is not read; send PCM of 8, 16, 24 or "
            "32 bits, or float"
        )
    if not 1 <= channels <= MOST_CHANNELS:
        raise CaptureError(f"WAV header: {channels} channels; send 1 to {MOST_CHANNELS}")
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise CaptureError(
            f"WAV header: {rate_hz} Hz; send {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz"
        )
    form = PcmFormat(encoding, rate_hz, channels)
    if frame_bytes != form.frame_bytes:
        raise CaptureError(
            f"WAV header: frames of {frame_bytes} bytes, but {channels} channels of {bits} bits "
            f"make {form.frame_bytes}; send a plain WAV"
        )
    return form


def _decode(data: bytes, form: PcmFormat) -> FloatArray:
    match form.encoding:
        case Encoding.U8:
            samples = (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / 128.0
        case Encoding.S16:
            samples = np.frombuffer(data, "<i2").astype(np.float32) / 2.0**15
        case Encoding.S24:
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            samples = (wide.reshape(-1).view("<i4") / 2.0**31).astype(np.float32)
        case Encoding.S32:
            samples = (np.frombuffer(data, "<i4") / 2.0**31).astype(np.float32)
        case Encoding.F32:
            samples = np.frombuffer(data, "<f4").astype(np.float32)
        case Encoding.F64:
            # What float32 cannot hold becomes infinite, and is counted as such further on.
            with np.errstate(over="ignore", invalid="ignore"):
                samples = np.frombuffer(data, "<f8").astype(np.float32)
    return samples.reshape(-1, form.channels)
