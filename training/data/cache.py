"""Log-mels of recordings, decoded once: training never waits for a decoder."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from agent.capture.audiofile import read_audio
from agent.core import files
from agent.core.errors import AudioFileError, reason
from agent.core.records import FloatArray
from training.data.frontend import LogMel
from training.data.progress import shown
from training.data.records import Recording


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A recording that is left out, and why."""

    recording: str
    reason: str


class LogMelCache:
    """A folder of arrays, each named by the sound's content and the frontend's constants."""

    def __init__(self, folder: Path, data: Path) -> None:
        """Use a folder.

        Args:
            folder: of the arrays; made if missing, and may be deleted at any time.
            data: what the recordings' paths are relative to.
        """
        self._folder = folder
        self._data = data
        self._frontend = LogMel()
        folder.mkdir(parents=True, exist_ok=True)

    def load(
        self, recordings: Iterable[Recording]
    ) -> Iterator[tuple[Recording, FloatArray | Unreadable]]:
        """Each recording with its log-mel, float32 ``(n_mels, n_frames)``, or what is wrong."""
        for recording in recordings:
            try:
                yield recording, self.log_mel(self._data / recording.path)
            except AudioFileError as error:
                yield recording, Unreadable(recording.id, str(error))

    def read(
        self, recordings: Sequence[Recording], *, quiet: bool = False
    ) -> tuple[dict[str, FloatArray], tuple[Unreadable, ...]]:
        """Log-mels by id, and what could not be read; that is told unless ``quiet``."""
        log_mels: dict[str, FloatArray] = {}
        unread: list[Unreadable] = []
        bar = shown(self.load(recordings), "reading recordings", len(recordings), visible=not quiet)
        for recording, found in bar:
            if isinstance(found, Unreadable):
                unread.append(found)
            else:
                log_mels[recording.id] = found
        told = [f"{lost.recording}: {lost.reason}" for lost in unread]
        told += [f"{len(unread)} of {len(recordings)} recordings"] if unread else []
        for line in () if quiet else told:
            print(f"left out: {line}", file=sys.stderr)
        return log_mels, tuple(unread)

    def log_mel(self, path: Path) -> FloatArray:
        """Normalised log-mel of one sound file.

        Raises:
            AudioFileError: the file is missing or cannot be decoded.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise AudioFileError(f"{path}: {reason(error)}") from error
        identity = f"{self._frontend.constants}".encode()
        cached = self._folder / f"{hashlib.sha256(identity + content).hexdigest()}.npy"
        if cached.is_file():
            stored: FloatArray = np.load(cached)
            return stored
        samples = read_audio(path, self._frontend.constants.sample_rate_hz)
        with torch.inference_mode():
            log_mel: FloatArray = self._frontend(torch.from_numpy(samples)[None])[0].numpy()
        # Whoever is killed while writing leaves no half array behind.
        with files.replacing(cached) as file:
            np.save(file, log_mel)
        return log_mel
