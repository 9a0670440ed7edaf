"""What a scan follows from, and what it knows of a file that it has heard."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

from agent.alerts.recorded import RecordedAlert
from agent.core.names import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.hearing.files import FileHearing
    from agent.watchlist.watchlist import Watchlist

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Identity:
    """What alerts of an archive follow from: those of two identities never share a table."""

    schema: int
    bundle: str
    """Digest of the bundle, ``sha256:…``."""
    bundle_name: str
    """Name and version, for people."""
    descriptions: str
    """Digest of the descriptions, ``sha256:…``."""
    listening: str
    """Digest of thresholds, calibration and recordings, ``sha256:…``."""
    hop_s: float
    channels: list[int]
    """That are heard, counted from 1; all of them if empty."""
    views: str
    """Folder that keeps the views of windows; empty where they are not kept."""

    @classmethod
    def of(cls, hearing: FileHearing, watch: Watchlist, views: Path | None) -> Self:
        """That of a scan."""
        return cls(
            schema=SCHEMA,
            bundle=hearing.bundle.digest,
            bundle_name=hearing.bundle.title,
            descriptions=watch.digest,
            listening=_listening(watch),
            hop_s=hearing.hop_s,
            channels=list(hearing.channels or ()),
            views="" if views is None else shown(views.absolute()),
        )

    def unlike(self, other: Identity) -> str:
        """What of this one another lacks, for people: empty where nothing differs."""
        told: Mapping[str, tuple[str, str]] = {
            "bundle": (f"bundle {self.bundle_name}", f"bundle {other.bundle_name}"),
            "descriptions": ("other descriptions", "these"),
            "listening": ("other thresholds, calibration or examples", "those of now"),
            "hop_s": (f"--hop {self.hop_s:g}", f"--hop {other.hop_s:g}"),
            "channels": (f"channels {_listed(self.channels)}", f"{_listed(other.channels)}"),
            "views": (
                f"--embed {self.views}" if self.views else "no --embed",
                f"--embed {other.views}" if other.views else "none",
            ),
            "schema": ("another version of kikimimi", "this one"),
        }
        for name, (mine, its) in told.items():
            if getattr(self, name) != getattr(other, name):
                same_name = name == "bundle" and mine == its
                digests = f" ({self.bundle[:19]}, not {other.bundle[:19]})" if same_name else ""
                return f"was made with {mine}, not with {its}{digests}"
        return ""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that was heard to its end, or why it could not be."""

    path: str
    """Absolute, as the operating system names it."""
    size_bytes: int
    modified_ns: int
    """Since the epoch; with the size it tells whether the file is another one now."""
    duration_s: float = 0.0
    windows: int = 0
    suppressed: int = 0
    """Alerts that a cooldown kept back."""
    error: str = ""
    """Why it could not be heard; empty where it was."""
    remarks: tuple[str, ...] = ()
    """What is odd about it although it was heard."""
    alerts: tuple[RecordedAlert, ...] = ()

    @classmethod
    def from_json(cls, values: dict[str, object]) -> Self:
        """A record as JSON holds it.

        Raises:
            TypeError: it is none.
        """
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        alerts, remarks = known.get("alerts", []), known.get("remarks", [])
        if not isinstance(alerts, list) or not isinstance(remarks, list):
            raise TypeError("no record of a file")
        known["remarks"] = tuple(map(str, remarks))
        known["alerts"] = tuple(RecordedAlert(**one) for one in alerts)
        return cls(**known)  # type: ignore[arg-type]  # as it was written, under a checksum


def _listed(channels: list[int]) -> str:
    return ",".join(map(str, channels)) or "all"


def _listening(watch: Watchlist) -> str:
    """Digest of what scores and alerts follow from beside the bundle and the descriptions.

    Not of the texts' embeddings, which follow from these two, and whose last bits may differ from
    one machine to the next.
    """
    digest = hashlib.sha256()
    for error_id, policy in sorted(watch.policies.items()):
        digest.update(f"{error_id} {policy!r}\n".encode())
    calibrated = watch.calibration.statistics()
    if calibrated is not None:
        digest.update(calibrated.mean.tobytes() + calibrated.std.tobytes())
    for heard in (watch.matcher.prototypes.examples, watch.matcher.prototypes.rejected):
        digest.update(f"{len(heard)}\n".encode())
        for array in (heard.embeddings, heard.slope, heard.offset, heard.most):
            digest.update(array.tobytes())
    return f"sha256:{digest.hexdigest()}"
