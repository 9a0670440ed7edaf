"""Sound files as mono float32 at the bundle's sample rate (libsndfile, soxr).

WAV, FLAC, Ogg, MP3 and whatever else libsndfile reads, in any depth, rate and number of
channels. A file that holds less than it promises is refused: a score of half a recording would
pass for a score of the whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr

from agent.errors import AudioFileError
from agent.mixdown import Mixdown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    import numpy.typing as npt

    from agent.records import FloatArray

# Values decoded at once: bounds the memory whatever the number of channels.
_CHUNK_VALUES = 1 << 15

# Outside of these a header is broken, and resampling would make gigabytes out of bytes.
_LOWEST_RATE_HZ = 1_000
_HIGHEST_RATE_HZ = 768_000

# 120 dB over full scale: bytes that were taken for samples, of which the resampler's sums would
# become infinite.
_ABSURD = 1e6

# libsndfile trims the length of a cut file to what is there, and tells only in its log: the
# sizes of WAV, AIFF, W64 and RF64 chunks, and the missing end of an Ogg stream.
_TRIMMED = re.compile(r"^\s*(data|SSND|riff|Riff size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
_NO_OGG_END = "Last page lacks an end-of-stream bit"

# In an MP3's first frame: tells the number of frames. Without one libsndfile guesses from the
# bit rate of that frame, and a file of variable rate loses its end.
_MP3_LENGTH = re.compile(rb"Xing|Info")
_MP3_FIRST_FRAME_BYTES = 2_048
_ID3_HEADER_BYTES = 10

# Written by programs that pipe a WAV and cannot know its length.
_UNKNOWN_WAV_BYTES = 0x7FFF_0000


def read_audio(path: Path, sample_rate_hz: int, mixdown: Mixdown | None = None) -> FloatArray:
    """Read a whole sound file.

    Args:
        path: of the file.
        sample_rate_hz: to resample to.
        mixdown: chooses and mixes the channels, and tells what is wrong with them; one of all
            channels if ``None``.

    Returns:
        Mean of the channels, or the best of them, float32, full scale at 1.0, shape
        ``(samples,)``.

    Raises:
        AudioFileError: the file is missing, unreadable, empty, cut short, no sound file, lacks
            a channel that was chosen, or holds samples that are not numbers.
    """
    blocks = iter_audio(path, sample_rate_hz, 10 * sample_rate_hz, mixdown)
    return np.concatenate(list(blocks))


def iter_audio(
    path: Path, sample_rate_hz: int, block_samples: int, mixdown: Mixdown | None = None
) -> Iterator[FloatArray]:
    """Read a sound file in blocks, holding no more than a block of it.

    Of several channels the first ten seconds are held as well, at most 8 MiB.

    Args:
        path: of the file.
        sample_rate_hz: to resample to.
        block_samples: samples of a block, at ``sample_rate_hz``.
        mixdown: as in :func:`read_audio`.

    Yields:
        Blocks of :func:`read_audio`'s result, shape ``(block_samples,)``; the last may be
        shorter, none is empty, and there is at least one.

    Raises:
        AudioFileError: as :func:`read_audio`, as soon as it is found.
    """
    pending: list[FloatArray] = []
    held = given = 0
    for chunk in _resampled(path, sample_rate_hz, mixdown or Mixdown()):
        pending.append(chunk)
        held += len(chunk)
        if held < block_samples:
            continue
        joined = np.concatenate(pending)
        whole = held - held % block_samples
        yield from np.split(joined[:whole], whole // block_samples)
        pending = [joined[whole:]]
        held -= whole
        given += whole
    if held:
        yield np.concatenate(pending)
    elif given == 0:
        raise AudioFileError(f"{path}: holds less than one sample; name a file that holds sound")


def resampled(samples: FloatArray, from_hz: int, to_hz: int) -> FloatArray:
    """Mono samples at another rate, as float32, shape ``(samples,)``."""
    if from_hz == to_hz:
        return np.ascontiguousarray(samples, np.float32)
    return np.asarray(soxr.resample(samples, from_hz, to_hz, quality="HQ"), np.float32)


def write_flac(target: Path | BinaryIO, samples: FloatArray, sample_rate_hz: int) -> None:
    """Write mono samples as 16-bit FLAC; what is over full scale is clipped.

    Args:
        target: a path, or an open binary file that can seek.
        samples: full scale at 1.0, shape ``(samples,)``.
        sample_rate_hz: of them.

    Raises:
        AudioFileError: it cannot be written (full disk, read-only).
    """
    try:
        soundfile.write(target, samples, sample_rate_hz, subtype="PCM_16", format="FLAC")
    except (OSError, soundfile.LibsndfileError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "error_string", str(error))
        raise AudioFileError(f"cannot write a FLAC ({reason}); free the disk") from error


def _resampled(path: Path, sample_rate_hz: int, mixdown: Mixdown) -> Iterator[FloatArray]:
    with _open(path) as file:
        rate_hz = file.samplerate
        mono = _mono(path, file, mixdown)
        if rate_hz == sample_rate_hz:
            yield from mono
            return
        # HQ: 20-bit precision, pass band to 0.913 of Nyquist, linear phase.
        stream = soxr.ResampleStream(rate_hz, sample_rate_hz, 1, dtype="float32", quality="HQ")
        for chunk in mono:
            yield stream.resample_chunk(chunk)
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _open(path: Path) -> soundfile.SoundFile:
    """Open a file and refuse one whose header already tells of trouble."""
    try:
        size_bytes = path.stat().st_size
        if not path.is_file():
            raise AudioFileError(f"{path}: not a file; name a sound file")
        with path.open("rb"):
            pass
    except AudioFileError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioFileError(f"{path}: {reason}; name a sound file that can be read") from error
    if size_bytes == 0:
        raise AudioFileError(f"{path}: an empty file (0 bytes); name a file that holds sound")
    try:
        file = soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip().rstrip(".")
        raise AudioFileError(
            f"{path}: no sound file that can be read ({reason}); convert it to WAV or FLAC"
        ) from error
    except TypeError as error:  # a headless format, which soundfile tells by the file's ending
        raise AudioFileError(
            f"{path}: raw samples without a header; convert it to WAV or FLAC"
        ) from error
    try:
        _check_header(path, file)
    except AudioFileError:
        file.close()
        raise
    return file


def _check_header(path: Path, file: soundfile.SoundFile) -> None:
    rate_hz = file.samplerate
    if not _LOWEST_RATE_HZ <= rate_hz <= _HIGHEST_RATE_HZ:
        raise AudioFileError(
            f"{path}: a sample rate of {rate_hz} Hz; "
            f"convert it to one of {_LOWEST_RATE_HZ} to {_HIGHEST_RATE_HZ} Hz"
        )
    if file.frames == 0:
        raise AudioFileError(f"{path}: holds no sound (0 samples); name a file that holds sound")
    log = file.extra_info
    if trimmed := _TRIMMED.search(log):
        chunk, promised, found = trimmed[1], int(trimmed[2]), int(trimmed[3])
        piped = chunk == "data" and promised >= _UNKNOWN_WAV_BYTES
        if found < promised and not piped:
            there_s = file.frames / rate_hz
            raise _cut_short(path, there_s, there_s * promised / found)
    if _NO_OGG_END in log:
        raise _cut_short(path, file.frames / rate_hz, None)
    if file.format == "MP3" and not _tells_length(path):
        raise AudioFileError(
            f"{path}: an MP3 that does not tell its length (no Xing or Info header); "
            "convert it to WAV or FLAC"
        )


def _tells_length(path: Path) -> bool:
    """Whether an MP3's first frame, after an ID3v2 tag if any, tells the number of frames."""
    with path.open("rb") as file:
        start = file.read(_ID3_HEADER_BYTES)
        tag_bytes = 0
        if start.startswith(b"ID3"):
            for byte in start[6:]:  # seven bits a byte
                tag_bytes = tag_bytes << 7 | byte & 0x7F
            tag_bytes += _ID3_HEADER_BYTES
        file.seek(tag_bytes)
        return _MP3_LENGTH.search(file.read(_MP3_FIRST_FRAME_BYTES)) is not None


