"""Every metric of the box: its name by the conventions of Prometheus, and what it tells.

A dashboard or a rule may use these names, their labels, and those of :data:`PROCESS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PEAK_S: Final = 60.0
"""Sound over which a score's peak is taken: a scrape each minute still sees all of it."""


class Kind(StrEnum):
    """What may be done with a value."""

    GAUGE = "gauge"
    """It goes up and down."""
    COUNTER = "counter"
    """It only grows, from 0 at the start of the agent; its name ends in ``_total``."""
    HISTOGRAM = "histogram"
    """How often it was within which bounds, and its sum."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric."""

    name: str
    """As it is exposed."""
    help: str
    labels: tuple[str, ...] = ()
    kind: Kind = Kind.GAUGE

    @property
    def samples(self) -> tuple[str, ...]:
        """Names of its values, which queries ask for."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return (self.name,)


def _counter(name: str, text: str, *labels: str) -> Definition:
    return Definition(f"kikimimi_{name}_total", text, labels, Kind.COUNTER)


INFO: Final = Definition("kikimimi_info", "The box; always 1.", ("site", "node", "version"))
BUNDLE_INFO: Final = Definition(
    "kikimimi_bundle_info", "The model; always 1.", ("name", "version", "digest")
)
DESCRIPTIONS_INFO: Final = Definition(
    "kikimimi_descriptions_info", "The descriptions that are listened for; always 1.", ("digest",)
)
STATE: Final = Definition("kikimimi_state", "1 for the state of the box, 0 for others.", ("state",))
REASON: Final = Definition(
    "kikimimi_reason", "What is wrong, by part and code; always 1.", ("part", "code")
)
CLOCK_SYNCED: Final = Definition("kikimimi_clock_synced", "Whether UTC was set from a reference.")
LAG: Final = Definition(
    "kikimimi_lag_seconds", "Age of the last scored window's end when its scores were ready."
)
STAGE: Final = Definition(
    "kikimimi_stage_seconds",
    "Time that one run of a stage took; runs that had nothing to give are not counted.",
    ("stage",),
    Kind.HISTOGRAM,
)
UPTIME: Final = Definition("kikimimi_uptime_seconds", "Time since the agent started.")
OUTBOX: Final = Definition("kikimimi_outbox_messages", "Messages that wait for the broker.")
OPEN_ALERTS: Final = Definition("kikimimi_open_alerts", "Alerts that await an answer.")
MUTES: Final = Definition("kikimimi_mutes", "Mutes in force.")

SOURCE_STATE: Final = Definition(
    "kikimimi_source_state",
    "1 for the state of a source, 0 for others.",
    ("source", "state"),
)
SOURCE_LEVEL: Final = Definition(
    "kikimimi_source_level_dbfs",
    "RMS of the last second without DC; absent on digital silence.",
    ("source",),
)
SOURCE_PEAK: Final = Definition(
    "kikimimi_source_peak_ratio",
    "Largest absolute value of the last second, full scale at 1.",
    ("source",),
)
SOURCE_DC: Final = Definition(
    "kikimimi_source_dc_ratio", "Mean of the last second, full scale at 1.", ("source",)
)
SOURCE_CLIPPED: Final = Definition(
    "kikimimi_source_clipped_ratio",
    "Share of the last second's samples at full scale.",
    ("source",),
)
SOURCE_DRIFT: Final = Definition(
    "kikimimi_source_drift_decibels",
    "How far the last day is beyond the first week on this site; absent until that is learnt.",
    ("source",),
)
SOURCE_OVERFLOWS: Final = _counter(
    "source_overflows", "Times that sound was lost because the machine was too busy.", "source"
)
SOURCE_DROPPED: Final = _counter(
    "source_dropped_samples", "Samples that were lost before they were heard.", "source"
)
SOURCE_REOPENINGS: Final = _counter(
    "source_reopenings", "Times that a source was lost and opened again.", "source"
)

SCORE: Final = Definition(
    "kikimimi_score",
    "Score of the last window, in standard deviations over other sounds.",
    ("source", "error_id"),
)
SCORE_PEAK: Final = Definition(
    "kikimimi_score_peak",
    f"Highest score in the last {PEAK_S:g} seconds of sound.",
    ("source", "error_id"),
)
SCORE_THRESHOLD: Final = Definition(
    "kikimimi_score_threshold", "Score from which on a window is a hit.", ("error_id",)
)

REQUESTS_REFUSED: Final = _counter(
    "metrics_requests_refused", "Connections to this address that were over its limit."
)

SUMMED: Final = frozenset({"overflows", "dropped_samples"})
"""Counters of health that are exposed source by source instead."""

COUNTERS: Final[Mapping[str, Definition]] = {
    "windows": _counter("windows_scored", "Windows that were scored."),
    "windows_dropped": _counter("windows_dropped", "Windows that inference was too slow for."),
    "non_finite_samples": _counter("non_finite_samples", "Samples that were no numbers."),
    "alerts": _counter("alerts", "Alerts that were raised."),
    "candidates": _counter(
        "candidates", "Descriptions that alarmed on a sound of which another was asked."
    ),
    "suppressed": _counter("suppressed", "Events that a cooldown kept back."),
    "muted": _counter("muted", "Alerts that a mute kept back."),
    "verdicts": _counter("verdicts", "Answers to alerts that were kept."),
    "verdicts_undone": _counter("verdicts_undone", "Answers that were taken back."),
    "reported_missed": _counter("reported_missed", "Sounds reported that had raised no alert."),
    "reported_taught": _counter("reported_taught", "Sounds that people taught."),
    "reloads": _counter("reloads", "Descriptions read anew."),
    "reloads_rejected": _counter("reloads_rejected", "Descriptions that were refused."),
    "store_errors": _counter("store_errors", "Times that the disk refused."),
    "messages_delivered": _counter("messages_delivered", "Messages that the broker took."),
    "messages_refused": _counter("messages_refused", "Messages that the broker refused."),
    "messages_oversized": _counter("messages_oversized", "Messages too large to be sent."),
    "live_discarded": _counter("live_discarded", "Live values that met no fast connection."),
    "commands_accepted": _counter("commands_accepted", "Commands that were carried out."),
    "commands_refused": _counter("commands_refused", "Commands that were refused."),
    "commands_limited": _counter("commands_limited", "Commands refused because too many came."),
    "commands_duplicated": _counter(
        "commands_duplicated", "Commands that the broker delivered again."
    ),
    "commands_unanswered": _counter("commands_unanswered", "Commands refused without an answer."),
    "commands_dropped": _counter("commands_dropped", "Commands that came too fast to be taken."),
    "clips_written": _counter("clips_written", "Clips that were written."),
    "clips_scrambled": _counter("clips_scrambled", "Clips with speech made unintelligible."),
    "clips_withheld": _counter("clips_withheld", "Clips whose sound was not written."),
    "clips_failed": _counter("clips_failed", "Clips that could not be written."),
    "clips_missed": _counter("clips_missed", "Alerts whose sound was gone, or came too fast."),
    "clips_deleted": _counter("clips_deleted", "Clips deleted for their age or for room."),
    "memory_lost": _counter("memory_lost", "Times that sound was lost before it was remembered."),
    "memory_failed": _counter(
        "memory_failed", "Pieces of the last minutes that cannot be compressed."
    ),
    "notify_errors": _counter("notify_errors", "Messages that the service manager did not take."),
}
"""By the counter of health that they expose."""

DEFINITIONS: Final = (
    *(INFO, BUNDLE_INFO, DESCRIPTIONS_INFO, STATE, REASON, CLOCK_SYNCED, LAG, STAGE, UPTIME),
    *(OUTBOX, OPEN_ALERTS, MUTES),
    *(SOURCE_STATE, SOURCE_LEVEL, SOURCE_PEAK, SOURCE_DC, SOURCE_CLIPPED, SOURCE_DRIFT),
    *(SOURCE_OVERFLOWS, SOURCE_DROPPED, SOURCE_REOPENINGS),
    *(SCORE, SCORE_PEAK, SCORE_THRESHOLD),
    *COUNTERS.values(),
    REQUESTS_REFUSED,
)
"""All that are ours."""

PROCESS: Final = frozenset(
    {
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_virtual_memory_bytes",
    }
)
"""What the client library tells of the process, under the names that every exporter uses."""
