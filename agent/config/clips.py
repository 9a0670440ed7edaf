"""Reads what ``agent.yaml`` says of clips."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.config import fields
from agent.config.settings import ClipSettings

if TYPE_CHECKING:
    from agent.config.fields import Table

_SIZE = re.compile(r"([0-9]+\.?[0-9]*) ?(MB|GB)", re.ASCII)
_UNIT_BYTES = {"MB": 1_000_000, "GB": 1_000_000_000}
_LEAST_BYTES, _MOST_BYTES = 10_000_000, 10_000_000_000_000


def read_clips(table: Table) -> ClipSettings:
    """The sound that is kept of alerts."""
    default = ClipSettings()
    seconds = fields.number(0.0, 60.0)
    clips = ClipSettings(
        enabled=table.value("enabled", fields.switch, default.enabled),
        pre_roll_s=table.value("pre_roll_s", seconds, default.pre_roll_s),
        post_roll_s=table.value("post_roll_s", seconds, default.post_roll_s),
        longest_s=table.value("longest_s", fields.number(2.0, 120.0), default.longest_s),
        quota_bytes=table.value("quota", _size, default.quota_bytes),
        keep_days=table.value("keep_days", fields.number(0.04, 3_650.0), default.keep_days),
        keep_per_description=table.value(
            "keep_per_description", fields.integer(0, 10_000), default.keep_per_description
        ),
        speech=table.value("speech", fields.choice(type(default.speech)), default.speech),
    )
    if clips.longest_s <= clips.pre_roll_s:
        table.report(
            "longest_s",
            f"is {clips.longest_s:g}, no longer than pre_roll_s ({clips.pre_roll_s:g})",
            "write more, so that the event itself is in the clip",
        )
    table.finish()
    return clips


def _size(raw: str) -> int:
    """Bytes, written as ``500MB`` or ``2GB``."""
    match = _SIZE.fullmatch(raw.strip().upper())
    value = round(float(match[1]) * _UNIT_BYTES[match[2]]) if match else 0
    if not _LEAST_BYTES <= value <= _MOST_BYTES:
        raise ValueError("write a size such as 500MB or 2GB, from 10MB to 10000GB")
    return value
