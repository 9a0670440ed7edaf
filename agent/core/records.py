"""The frozen values that cross from one stage to the next.

Times are UTC seconds since the epoch (``*_at``), durations are seconds (``*_s``), positions
are sample indices at the bundle's sample rate. Arrays are owned by the record: a stage that
wants to change one copies it first.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FloatArray: TypeAlias = npt.NDArray[np.float32]


class Severity(StrEnum):
    """How bad the described error is, in the words of alarm management (ITU-T X.733)."""

    CRITICAL = "CRITICAL"
    MAJOR = "MAJOR"
    MINOR = "MINOR"
    WARNING = "WARNING"
    INDETERMINATE = "INDETERMINATE"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class SourceState(StrEnum):
    """What a source of sound is doing, as published on ``source/{source}/state``."""

    OK = "ok"
    SILENT = "silent"
    CLIPPED = "clipped"
    LOST = "lost"
    OVERRUN = "overrun"


class Step(StrEnum):
    """Where an alert is in its life, as published in ``event_type``."""

    NEW = "new"
    UPDATE = "update"
    END = "end"
    REVIEWED = "reviewed"


@dataclass(frozen=True, slots=True)
class Block:
    """What a source delivers at once: a run of samples without a gap."""

    source: str
    """Name of the source, as in the configuration."""
    index: int
    """Index of the first sample since the source started, at the bundle's sample rate.

    A block that does not follow on the one before (``index`` jumps) tells of lost sound.
    """
    captured_at: float
    """UTC time of the first sample, seconds since the epoch."""
    samples: FloatArray
    """Mono, float32, full scale at 1.0, shape ``(samples,)``."""


@dataclass(frozen=True, slots=True)
class Window:
    """One model input, cut out of the stream of frames."""

    source: str
    index: int
    """Index of the window's first sample."""
    captured_at: float
    """UTC time of the window's first sample, seconds since the epoch."""
    duration_s: float
    log_mel: FloatArray
    """Normalised log-mel, float32, shape ``(n_mels, n_frames)``."""

    @property
    def ends_at(self) -> float:
        """UTC time of the end of the window's last sample, seconds since the epoch."""
        return self.captured_at + self.duration_s


@dataclass(frozen=True, slots=True)
class Views:
    """What the audio tower makes of windows: each array holds a row for each window."""

    joint: FloatArray
    """In the space of texts and sounds: unit length, float32, shape ``(windows, dim)``."""
    acoustic: FloatArray
    """In that of recordings, where takes of one thing are near: likewise, its own ``dim``."""

    def __len__(self) -> int:
        return len(self.joint)

    def __getitem__(self, rows: slice | npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Views:
        """Those of some windows; of a slice in the same memory."""
        return Views(*(getattr(self, view.name)[rows] for view in fields(self)))

    def astype(self, dtype: type[np.float16 | np.float32]) -> Views:
        """The same in another precision."""
        return Views(*(getattr(self, view.name).astype(dtype) for view in fields(self)))

    @staticmethod
    def concatenate(parts: Sequence[Views]) -> Views:
        """Those of several groups of windows, at least one, in one."""
        names = [view.name for view in fields(Views)]
        return Views(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True, slots=True)
class Match:
    """One window compared with every description.

    The arrays are in the order of ``error_ids``.
    """

    source: str
    index: int
    captured_at: float
    duration_s: float
    error_ids: tuple[str, ...]
    cosine: FloatArray
    """Cosine of the description's best prototype, shape ``(descriptions,)``."""
    score: FloatArray
    """Margin over the best contrast, in standard deviations over other sounds, same shape."""

    def scores(self) -> Mapping[str, float]:
        """Scores by error id."""
        return dict(zip(self.error_ids, self.score.tolist(), strict=True))

    def cosines(self) -> Mapping[str, float]:
        """Cosines by error id."""
        return dict(zip(self.error_ids, self.cosine.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another description that alarmed on the sound of a detection."""

    error_id: str
    score: float
    """Highest so far, in standard deviations over other sounds, as is ``threshold``."""
    threshold: float
    description: str = ""
    """The operator's own words; empty until it is an alert's."""

    @property
    def excess(self) -> float:
        """How far its score lies over its threshold: how well it explains the sound."""
        return self.score - self.threshold


@dataclass(frozen=True, slots=True)
class Detection:
    """A change of state of one description at one source: an event starts, grows or ends."""

    source: str
    error_id: str
    step: Step
    starts_at: float
    """UTC start of the first window that counted, seconds since the epoch."""
    peaks_at: float
    """UTC start of the window with the highest score so far, seconds since the epoch."""
    ends_at: float
    """UTC end of the last window that counted, seconds since the epoch."""
    score: float
    """Highest score so far."""
    threshold: float
    hits: int
    """Windows at or over the threshold among the last ``windows``."""
    windows: int
    candidates: tuple[Candidate, ...] = ()
    """What else the sound may be, the best explained first."""

    @property
    def excess(self) -> float:
        """How far its score lies over its threshold: how well it explains the sound."""
        return self.score - self.threshold


@dataclass(frozen=True, slots=True)
class Provenance:
    """What produced an alert, so that it can be repeated."""

    bundle: str
    """Hash of the bundle's manifest, ``sha256:…``."""
    descriptions: str
    """Hash of the descriptions as they were read, ``sha256:…``."""


class Origin(StrEnum):
    """How a sound became known to the box."""

    DETECTED = "detected"
    """The box raised an alert."""
    MISSED = "missed"
    """A person heard it and the box raised none."""
    TAUGHT = "taught"
    """A person made the sound, or chose it, as an example."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A question for a person: was this the described error? Or, by its origin, their own word."""

    alert_id: str
    """ULID: unique, and sorted by the time of creation."""
    detection: Detection
    description: str
    """The operator's own words."""
    severity: Severity
    provenance: Provenance
    clock_synced: bool
    origin: Origin = Origin.DETECTED


class Verdict(StrEnum):
    """What a person said of an alert."""

    CONFIRM = "confirm"
    REJECT = "reject"
    UNSURE = "unsure"


class Speech(StrEnum):
    """What became of speech in a clip."""

    NONE = "none"
    """There was none."""
    SCRAMBLED = "scrambled"
    """Made unintelligible before it was written."""
    DROPPED = "dropped"
    """The sound was not written."""
    KEPT = "kept"
    """Written as it was, because the site's policy says so."""


@dataclass(frozen=True, slots=True)
class ClipRecord:
    """The sound around an alert, as it lies in the folder of clips."""

    alert_id: str
    file: str | None
    """FLAC, relative to the folder of clips; ``None`` where the sound may not be kept."""
    picture: str | None
    """Spectrogram (PNG), relative to the folder of clips."""
    starts_at: float
    """UTC of the first sample, seconds since the epoch."""
    duration_s: float
    size_bytes: int
    """Of all its files."""
    speech: Speech
    views: Views | None
    """Of the window with the highest score alone."""
    peak_s: float
    """Start of the window with the highest score, after ``starts_at``."""


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One message that waits for the broker's acknowledgement."""

    sequence: int
    topic: str
    payload: str
