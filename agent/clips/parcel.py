"""``cmd/clip``: sends a clip's sound or picture by MQTT, in pieces.

What is asked for is looked up by the alert's id; nothing of the payload becomes a path.
"""

from __future__ import annotations

import base64
import hashlib
import json
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.core.errors import reason
from agent.core.reasons import Reason
from agent.core.records import Speech
from agent.mqtt.payload import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.mqtt.payload import Fields
    from agent.store.box import BoxStore

SCHEMA = 1
PIECE_BYTES = 45_000
"""Of what is sent in one piece: in base64 and with its JSON it stays below 64 KiB."""
MAX_BYTES = 16_000_000
"""No larger file is sent."""


class Kind(StrEnum):
    """What may be asked for."""

    AUDIO = "audio"
    PICTURE = "picture"


_MEDIA_TYPES = {Kind.AUDIO: "audio/flac", Kind.PICTURE: "image/png"}


class ClipCommand:
    """``cmd/clip``: send one file of a clip."""

    def __init__(
        self, folder: Path, store: BoxStore, send: Callable[[Iterator[str]], bool]
    ) -> None:
        """Take over a folder.

        Args:
            folder: of the clips.
            store: knows them.
            send: sends pieces one after another behind everything else; ``False`` where too many
                files wait already.
        """
        self._folder = folder.resolve()
        self._store = store
        self._send = send

    def __call__(self, fields: Fields) -> None:
        """Begin to send; the pieces come on ``clip``.

        Raises:
            RefusedError: a field is wrong, there is no such file, or too much is being sent.
        """
        alert_id = fields.ulid("alert_id")
        kind = Kind(fields.choice("kind", list(Kind)))
        fields.text("operator", default="")
        fields.finish()
        data = self._read(alert_id, kind)
        if not self._send(pieces(alert_id, kind, data)):
            raise RefusedError(Reason.of("clips_busy"))

    def _read(self, alert_id: str, kind: Kind) -> bytes:
        """The file.

        Raises:
            RefusedError: there is none that could be sent.
        """
        clip = self._store.clip(alert_id)
        if clip is None:
            raise RefusedError(Reason.of("clip_none", alert_id=alert_id))
        what = {"kind": kind.value, "alert_id": alert_id}
        name = clip.file if kind is Kind.AUDIO else clip.picture
        if name is None and clip.speech is Speech.DROPPED:
            raise RefusedError(Reason.of("clip_spoken", **what))
        # The store is ours, but it is a file that somebody may have changed.
        path = (self._folder / (name or "")).resolve()
        if name is None or path.parent != self._folder:
            raise RefusedError(Reason.of("clip_not_kept", **what))
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            refusal = Reason.of("clip_unreadable", **what, detail=reason(error))
            raise RefusedError(refusal) from error
        if len(data) > MAX_BYTES:
            raise RefusedError(Reason.of("clip_too_large", **what, most=MAX_BYTES))
        return data


def pieces(alert_id: str, kind: Kind, data: bytes) -> Iterator[str]:
    """The JSON of each piece of a file (``docs/mqtt/clip.schema.json``), made when it is due."""
    head = {"schema": SCHEMA, "alert_id": alert_id, "kind": kind.value}
    for piece in cut_up(data, _MEDIA_TYPES[kind]):
        yield json.dumps(head | piece, separators=(",", ":"))


def cut_up(data: bytes, media_type: str) -> Iterator[dict[str, str | int]]:
    """The fields of each piece of some data, made when it is due."""
    count = max(1, -(-len(data) // PIECE_BYTES))
    sha256 = hashlib.sha256(data).hexdigest()
    for index in range(count):
        piece = data[index * PIECE_BYTES : (index + 1) * PIECE_BYTES]
        yield {
            "media_type": media_type,
            "size_bytes": len(data),
            "sha256": sha256,
            "index": index,
            "count": count,
            "data": base64.b64encode(piece).decode("ascii"),
        }
