"""What pages asked for of the last minutes: put together from its pieces, in memory alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from agent.clips.recent import MEDIA_TYPES

MOST = 8
"""Answers that are kept; the oldest go first."""
MOST_PIECES = 200


@dataclass(slots=True)
class File:
    """One answer, as far as it came."""

    media: str = ""
    pieces: dict[int, bytes] = field(default_factory=dict)
    data: bytes = b""
    """Empty until it is whole."""


class Recent:
    """Answers by the request that asked for them. Used by the event loop's thread alone."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, File] = OrderedDict()

    def expect(self, request_id: str) -> None:
        """Take what comes for a request; of nobody else's is anything kept."""
        self._files[request_id] = File()
        while len(self._files) > MOST:
            self._files.popitem(last=False)

    def file(self, request_id: str) -> File | None:
        """An answer that is whole."""
        found = self._files.get(request_id)
        return found if found is not None and found.data else None

    def take(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Take a message of ``recent``, which anybody may have written.

        Returns:
            what the pages are told where an answer is whole, or where none comes.
        """
        request_id = message.get("request_id")
        if not isinstance(request_id, str) or request_id not in self._files:
            return None
        told = {name: message.get(name) for name in ("request_id", "kind", "source")}
        if "reason" in message:
            del self._files[request_id]
            return told | {name: message.get(name) for name in ("reason", "code", "parameters")}
        file, piece = self._files[request_id], _piece(message)
        if piece is None:
            return None
        index, count, data = piece
        file.pieces[index] = data
        if set(file.pieces) != set(range(count)):
            return None
        whole = b"".join(file.pieces[number] for number in range(count))
        file.pieces.clear()
        if hashlib.sha256(whole).hexdigest() != message.get("sha256"):
            return None
        file.data, file.media = whole, str(message["media_type"])
        return told


_MEDIA = frozenset(MEDIA_TYPES.values())


def _piece(message: dict[str, Any]) -> tuple[int, int, bytes] | None:
    """Place, count and content of a piece; ``None`` where it is none."""
    index, count = message.get("index"), message.get("count")
    if not isinstance(index, int) or not isinstance(count, int):
        return None
    if not 0 <= index < count <= MOST_PIECES:
        return None
    try:
        data = base64.b64decode(str(message.get("data")), validate=True)
    except (binascii.Error, ValueError):
        return None
    return (index, count, data) if message.get("media_type") in _MEDIA else None
