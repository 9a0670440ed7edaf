"""Sound files as mono float32 at the bundle's sample rate (soxr).

Whatever :mod:`agent.capture.soundfiles` decodes, in any depth, rate and number of channels. A file
that holds less than it promises is refused: a score of half a recording would pass for a score of
the whole.
"""

from __future__ import annotations

import io
import logging
import os
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr

from agent.capture.mixdown import Mixdown
from agent.capture.soundfiles.opening import open_sound
from agent.core.errors import AudioFileError, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path
    from typing import BinaryIO, TypeAlias

    import numpy.typing as npt

    from agent.capture.soundfiles.decoder import Decoder
    from agent.core.records import FloatArray

    Pcm: TypeAlias = npt.NDArray[np.int16]
    """Mono samples of sixteen bits, shape ``(samples,)``."""

# 120 dB over full scale: bytes that were taken for samples, of which the resampler's sums would
# become infinite.
_ABSURD = 1e6

SHORTEST_S = 0.025
"""Of less, nothing can be heard: it does not fill one window of the log-mel frontend (800 samples
at 32 kHz), so that every frame is mirrored or filled up with zeros.

Measured on the loudest parts of 24 recordings of ESC-50: cut down to 20 ms, any two of them are
one embedding (cosine 1.00), whatever they are. Longer pieces get their own only slowly (0.95 at
0.1 s, 0.82 at 0.3 s), but impacts of 76 ms are kept as recordings of their own.
"""

_log = logging.getLogger(__name__)


def log_remark(text: str) -> None:
    """Take note of what is odd about a file that is read all the same."""
    _log.info("sound_file_remark", extra={"remark": text})


def read_audio(
    path: Path,
    sample_rate_hz: int,
    *,
    mixdown: Mixdown | None = None,
    remark: Callable[[str], None] = log_remark,
) -> FloatArray:
    """Read a whole sound file.

    Args:
        path: of the file.
        sample_rate_hz: to resample to.
        mixdown: chooses and mixes the channels, and knows what is wrong with them; one of all
            channels if ``None``.
        remark: told, in a line, what is odd about a file that is read all the same.

    Returns:
        Mean of the channels, or the best of them, float32, full scale at 1.0, shape
        ``(samples,)``.

    Raises:
        AudioFileError: the file is missing, unreadable, empty, cut short, no sound file, shorter
            than :data:`SHORTEST_S`, lacks a channel that was chosen, or holds samples that are
            not numbers; or ffmpeg, which would read it, is missing.
    """
    blocks = iter_audio(path, sample_rate_hz, 10 * sample_rate_hz, mixdown=mixdown, remark=remark)
    return np.concatenate(list(blocks))


