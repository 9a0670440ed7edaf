"""A summary as plain values, for a program."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.cli.report.recall import Recall
    from agent.cli.report.summary import Summary


def to_json(summary: Summary) -> dict[str, Any]:
    """The summary as plain values: counts and intervals, no names of persons."""
    total = summary.total
    return {
        "schema": 1,
        "site": summary.setting.site,
        "node": summary.setting.node,
        "time_zone": summary.setting.zone_name,
        "since": summary.since,
        "until": summary.until,
        "days": summary.days,
        "alerts": total.alerts,
        "answered": total.answered,
        **asdict(total),
        "precision": _plain(total.precision),
        "possible": total.possible,
        "false_alarms": _plain(summary.false_alarms),
        "wanted": summary.wanted,
        "descriptions": [
            {
                "error_id": row.error_id,
                "description": row.text,
                **asdict(row.group.tally),
                "precision": _plain(row.group.tally.precision),
                "possible": row.group.tally.possible,
                "false_alarms": _plain(row.group.false_alarms),
                "wanted": row.wanted,
                "verdict": row.verdict,
                "other_wording": row.other_wording,
            }
            for row in summary.rows
        ],
        "recall": _recall(summary.recall),
        "recalls": [{"error_id": one.error_id, **_recall(one)} for one in summary.recalls],
        **{
            name: [
                {"name": entry.name, "days": entry.days, **asdict(entry.tally)}
                for entry in getattr(summary, name)
            ]
            for name in ("by_day", "by_week", "by_shift", "by_source")
        },
        "change": _plain(summary.change),
        "clustered": summary.clustered,
        "delays": _plain(summary.delays),
        "people": asdict(summary.people),
        "confusions": [asdict(confusion) for confusion in summary.confusions],
        "said": [asdict(label) for label in summary.said],
        "advice": [_advice(piece) for piece in summary.advice],
        "roi": _plain(summary.roi),
    }


def _recall(found: Recall) -> dict[str, Any]:
    """Recall as far as it is known."""
    return {"caught": found.caught, "missed": found.missed, "known": _plain(found.known)}


def _advice(item: Any) -> dict[str, Any]:
    """A suggestion as plain values; alerts by their ids."""
    plain = asdict(item)
    if "alerts" in plain and not isinstance(plain["alerts"], int):
        plain["alerts"] = [case.alert.alert_id for case in item.alerts]
    return plain


def _plain(item: Any) -> dict[str, Any] | None:
    """A record as plain values."""
    return None if item is None else asdict(item)
