"""How loud a source usually is on this site, and whether it no longer is.

A microphone that was knocked aside, covered with dust or turned up still gives sound, and hears
other things than it did. Its level alone does not tell that: a factory is quiet at night and on
Sundays. So whole days are compared: the level that the loudest tenth of the last 24 hours of
sound reaches, with the range of the same over the first seven days. Time is counted in sound
heard, so that neither a jump of the clock nor a box that is switched off at night matters.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from agent.core import files, folders
from agent.core.errors import reason
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_log = logging.getLogger(__name__)

SCHEMA = 1
LEARNT_DAYS = 7
"""Days that make up the usual: one of each kind in a week."""
DRIFTED_DB = 10.0
"""Decibels beyond the range at which the level has drifted: about three times the amplitude."""
RECOVERED_DB = 6.0
"""Decibels beyond the range at which a level that had drifted is the usual one again."""

_HOUR_S = 3_600
_DAY_HOURS = 24
_LOUDEST_SHARE = 0.1
_BINS = 128  # of a decibel each, down from full scale
_Counts = np.int64


class LevelBaseline:
    """Follows one source's level, and remembers it in a file."""

    def __init__(self, path: Path | None, hour_s: int = _HOUR_S) -> None:
        """Go on from what the file holds.

        Args:
            path: where it is kept, written once an hour; nowhere if ``None``.
            hour_s: levels, one a second, that make an hour.
        """
        self._path = path
        self._hour_s = hour_s
        self._hour: npt.NDArray[_Counts] = np.zeros(_BINS, _Counts)
        self._hours: list[npt.NDArray[_Counts]] = []
        """Histograms of the last 24 hours at most, oldest first."""
        self._days: list[float] = []
        self._learning_hours = 0
        self._drifted = False
        if path is not None:
            self._read(path)

    @property
    def usual_dbfs(self) -> tuple[float, float] | None:
        """Lowest and highest of the days that were learnt; ``None`` until there are seven."""
        if len(self._days) < LEARNT_DAYS:
            return None
        return min(self._days), max(self._days)

    @property
    def drift_db(self) -> float | None:
        """Decibels by which the last 24 hours are beyond the usual; 0 within, ``None`` unknown."""
        usual, level = self.usual_dbfs, self._level()
        if usual is None or level is None:
            return None
        low, high = usual
        return level - min(max(level, low), high)

    @property
    def reason(self) -> str:
        """That the level has drifted, and what to look at; empty if it has not."""
        drift_db = self.drift_db
        if not self._drifted or drift_db is None:
            return ""
        code = "level_louder" if drift_db > 0 else "level_quieter"
        drifted = Reason.of(code, decibels=round(abs(drift_db)))
        if self._path is None:
            return drifted
        return Reason.joined([drifted, Reason.of("level_as_it_should", file=str(self._path))])

    def add(self, rms_dbfs: float | None) -> None:
        """Take the level of the next second; digital silence counts for nothing."""
        if rms_dbfs is None:
            return
        self._hour[min(_BINS - 1, max(0, round(-rms_dbfs)))] += 1
        if self._hour.sum() >= self._hour_s:
            self._end_hour()

    def _end_hour(self) -> None:
        self._hours = [*self._hours, self._hour][-_DAY_HOURS:]
        self._hour = np.zeros(_BINS, _Counts)
        level = self._level()
        if len(self._days) < LEARNT_DAYS:
            self._learning_hours += 1
            if self._learning_hours == _DAY_HOURS and level is not None:
                self._days.append(level)
                self._learning_hours = 0
        drift_db = abs(self.drift_db or 0.0)
        was = self._drifted
        self._drifted = drift_db >= (RECOVERED_DB if was else DRIFTED_DB)
        if self._drifted != was:
            _log.warning("level_drift", extra={"drifted": self._drifted, "reason": self.reason})
        if self._path is not None:
            self._write(self._path)

    def _level(self) -> float | None:
        """The level that the loudest tenth of the last 24 hours reaches, dBFS."""
        if len(self._hours) < _DAY_HOURS:
            return None
        counts = np.sum(self._hours, axis=0)
        share = np.cumsum(counts) / counts.sum()
        return -float(np.searchsorted(share, _LOUDEST_SHARE))

    def _write(self, path: Path) -> None:
        kept = {
            "schema": SCHEMA,
            "days": self._days,
            "learning_hours": self._learning_hours,
            "drifted": self._drifted,
            "hours": [hour.tolist() for hour in self._hours],
        }
        try:
            folders.make(path.parent)
            files.write_text(path, json.dumps(kept, separators=(",", ":")))
        except OSError as error:
            _log.warning("usual_level_not_kept", extra={"file": str(path), "reason": reason(error)})

    def _read(self, path: Path) -> None:
        try:
            self._take(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            # Half of a file tells nothing; a week is soon learnt again.
            reason = f"{path}: {error}; learnt again"
            _log.warning("usual_level_unreadable", extra={"reason": reason})

    def _take(self, kept: dict[str, Any]) -> None:
        hours = [np.array(hour, _Counts) for hour in kept["hours"]]
        days = [float(day) for day in kept["days"]]
        learning_hours, drifted = int(kept["learning_hours"]), bool(kept["drifted"])
        whole = all(h.shape == (_BINS,) and h.min() >= 0 and h.sum() > 0 for h in hours)
        sane = all(-_BINS <= day <= 0.0 for day in days) and 0 <= learning_hours < _DAY_HOURS
        if kept["schema"] != SCHEMA or not whole or not sane or len(hours) > _DAY_HOURS:
            raise ValueError("not what this version writes")
        self._hours, self._days = hours, days[:LEARNT_DAYS]
        self._learning_hours, self._drifted = learning_hours, drifted
