"""Sound files as mono float32 at the bundle's sample rate (soxr).

Whatever :mod:`agent.soundfiles` decodes, in any depth, rate and number of channels. A file that
holds less than it promises is refused: a score of half a recording would pass for a score of the
whole.
"""

from __future__ import annotations

import logging
import os
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr

from agent.errors import AudioFileError
from agent.soundfiles.opening import open_sound

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from agent.records import FloatArray
    from agent.soundfiles.decoder import Decoder

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
    path: Path, sample_rate_hz: int, *, remark: Callable[[str], None] = log_remark
) -> FloatArray:
    """Read a whole sound file.

    Args:
        path: of the file.
        sample_rate_hz: to resample to.
        remark: told, in a line, what is odd about a file that is read all the same.

    Returns:
        Mean of the channels, float32, full scale at 1.0, shape ``(samples,)``.

    Raises:
        AudioFileError: the file is missing, unreadable, empty, cut short, no sound file, shorter
            than :data:`SHORTEST_S`, or holds samples that are not numbers; or ffmpeg, which
            would read it, is missing.
    """
    blocks = iter_audio(path, sample_rate_hz, 10 * sample_rate_hz, remark=remark)
    return np.concatenate(list(blocks))


def iter_audio(
    path: Path,
    sample_rate_hz: int,
    block_samples: int,
    *,
    remark: Callable[[str], None] = log_remark,
) -> Generator[FloatArray]:
    """Read a sound file in blocks, holding no more than a block of it.

    Args:
        path: of the file.
        sample_rate_hz: to resample to.
        block_samples: samples of a block, at ``sample_rate_hz``.
        remark: as of :func:`read_audio`.

    Yields:
        Blocks of :func:`read_audio`'s result, shape ``(block_samples,)``; the last may be
        shorter, none is empty, and there is at least one.

    Raises:
        AudioFileError: as :func:`read_audio`, as soon as it is found.
    """
    pending: list[FloatArray] = []
    held = given = 0
    shortest = round(SHORTEST_S * sample_rate_hz)
    for chunk in _resampled(path, sample_rate_hz, remark):
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
        reason = getattr(error, "strerror", None) or getattr(error, "error_string", str(error))
        raise AudioFileError(f"cannot write a FLAC ({reason}); free the disk") from error


def _resampled(
    path: Path, sample_rate_hz: int, remark: Callable[[str], None]
) -> Iterator[FloatArray]:
    with closing(open_sound(path, remark)) as file:
        if file.rate_hz == sample_rate_hz:
            yield from _mono(path, file)
            return
        # HQ: 20-bit precision, pass band to 0.913 of Nyquist, linear phase.
        stream = soxr.ResampleStream(file.rate_hz, sample_rate_hz, 1, dtype="float32", quality="HQ")
        for chunk in _mono(path, file):
            yield stream.resample_chunk(chunk)
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _mono(path: Path, file: Decoder) -> Iterator[FloatArray]:
    """Mean of the channels, chunk by chunk, at the file's rate."""
    done = 0
    chunks = file.frames()
    for frames in chunks:
        mono = _mixed(frames)
        if not np.isfinite(mono).all():
            raise _not_numbers(path, file, mono, done, chunks)
        done += len(mono)
        yield np.ascontiguousarray(mono)


def _mixed(frames: FloatArray) -> FloatArray:
    """Mean of the channels; what is beyond all measure counts as infinite."""
    if frames.shape[1] == 1:
        mono: FloatArray = frames[:, 0]
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            mono = frames.mean(axis=1, dtype=np.float32)
    absurd = np.abs(mono) > _ABSURD
    return np.where(absurd, np.float32(np.inf), mono) if absurd.any() else mono


def _not_numbers(
    path: Path, file: Decoder, mono: FloatArray, before: int, following: Iterator[FloatArray]
) -> AudioFileError:
    """Say where the first NaN or infinity is, and count them to the end of the file."""
    first_s = (before + int(np.argmin(np.isfinite(mono)))) / file.rate_hz
    count, total = int(np.count_nonzero(~np.isfinite(mono))), before + len(mono)
    for rest in following:
        count += int(np.count_nonzero(~np.isfinite(_mixed(rest))))
        total += len(rest)
    return AudioFileError(
        f"{path}: {count} of {total} samples are not numbers (NaN or infinity), the first "
        f"at {first_s:.3f} s; write the file again"
    )
