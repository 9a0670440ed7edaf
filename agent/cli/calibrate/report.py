"""What ``kikimimi calibrate`` shows: progress, the table, what can be promised."""

from __future__ import annotations

import json
import math
import re
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agent.capture.soundfiles.folders import passed_over_lines
from agent.config import moments
from agent.core.errors import ConfigError, Problem
from agent.core.names import shown
from agent.watchlist.calibration import poisson, site
from agent.watchlist.calibration.index import Finding, Index, Span
from agent.watchlist.calibration.threshold import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from agent.capture.supervisor import SourceStatus
    from agent.cli.calibrate.listening import Took
    from agent.watchlist.calibration.site import Suspect
    from agent.watchlist.calibration.whole_box import WholeBox

_LOG_EVERY_S = 600.0
_BAR = 30
# What is left out around a moment, and around an event's windows of two seconds.
_AROUND_S, _BESIDE_S = 5.0, 2.0
_WIDTH = 110


def read_span(text: str) -> Span:
    """``SOURCE@FROM/TO`` or ``SOURCE@TIME``; each a time, or seconds of a recording.

    Raises:
        ConfigError: it is something else.
    """
    source, _, times = text.rpartition("@")
    span = _span(times)
    if not source or span is None or span[1] < span[0]:
        remedy = "write SOURCE@FROM/TO, such as mic1@2026-11-24T10:00:00Z/2026-11-24T10:00:05Z"
        raise ConfigError([Problem("--exclude", f"is {text!r}", remedy)])
    return Span(shown(source), *span)


def _span(times: str) -> tuple[float, float] | None:
    """From when to when; ``None`` where it is neither one time nor two."""
    with suppress(ValueError):
        at = _moment(times)
        return at - _AROUND_S, at + _AROUND_S
    for slash in re.finditer("/", times):  # which may also stand within a day
        with suppress(ValueError):
            return _moment(times[: slash.start()]), _moment(times[slash.end() :])
    return None


def _moment(text: str) -> float:
    """A time, or the seconds of a recording."""
    try:
        seconds = float(text)
    except ValueError:
        return moments.moment(text, None)
    if not math.isfinite(seconds):
        raise ValueError(text)
    return seconds


def _written(moment: float, *, recorded: bool) -> str:
    if recorded:
        return f"{moment:.1f}"
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def spec(suspect: Suspect) -> str:
    """What leaves an event out, for ``--exclude``."""
    first = _written(math.floor(suspect.starts_at - _BESIDE_S), recorded=suspect.recorded)
    last = _written(math.ceil(suspect.ends_at + _BESIDE_S), recorded=suspect.recorded)
    return f"{suspect.source}@{first}/{last}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a calibration came to."""

    index: Index
    hours: float
    """Of the whole box."""
    suspects: tuple[Suspect, ...]
    took: Took
    state_dir: Path
    whole: WholeBox | None
    """What all descriptions come to together; ``None`` where too little was heard."""

    @property
    def ok(self) -> bool:
        """Whether every description is calibrated and every recording was heard."""
        found = self.index.findings
        kinds = {finding.kind for finding in found}
        enough = self.hours >= site.LEAST_HOURS and Kind.UNCALIBRATED not in kinds
        return enough and not self.took.unread

    def to_json(self) -> str:
        """One object, for a program."""
        enough = self.hours >= site.LEAST_HOURS
        return json.dumps(
            {
                "ok": self.ok,
                "bundle": self.index.bundle,
                "hours": round(self.hours, 4),
                "sources": self.index.sources,
                "confidence": poisson.CONFIDENCE,
                "counting_promises_per_day": _rounded(poisson.promise(self.hours)),
                "descriptions": [_plain(finding) for finding in self.index.findings]
                if enough
                else [],
                "whole_box": None if self.whole is None else _whole(self.whole),
                "suspects": [
                    {"exclude": spec(suspect), "scores": dict(suspect.scores)}
                    for suspect in self.suspects
                ],
                "excluded": [asdict(span) for span in self.index.excluded],
                "trim": self.index.trim,
                "heard_now_hours": round(self.took.hours, 4),
                "windows_dropped": self.took.dropped,
                "heard_before": [shown(path) for path in self.took.known],
                "too_short": [shown(path) for path in self.took.short],
                "unread": [str(error) for error in self.took.unread],
                "remarks": self.took.remarks,
                "passed_over": [shown(path) for path in self.took.passed_over],
            },
            ensure_ascii=False,
        )

    def text(self) -> str:
        """For people."""
        console = Console(width=_WIDTH, highlight=False, markup=False)
        with console.capture() as captured:
            for line in self._taken():
                console.print(line)
            if self.hours < site.LEAST_HOURS:
                minutes = f"{self.hours * 60:.0f} of at least {site.LEAST_HOURS * 60:.0f} minutes"
                console.print(f"heard {minutes}: nothing is calibrated yet; calibrate for longer")
            else:
                console.print(self._table())
                for line in self._promises():
                    console.print(line)
        return captured.get().rstrip("\n")

    def _taken(self) -> list[str]:
        lines = [f"not read: {error}" for error in self.took.unread]
        lines += [f"shorter than a window, left out: {shown(path)}" for path in self.took.short]
        lines += [f"heard, but: {remark}" for remark in self.took.remarks]
        lines += passed_over_lines(self.took.passed_over)
        if self.took.known:
            lines.append(f"{len(self.took.known)} recordings were heard before, and count once")
        if self.took.dropped:
            lines.append(f"{self.took.dropped} windows were dropped: this machine is too busy")
        return lines

    def _table(self) -> Table:
        table = Table(title=f"{self.hours:.2f} hours of background", title_justify="left")
        table.add_column("description")
        for column in ("threshold", "wanted", "expected", "10 % to 90 %"):
            table.add_column(column, justify="right")
        table.add_column("rests on")
        for finding in self.index.findings:
            rate = finding.rate
            table.add_row(
                finding.error_id,
                f"{finding.threshold:.2f}",
                _shown(finding.wanted),
                "?" if rate is None else _shown(rate.expected),
                "?" if rate is None else f"{_shown(rate.low)} to {_shown(rate.high)}",
                f"{finding.kind}{', held at its bound' if finding.held else ''}",
            )
        table.caption = "false alarms a day of each description, on sound like that which was heard"
        return table

    def _promises(self) -> list[str]:
        share, lowest = f"{poisson.CONFIDENCE:.0%}", poisson.promise(self.hours)
        counted = f"Counting {self.hours:.2f} hours can promise, with {share} confidence, "
        lines = [
            counted + f"{_shown(lowest)} a day or more.",
            *(
                f"To promise {_shown(wanted)} a day by counting takes "
                f"{poisson.hours_needed(wanted):.0f} hours; until then a fitted tail has to do."
                for wanted in sorted({finding.wanted for finding in self.index.findings})
                if wanted < lowest
            ),
        ]
        if self.whole is not None and self.whole.expected_per_day is not None:
            expected, alone = self.whole.expected_per_day, self.whole.alone_per_day
            lines.append(
                f"The whole box: expect {_shown(expected)} false alarms a day, since one sound is "
                f"one alert; its descriptions, each by itself, would raise {_shown(alone)}."
            )
        missing = [
            finding.error_id for finding in self.index.findings if finding.kind is Kind.UNCALIBRATED
        ]
        if missing:
            lines.append(
                f"Too few events to say anything: {', '.join(missing)}. The bundle's threshold "
                "holds; calibrate for longer."
            )
        if self.suspects:
            lines.append(
                "Loudest events of this background, by the bundle's threshold. If one was a real "
                "error, hand it to: kikimimi calibrate --exclude"
            )
            lines += [f"  {spec(suspect)}  {_scores(suspect)}" for suspect in self.suspects]
        lines.append(f"Written to {shown(self.state_dir)}; reload the agent (SIGHUP) to use it.")
        return lines