def iter_audio(
    path: Path,
    sample_rate_hz: int,
    block_samples: int,
    *,
    mixdown: Mixdown | None = None,
    remark: Callable[[str], None] = log_remark,
) -> Generator[FloatArray]:
    """Read a sound file in blocks, holding no more than a block of it.

    Args:
        path: of the file.
        sample_rate_hz: to resample to.
        block_samples: samples of a block, at ``sample_rate_hz``.
        mixdown: as of :func:`read_audio`.
        remark: likewise.

    Yields:
        Blocks of :func:`read_audio`'s result, shape ``(block_samples,)``; the last may be
        shorter, none is empty, and there is at least one.

    Raises:
        AudioFileError: as :func:`read_audio`, as soon as it is found.
    """
    pending: list[FloatArray] = []
    held = given = 0
    shortest = round(SHORTEST_S * sample_rate_hz)
    for chunk in _resampled(path, sample_rate_hz, mixdown or Mixdown(), remark):
        pending.append(chunk)
        held += len(chunk)
        if held < block_samples or given + held < shortest:
            continue
        joined = np.concatenate(pending)
        whole = held - held % block_samples
        yield from np.split(joined[:whole], whole // block_samples)
        pending = [joined[whole:]]
        held -= whole
        given += whole
    if given + held < shortest:
        raise AudioFileError(
            f"{path}: lasts {held / sample_rate_hz:.3f} s, too short to be heard; "
            f"name a sound of {SHORTEST_S:g} s or more"
        )
    joined = np.concatenate(pending)
    yield from (joined[at : at + block_samples] for at in range(0, held, block_samples))


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
    # By its bytes: soundfile encodes a name as UTF-8, which not every name can be.
    file = os.fsencode(target) if isinstance(target, os.PathLike) else target
    try:
        soundfile.write(file, samples, sample_rate_hz, subtype="PCM_16", format="FLAC")
    except (OSError, soundfile.LibsndfileError) as error:
        found = getattr(error, "error_string", "") or reason(error)
        raise AudioFileError(f"cannot write a FLAC ({found}); free the disk") from error


def to_flac(pcm: Pcm, sample_rate_hz: int) -> bytes:
    """Samples as a FLAC in memory, at the encoder's fastest.

    A level higher would take a fiftieth off the size of a hall's noise. Low bits that are zero
    in all samples of a block take no room.

    Raises:
        AudioFileError: libsndfile fails.
    """
    file = io.BytesIO()
    try:
        with soundfile.SoundFile(
            file, "w", sample_rate_hz, 1, "PCM_16", format="FLAC", compression_level=0.0
        ) as flac:
            flac.write(pcm)
    except soundfile.LibsndfileError as error:
        raise AudioFileError(f"cannot compress sound ({error.error_string})") from error
    return file.getvalue()


def from_flac(data: bytes) -> Pcm:
    """What :func:`to_flac` was given.

    Raises:
        AudioFileError: it is damaged.
    """
    try:
        pcm, _ = soundfile.read(io.BytesIO(data), dtype="int16")
    except soundfile.LibsndfileError as error:
        raise AudioFileError(f"cannot read compressed sound ({error.error_string})") from error
    samples: Pcm = pcm
    return samples


def _resampled(
    path: Path, sample_rate_hz: int, mixdown: Mixdown, remark: Callable[[str], None]
) -> Iterator[FloatArray]:
    with closing(open_sound(path, remark)) as file:
        mono = _mono(path, file, mixdown)
        if file.rate_hz == sample_rate_hz:
            yield from mono
            return
        # HQ: 20-bit precision, pass band to 0.913 of Nyquist, linear phase.
        stream = soxr.ResampleStream(file.rate_hz, sample_rate_hz, 1, dtype="float32", quality="HQ")
        for chunk in mono:
            yield stream.resample_chunk(chunk)
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _mono(path: Path, file: Decoder, mixdown: Mixdown) -> Iterator[FloatArray]:
    """The channels mixed, chunk by chunk, at the file's rate."""
    mixdown.begin(file.rate_hz)
    for mono in mixdown.recording(_chosen(path, file, mixdown)):
        yield np.ascontiguousarray(mono)


def _chosen(path: Path, file: Decoder, mixdown: Mixdown) -> Iterator[FloatArray]:
    """The chosen channels, chunk by chunk, ``(frames, channels)``; every sample is a number."""
    done = 0
    chunks = file.frames()
    for frames in chunks:
        if trouble := mixdown.missing(frames.shape[1]):
            raise AudioFileError(f"{path}: {trouble}")
        chosen = mixdown.chosen(frames)
        if not _sane(chosen).all():
            raise _not_numbers(path, file, chosen, done, map(mixdown.chosen, chunks))
        done += len(frames)
        yield chosen


def _sane(frames: FloatArray) -> npt.NDArray[np.bool_]:
    """Where samples are numbers, and not beyond all measure."""
    sane: npt.NDArray[np.bool_] = np.abs(frames) <= _ABSURD  # false for NaN, too
    return sane


def _not_numbers(
    path: Path, file: Decoder, frames: FloatArray, before: int, following: Iterator[FloatArray]
) -> AudioFileError:
    """Say where the first NaN or infinity is, and count them to the end of the file."""
    good = _sane(frames).all(axis=1)
    first_s = (before + int(np.argmin(good))) / file.rate_hz
    count, total = int(np.count_nonzero(~good)), before + len(frames)
    for rest in following:
        count += int(np.count_nonzero(~_sane(rest).all(axis=1)))
        total += len(rest)
    return AudioFileError(
        f"{path}: {count} of {total} samples are not numbers (NaN or infinity), the first "
        f"at {first_s:.3f} s; write the file again"
    )
