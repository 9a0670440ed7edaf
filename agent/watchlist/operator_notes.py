"""What people are told of thresholds that operators set by MQTT."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.core.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.core.operator_thresholds import OperatorThreshold
    from agent.descriptions import DescriptionSet


def operator_notes(
    operator: Mapping[str, OperatorThreshold], descriptions: DescriptionSet
) -> list[Problem]:
    """A note for each: in place of what it counts, or that it waits for its description.

    Args:
        operator: thresholds that operators set, by error id.
        descriptions: what is listened for.
    """
    described = {error.error_id: error for error in descriptions.active}
    notes = []
    for name, said in operator.items():
        at = datetime.fromtimestamp(said.given_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        what = f"{said.threshold:g}, set by {said.operator or 'somebody'} by MQTT on {at},"
        if name not in described:
            found = f"{what} is kept and waits: it is not described, or is switched off"
            notes.append(Problem(f"threshold of {name}", found, "describe it, and it counts again"))
            continue
        written = described[name].policy.threshold
        given = "auto" if written is None else f"{written:g}"
        where = f"{described[name].where}.threshold"
        remedy = "send cmd/threshold with auto to go by the file"
        notes.append(Problem(where, f"is {given}, but {what} counts", remedy))
    return notes
