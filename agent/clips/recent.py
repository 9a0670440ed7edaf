"""The last minutes to look at and listen to: a curve of levels, or a while as sound and picture.

Sound and picture of what was said go through the same treatment as a clip's; the curve holds
numbers alone.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.clips.parcel import cut_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.core.reasons import Reason

SCHEMA = 1


class View(StrEnum):
    """What may be asked for."""

    CURVE = "curve"
    AUDIO = "audio"
    PICTURE = "picture"


MEDIA_TYPES = {
    View.CURVE: "application/json",
    View.AUDIO: "audio/flac",
    View.PICTURE: "image/png",
}


def answers(request_id: str, source: str, view: View, data: bytes) -> Iterator[str]:
    """The JSON of each piece of an answer (``docs/mqtt/recent.schema.json``)."""
    for piece in cut_up(data, MEDIA_TYPES[view]):
        yield _message(request_id, source, view, **piece)


def refusal(request_id: str, source: str, view: View, reason: Reason) -> str:
    """The JSON that says why nothing comes."""
    return _message(request_id, source, view, reason=reason, **reason.parts[0].to_dict())


def _message(request_id: str, source: str, view: View, **fields: object) -> str:
    head = {"schema": SCHEMA, "request_id": request_id, "source": source, "kind": view.value}
    return json.dumps(head | fields, ensure_ascii=False, separators=(",", ":"))
