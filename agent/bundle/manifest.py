"""The schema of a bundle's ``manifest.json``: what may stand in it, and reading it with care."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

from agent.core.errors import BundleError

MANIFEST = "manifest.json"
SCHEMA = 1

FRONTEND = "frontend.npz"
TEXT_TOWER = "text.onnx"
TEXT_HEAD = "text_head.onnx"
TOKENIZER = "tokenizer.json"
BACKGROUND = "background.npz"
MODEL_CARD = "MODEL_CARD.md"

_REQUIRED_FILES = (FRONTEND, TEXT_TOWER, TEXT_HEAD, TOKENIZER, BACKGROUND)
_NESTED = {"frontend", "tuning", "text", "variants", "metrics", "attributions", "rebuild"}


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
        except ValueError as error:
            message = f"{where}: not valid JSON ({error}); export the bundle again"
            raise BundleError(message) from error
        schema = raw.get("schema") if isinstance(raw, dict) else None
        if schema != SCHEMA:
            message = (
                f"{where}: schema {schema!r} is not the schema {SCHEMA} that this agent reads; "
                "use a bundle exported for this version"
            )
            raise BundleError(message)
        read = _Reader(where)
        plain = read.fields(raw, cls, "manifest", nested=_NESTED | {"files"})
        files = raw["files"]
        if not isinstance(files, dict) or not files:
            message = f"{where}: files is not a table of names; export the bundle again"
            raise BundleError(message)
        for name in files:
            if Path(name).name != name or name in {"", ".", "..", MANIFEST}:
                message = f"{where}: file name {name!r} leaves the bundle; do not use this bundle"
                raise BundleError(message)
        manifest = cls(
            **plain,
            frontend=read.record(raw["frontend"], FrontendConstants, "frontend"),
            tuning=read.record(raw["tuning"], Tuning, "tuning"),
            text=read.record(raw["text"], TextSettings, "text"),
            variants=read.record(raw["variants"], Variants, "variants"),
            rebuild=read.record(raw["rebuild"], Rebuild, "rebuild"),
            files={
                name: read.record(entry, FileEntry, f"files.{name}")
                for name, entry in files.items()
            },
            metrics=read.records(raw["metrics"], Metric, "metrics"),
            attributions=read.records(raw["attributions"], Attribution, "attributions"),
        )
        manifest._check(where)
        return manifest

    def _check(self, where: str) -> None:
        """Refuse values that would only fail later, and less clearly."""
        for name in (*asdict(self.variants).values(), *_REQUIRED_FILES):
            if name not in self.files:
                message = f"{where}: {name} is not among its files; export the bundle again"
                raise BundleError(message)
        positive = {
            "embedding_size": self.embedding_size,
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


class _Reader:
    """Turns parsed JSON into the manifest's records, naming what does not fit."""

    _TYPES: ClassVar[dict[str, tuple[type, ...]]] = {
        "int": (int,),
        "float": (int, float),
        "str": (str,),
        "tuple[str, ...]": (list,),
    }

    def __init__(self, where: str) -> None:
        self._where = where

    def fields(
        self, raw: object, record: type[Any], field: str, nested: frozenset[str] | set[str]
    ) -> dict[str, Any]:
        """The plain fields of a record, checked; ``nested`` ones are only checked for presence."""
        if not isinstance(raw, dict):
            message = f"{self._where}: {field} is not a table; export the bundle again"
            raise BundleError(message)
        names = {f.name: str(f.type) for f in fields(record)}
        if unknown := sorted(raw.keys() - names.keys()):
            message = f"{self._where}: unknown field {field}.{unknown[0]}; export it again"
            raise BundleError(message)
        required = {f.name for f in fields(record) if f.default is MISSING}
        if missing := sorted(required - raw.keys()):
            message = f"{self._where}: field {field}.{missing[0]} is missing; export it again"
            raise BundleError(message)
        plain: dict[str, Any] = {}
        for name, value in raw.items():
            if name in nested:
                continue
            accepted = self._TYPES[names[name]]
            items_fit = not isinstance(value, list) or all(isinstance(i, str) for i in value)
            if not isinstance(value, accepted) or isinstance(value, bool) or not items_fit:
                message = (
                    f"{self._where}: {field}.{name} is {value!r}, expected {names[name]}; "
                    "export the bundle again"
                )
                raise BundleError(message)
            plain[name] = tuple(value) if isinstance(value, list) else value
        return plain

    def record(self, raw: object, record: type[Any], field: str) -> Any:
        """One nested record."""
        return record(**self.fields(raw, record, field, nested=frozenset()))

    def records(self, raw: object, record: type[Any], field: str) -> tuple[Any, ...]:
        """A list of nested records."""
        if not isinstance(raw, list):
            message = f"{self._where}: {field} is not a list; export the bundle again"
            raise BundleError(message)
        return tuple(self.record(item, record, f"{field}[{i}]") for i, item in enumerate(raw))
