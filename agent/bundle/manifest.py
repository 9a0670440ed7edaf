"""The schema of a bundle's ``manifest.json``: what may stand in it, and reading it with care."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from agent.config.record import record
from agent.core.errors import BundleError

MANIFEST = "manifest.json"
SCHEMA = 3

FRONTEND = "frontend.npz"
TEXT_TOWER = "text.onnx"
TEXT_HEAD = "text_head.onnx"
TOKENIZER = "tokenizer.json"
BACKGROUND = "background.npz"
FOREGROUND = "foreground.npz"
MODEL_CARD = "MODEL_CARD.md"

_REQUIRED_FILES = (FRONTEND, TEXT_TOWER, TEXT_HEAD, TOKENIZER, BACKGROUND, FOREGROUND)


@dataclass(frozen=True, slots=True)
class FrontendConstants:
    """The log-mel frontend that the audio tower was trained with (Kaldi mel bands)."""

    sample_rate_hz: int = 32_000
    preemphasis: float = 0.97
    n_fft: int = 1_024
    win_length: int = 800
    """Samples of the symmetric Hann window, centred in ``n_fft``."""
    hop_length: int = 320
    n_mels: int = 128
    f_min_hz: float = 0.0
    f_max_hz: float = 15_000.0
    log_offset: float = 1e-5
    """Added to the mel power before the natural logarithm."""
    shift: float = 4.5
    scale: float = 5.0
    """Normalised log-mel = (log-mel + ``shift``) / ``scale``."""

    @property
    def frame_rate_hz(self) -> float:
        """Frames a second."""
        return self.sample_rate_hz / self.hop_length


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of the bundle."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Variants:
    """File names of the audio tower, by the processor that runs it."""

    reference: str
    """Float32: what the others are measured against."""
    x86_64: str
    aarch64: str


@dataclass(frozen=True, slots=True)
class TextSettings:
    """How a text becomes the text tower's input."""

    prefix: str
    """Written before each text, as the text tower was trained (E5: ``query: ``)."""
    max_tokens: int
    languages: tuple[str, ...]
    """BCP 47 tags of the languages whose words the vocabulary keeps."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the model was tuned for, and the defaults that follow from it."""

    window_frames: int
    hop_frames: int
    threshold: float
    """Score that an uncalibrated description must reach (standard deviations)."""
    most_lost: float = 0.0125
    """Of any figure of words (a share of 1) that a quantized tower may lose against float32."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured figure and the command that measured it."""

    name: str
    dataset: str
    language: str
    variant: str
    value: float
    command: str


@dataclass(frozen=True, slots=True)
class Attribution:
    """A work that the bundle is made of, and what its licence asks for."""

    work: str
    author: str
    licence: str
    used_for: str


@dataclass(frozen=True, slots=True)
class Rebuild:
    """How to make this bundle again, and how near the result comes."""

    commands: tuple[str, ...]
    tolerance: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of ``manifest.json``."""

    schema: int
    name: str
    version: str
    frontend: FrontendConstants
    tuning: Tuning
    text: TextSettings
    embedding_size: int
    acoustic_size: int
    logit_scale: float
    variants: Variants
    files: dict[str, FileEntry]
    metrics: tuple[Metric, ...]
    attributions: tuple[Attribution, ...]
    rebuild: Rebuild

    def to_json(self) -> str:
        """The manifest as canonical text: sorted keys, two spaces, a closing newline."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> Self:
        """Read and validate a manifest.

        Raises:
            BundleError: it is not JSON, or a field is missing, unknown or of another type.
        """
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            message = f"{where}: not valid JSON ({error}); export the bundle again"
            raise BundleError(message) from error
        schema = raw.get("schema") if isinstance(raw, dict) else None
        if schema != SCHEMA:
            message = (
                f"{where}: schema {schema!r} is not the schema {SCHEMA} that this agent reads; "
                "use a bundle exported for this version"
            )
            raise BundleError(message)
        try:
            manifest = record(cls, raw)
        except ValueError as error:
            raise BundleError(f"{where}: {error}; export the bundle again") from error
        manifest.check(where)
        return manifest

    def check(self, where: str) -> None:
        """Refuse values that would only fail later, and less clearly.

        Raises:
            BundleError: a file is missing or lies elsewhere, or a number is not positive.
        """
        for name in self.files:
            if Path(name).name != name or name in {"", ".", "..", MANIFEST}:
                message = f"{where}: file name {name!r} leaves the bundle; do not use this bundle"
                raise BundleError(message)
        for name in (*asdict(self.variants).values(), *_REQUIRED_FILES):
            if name not in self.files:
                message = f"{where}: {name} is not among its files; export the bundle again"
                raise BundleError(message)
        positive = {
            "embedding_size": self.embedding_size,
            "acoustic_size": self.acoustic_size,
            "logit_scale": self.logit_scale,
            "tuning.window_frames": self.tuning.window_frames,
            "tuning.hop_frames": self.tuning.hop_frames,
            "frontend.hop_length": self.frontend.hop_length,
            "frontend.n_mels": self.frontend.n_mels,
            "frontend.sample_rate_hz": self.frontend.sample_rate_hz,
            "text.max_tokens": self.text.max_tokens,
        }
        for field, value in positive.items():
            if not value > 0:
                message = f"{where}: {field} is {value}, which is not positive; export it again"
                raise BundleError(message)