def _scores(suspect: Suspect) -> str:
    shown = ", ".join(f"{name} {score:.1f}" for name, score in suspect.scores[:3])
    more = len(suspect.scores) - 3
    return f"{shown} and {more} more" if more > 0 else shown


def _whole(whole: WholeBox) -> dict[str, object]:
    expected = whole.expected_per_day
    return {
        "expected_per_day": None if expected is None else _rounded(expected),
        "alone_per_day": _rounded(whole.alone_per_day),
        "events": whole.events,
        "questions": whole.questions,
        "thresholds_lowered": whole.lowered,
    }


def _plain(finding: Finding) -> dict[str, object]:
    rate = finding.rate
    return {
        "error_id": finding.error_id,
        "threshold": round(finding.threshold, 4),
        "kind": finding.kind.value,
        "wanted_per_day": finding.wanted,
        "expected_per_day": None if rate is None else _rounded(rate.expected),
        "low_per_day": None if rate is None else _rounded(rate.low),
        "high_per_day": None if rate is None else _rounded(rate.high),
        "held": finding.held,
        "mean": finding.mean,
        "std": finding.std,
    }


def _rounded(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _shown(value: float) -> str:
    """Two digits that mean something."""
    return f"{value:.0f}" if value >= 10.0 else f"{value:.2g}"  # noqa: PLR2004


class Progress:
    """Live on a terminal, a line every ten minutes in a log."""

    def __init__(self, hours: float | None, files: int, sources: int) -> None:
        self._hours, self._files, self._sources = hours, files, sources
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._count = 0
        self._logged_s = time.monotonic()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def heard(self, hours: float, statuses: Sequence[SourceStatus]) -> None:
        """So much was heard since the start."""
        self._count += not statuses
        line = self._line(hours, statuses)
        if self._console.is_terminal:
            self._live.update(Text(line))
        elif time.monotonic() - self._logged_s >= _LOG_EVERY_S:
            self._logged_s = time.monotonic()
            sys.stderr.write(f"kikimimi calibrate: {line}\n")

    def _line(self, hours: float, statuses: Sequence[SourceStatus]) -> str:
        if not statuses:
            return f"{self._count} of {self._files} recordings, {hours:.2f} hours"
        box_hours = hours / self._sources
        wanted = self._hours or 0.0
        filled = round(_BAR * min(1.0, box_hours / wanted)) if wanted else _BAR
        states = ", ".join(
            f"{status.source} {status.state}"
            + ("" if status.level_dbfs is None else f" {status.level_dbfs:.0f} dBFS")
            for status in statuses
        )
        bar = "█" * filled + "░" * (_BAR - filled)
        return f"{bar} {box_hours:.2f} of {wanted:g} hours  {states}; Ctrl-C ends it early"