def _mono(path: Path, file: soundfile.SoundFile, mixdown: Mixdown) -> Iterator[FloatArray]:
    """The channels mixed, chunk by chunk, as the file has it."""
    if trouble := mixdown.missing(file.channels):
        raise AudioFileError(f"{path}: {trouble}")
    mixdown.begin(file.samplerate)
    for mono in mixdown.recording(_frames(path, file, mixdown)):
        yield np.ascontiguousarray(mono)


def _frames(path: Path, file: soundfile.SoundFile, mixdown: Mixdown) -> Iterator[FloatArray]:
    """The chosen channels, chunk by chunk, ``(frames, channels)``; every sample is a number."""
    promised, rate_hz = file.frames, file.samplerate
    chunk_frames = max(1, _CHUNK_VALUES // file.channels)
    done = 0
    while done < promised:
        try:
            frames = file.read(chunk_frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise _cut_short(path, done / rate_hz, promised / rate_hz) from error
        if len(frames) == 0:
            raise _cut_short(path, done / rate_hz, promised / rate_hz)
        chosen = mixdown.chosen(frames)
        if not _sane(chosen).all():
            raise _not_numbers(path, file, mixdown, chosen, done)
        done += len(frames)
        yield chosen


def _sane(frames: FloatArray) -> npt.NDArray[np.bool_]:
    """Where samples are numbers, and not beyond all measure."""
    sane: npt.NDArray[np.bool_] = np.abs(frames) <= _ABSURD  # false for NaN, too
    return sane


def _cut_short(path: Path, there_s: float, promised_s: float | None) -> AudioFileError:
    whole = "its end is missing" if promised_s is None else f"its header says {promised_s:.2f} s"
    return AudioFileError(
        f"{path}: cut short: {there_s:.2f} s are there, but {whole}; copy or record it again"
    )


def _not_numbers(
    path: Path, file: soundfile.SoundFile, mixdown: Mixdown, frames: FloatArray, before: int
) -> AudioFileError:
    """Say where the first NaN or infinity is, and count them to the end of the file."""
    good = _sane(frames).all(axis=1)
    first_s = (before + int(np.argmin(good))) / file.samplerate
    count = int(np.count_nonzero(~good))
    for rest in file.blocks(_CHUNK_VALUES // file.channels + 1, dtype="float32", always_2d=True):
        count += int(np.count_nonzero(~_sane(mixdown.chosen(rest)).all(axis=1)))
    return AudioFileError(
        f"{path}: {count} of {file.frames} samples are not numbers (NaN or infinity), the first "
        f"at {first_s:.3f} s; write the file again"
    )
