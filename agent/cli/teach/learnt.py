"""What came of teaching, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.core.errors import KikimimiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class TeachError(KikimimiError):
    """A sound cannot be taught; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """A sound that the box knows now."""

    fields: Mapping[str, Any]
    """As on ``taught`` (``docs/mqtt/taught.schema.json``)."""

    @property
    def sure(self) -> bool:
        """Whether the rest of the sound would be heard too."""
        return bool(self.fields["sure"])

    def to_json(self) -> str:
        """For programs."""
        return json.dumps(dict(self.fields), ensure_ascii=False)

    def lines(self) -> Iterator[str]:
        """For people."""
        fields = self.fields
        error_id = fields["error_id"]
        yield f"{error_id}: the sound is kept ({fields['alert_id']})"
        if fields["set_aside"]:
            yield f"  it does not count as an example: {fields['set_aside']}"
        score, threshold = fields["score"], fields["threshold"]
        if score is None:
            yield "  it is too short to try the box on the rest of it"
        else:
            told = "the box is sure of it" if self.sure else "the box is not sure of it yet"
            yield (
                f"  {told}: the rest of the sound scores {score:g}, it alarms at {threshold:g} "
                f"({fields['hits']} of {fields['windows']} windows)"
            )
        if not self.sure:
            yield "  teach it once more: another take of it finds more of its kind"
        for other in fields["others"]:
            yield (
                f"  it could be confused with {other['error_id']} ({other['description']}): "
                f"{other['score']:g}, alarms at {other['threshold']:g}"
            )
