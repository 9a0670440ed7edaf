"""The bundle: the only thing that crosses from training to the box.

A folder of files that one manifest names, each with its SHA-256. Everything in it is data;
nothing is unpickled, and a file that is not in the manifest is not opened.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agent.bundle.manifest import BACKGROUND, FOREGROUND, FRONTEND, MANIFEST, FileEntry, Manifest
from agent.core.errors import BundleError, failing_as
from agent.core.records import FloatArray, Views

DEFAULT = Path(__file__).parent / "default"

_HASH_CHUNK_BYTES = 1 << 20
_ARCHITECTURES = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "aarch64": "aarch64",
    "arm64": "aarch64",
}
"""Of the manifest's variants, by the machine's name."""
_REFERENCE = "float32"
"""How metrics call the reference."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files were found and whose hashes were checked."""

    folder: Path
    manifest: Manifest
    sha256: str
    """Of the manifest, and through it of every file."""
    tower: str | None = None
    """File of the audio tower that was chosen; that of the architecture if ``None``."""

    @property
    def digest(self) -> str:
        """Identity of the bundle as it is written into alerts, ``sha256:…``."""
        return f"sha256:{self.sha256}"

    @property
    def title(self) -> str:
        """Name and version, for people."""
        return f"{self.manifest.name} {self.manifest.version}"

    @property
    def audio_tower(self) -> Path:
        """The audio tower for the processor of this machine."""
        return self.folder / (self.tower or self._own_tower or self.manifest.variants.reference)

    @property
    def towers(self) -> tuple[str, ...]:
        """Files of the towers that this machine may run, the reference first.

        One that was made for its architecture is not among them where it loses more of what words
        find than the manifest allows.
        """
        reference, own = self.manifest.variants.reference, self._own_tower
        if own in (None, reference) or self._lost() > self.manifest.tuning.most_lost:
            return (reference,)
        return reference, own

    def _lost(self) -> float:
        """The most that the architecture's tower loses of any figure of words."""
        architecture = self._architecture or ""
        figures = {
            (one.name, one.dataset, one.language, one.variant): one.value
            for one in self.manifest.metrics
            if one.language in self.manifest.text.languages
        }
        losses = (
            value - figures[name, dataset, language, architecture]
            for (name, dataset, language, variant), value in figures.items()
            if variant == _REFERENCE and (name, dataset, language, architecture) in figures
        )
        return max(losses, default=0.0)

    @property
    def has_own_tower(self) -> bool:
        """Whether one was made for this processor; the reference runs on every one, but slowly."""
        return self._own_tower is not None

    @property
    def _architecture(self) -> str | None:
        return _ARCHITECTURES.get(platform.machine().lower())

    @property
    def _own_tower(self) -> str | None:
        variants = self.manifest.variants
        by_name = {"x86_64": variants.x86_64, "aarch64": variants.aarch64}
        return by_name.get(self._architecture or "")

    def path(self, name: str) -> Path:
        """Where a file of the bundle is.

        Raises:
            BundleError: the manifest does not name the file.
        """
        if name not in self.manifest.files:
            message = f"{self.folder}: {name} is not among its files; export the bundle again"
            raise BundleError(message)
        return self.folder / name

    def frontend_arrays(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Mel filters ``(n_mels, n_fft // 2 + 1)`` and the window ``(win_length,)``, float64."""
        constants = self.manifest.frontend
        filters = self._array(FRONTEND, "mel_filters", (constants.n_mels, constants.n_fft // 2 + 1))
        return filters.astype(np.float64), self._array(
            FRONTEND, "window", (constants.win_length,)
        ).astype(np.float64)

    def background(self) -> Views:
        """Views of ordinary background sound.

        Raises:
            BundleError: the file does not fit the manifest.
        """
        joint = self._array(BACKGROUND, "embeddings", (None, self.manifest.embedding_size))
        acoustic = self._array(BACKGROUND, "acoustic", (len(joint), self.manifest.acoustic_size))
        return Views(joint.astype(np.float32), acoustic.astype(np.float32))

    def foreground(self) -> FloatArray:
        """Joint views of sounds that stand out, of all kinds, ``(sounds, embedding_size)``.

        Raises:
            BundleError: the file does not fit the manifest.
        """
        shape = (None, self.manifest.embedding_size)
        return self._array(FOREGROUND, "embeddings", shape).astype(np.float32)

    def _array(self, file: str, name: str, shape: tuple[int | None, ...]) -> np.ndarray[Any, Any]:
        where = self.path(file)
        try:
            with np.load(where, allow_pickle=False) as archive:
                array = np.asarray(archive[name])
        except (OSError, ValueError, KeyError, EOFError) as error:
            message = f"{where}: cannot read {name} ({error}); install the bundle again"
            raise BundleError(message) from error
        fits = array.ndim == len(shape) and all(
            want in (None, have) for want, have in zip(shape, array.shape, strict=True)
        )
        if not fits or not np.issubdtype(array.dtype, np.floating):
            message = (
                f"{where}: {name} has shape {array.shape} and type {array.dtype}, "
                f"expected {shape}; install the bundle again"
            )
            raise BundleError(message)
        return array


def load(folder: Path | None = None) -> Bundle:
    """Open a bundle and check the hash of every file in it.

    Args:
        folder: the bundle; the default one that ships with the package if ``None``.

    Raises:
        BundleError: the folder, the manifest or a file is missing, damaged or does not match.
    """
    folder = DEFAULT if folder is None else folder
    where = folder / MANIFEST
    with failing_as(BundleError, where, "name a folder that holds a bundle"):
        raw = where.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"{where}: not UTF-8 ({error.reason}); install the bundle again"
        raise BundleError(message) from error
    manifest = Manifest.from_json(text, str(where))
    for name, entry in manifest.files.items():
        _verify(folder / name, entry)
    return Bundle(folder=folder, manifest=manifest, sha256=hashlib.sha256(raw).hexdigest())


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _verify(path: Path, entry: FileEntry) -> None:
    with failing_as(BundleError, path, "install the bundle again"):
        size = path.stat().st_size
        found = sha256_of(path) if size == entry.size_bytes else None
    if found is None:
        message = (
            f"{path}: {size} bytes, but the manifest says {entry.size_bytes}; "
            "install the bundle again"
        )
        raise BundleError(message)
    if found != entry.sha256:
        message = (
            f"{path}: its SHA-256 starts with {found[:12]}, but the manifest says "
            f"{entry.sha256[:12]}; install the bundle again"
        )
        raise BundleError(message)
