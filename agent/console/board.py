"""The alerts that await an answer, as the page shows them.

The box's database tells all of them. What the broker tells besides stands in for it where the
database cannot be read, or the box could not write it.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from agent.alerts.alerts import candidates_json
from agent.config import moments
from agent.core.answers import holding
from agent.core.errors import StoreError
from agent.core.folders import inside
from agent.core.reasons import Reason
from agent.store import CLIPS_FOLDER, FILE_NAME, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from agent.core.records import Alert, ClipRecord

_Found = TypeVar("_Found")

MOST = 200
"""Alerts that are listed; more are only counted."""

_MEDIA = {".flac": "audio/flac", ".wav": "audio/wav", ".png": "image/png"}


class Board:
    """Looks the alerts of one box up. Safe to use from several threads."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir
        self._lock = threading.RLock()
        self._store: Store | None = None
        self._version = -1
        self.trouble = ""
        """Why the database cannot be read, and what to do; empty if it can."""

    def changed(self) -> bool:
        """Whether the box has written something since the last call."""
        version = self._look(lambda store: store.others_changes)
        before, self._version = self._version, -1 if version is None else version
        return version != before

    def open_alerts(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """The list of the page: ``alerts`` and the ``count`` of all.

        Args:
            told: the last message on ``alerts/open``, empty if there was none.
        """
        listed = [message for message in told.get("alerts", []) if isinstance(message, dict)]
        found = self._look(lambda store: store.open_alerts(MOST))
        if found is None:
            views = [view for message in listed if (view := from_message(message)) is not None]
            return {"alerts": views[:MOST], "count": told.get("count", len(views))}
        views = [
            _view(open_alert.alert, self._clip(open_alert.alert.alert_id))
            for open_alert in found.newest
        ]
        # Written by a box whose disk refuses: they are in its memory alone.
        unknown = [
            view
            for message in listed
            if (view := from_message(message)) is not None and self.alert(view["alert_id"]) is None
        ]
        views = sorted([*unknown, *views], key=lambda view: view["alert_id"], reverse=True)
        return {"alerts": views[:MOST], "count": found.count + len(unknown)}

    def alert(self, alert_id: str) -> dict[str, Any] | None:
        """One alert with what people answered."""
        found = self._look(lambda store: store.alert(alert_id))
        if found is None:
            return None
        clip = self._clip(alert_id)
        answers = self._look(lambda store: store.answers(alert_id)) or []
        view = _view(found, clip)
        view["answers"] = [
            {"verdict": answer.verdict.value, "operator": answer.operator, "at": answer.received_at}
            for answer in holding(answers)
        ]
        return view

    def media(self, alert_id: str, *, picture: bool) -> tuple[Path, str] | None:
        """File and media type of an alert's sound or spectrogram, as the database names it."""
        clip = self._clip(alert_id)
        name = clip and (clip.picture if picture else clip.file)
        if not name:
            return None
        path = inside(self._folder / CLIPS_FOLDER, name)
        media = None if path is None else _MEDIA.get(path.suffix.lower())
        if path is None or media is None or not path.is_file():
            return None
        return path, media

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _clip(self, alert_id: str) -> ClipRecord | None:
        return self._look(lambda store: store.clip(alert_id))

    def _look(self, ask: Callable[[Store], _Found]) -> _Found | None:
        """What the database says; ``None`` where it cannot be read, and why is kept."""
        with self._lock:
            try:
                if self._store is not None and self._store.gone:
                    self.close()
                if self._store is None:
                    path = self._folder / FILE_NAME
                    # Only the box itself makes it, or it would belong to the wrong user.
                    if not path.is_file():
                        raise StoreError(Reason.of("database_missing", file=str(path)))
                    self._store = Store.open(self._folder)
                found = ask(self._store)
            except StoreError as error:
                self.trouble = str(error)
                with suppress(StoreError):
                    self.close()
                return None
            self.trouble = ""
            return found


def from_message(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """The view of an alert that the broker told of; ``None`` where it is none."""
    try:
        return {
            "alert_id": str(message["alert_id"]),
            "step": str(message["event_type"]),
            "starts_at": moments.exact(message["ts_start"]),
            "ends_at": moments.exact(message["ts_end"]),
            "source": str(message["source"]),
            "error_id": str(message["error_id"]),
            "description": str(message["description"]),
            "score": float(message["score"]),
            "threshold": float(message["threshold"]),
            "severity": str(message["severity"]),
            "clip": None,
            "candidates": [
                {
                    "error_id": str(one["error_id"]),
                    "description": str(one["description"]),
                    "score": float(one["score"]),
                    "threshold": float(one["threshold"]),
                }
                for one in message.get("candidates", [])
            ],
        }
    except (KeyError, TypeError, ValueError):
        return None


def _view(alert: Alert, clip: ClipRecord | None) -> dict[str, Any]:
    detection = alert.detection
    return {
        "alert_id": alert.alert_id,
        "step": detection.step.value,
        "starts_at": detection.starts_at,
        "ends_at": detection.ends_at,
        "source": detection.source,
        "error_id": detection.error_id,
        "description": alert.description,
        "score": round(detection.score, 2),
        "threshold": round(detection.threshold, 2),
        "severity": alert.severity.value,
        "candidates": candidates_json(detection.candidates),
        "clip": None if clip is None else _clip_view(clip),
    }


def _clip_view(clip: ClipRecord) -> dict[str, Any]:
    return {
        "sound": clip.file is not None,
        "picture": clip.picture is not None,
        "duration_s": round(clip.duration_s, 3),
        "peak_s": round(clip.peak_s, 3),
        "speech": clip.speech.value,
    }
