"""The short-lived process that embeds texts: ``python -m agent.encoder.text_worker``.

Reads one request from standard input and writes one reply to standard output, see
:mod:`agent.encoder.text`. Ending gives the text tower's memory back.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

from agent.bundle import loading as bundles
from agent.core.errors import BundleError, KikimimiError
from agent.encoder.text_encoder import TextEncoder

# Listening goes first: texts can wait a moment, sound cannot.
_NICE = 10


def answer(request: bytes) -> bytes:
    """The reply to a request.

    Args:
        request: JSON with ``folder`` and ``sha256`` of a bundle and ``texts``.

    Returns:
        A line of JSON: on success ``shape``, after which the embeddings follow as float32 in
        little endian; otherwise ``error``, the name of its class, and ``message``.
    """
    asked = json.loads(request)
    try:
        bundle = bundles.load(Path(asked["folder"]))
        if bundle.sha256 != asked["sha256"]:
            raise BundleError(f"{bundle.folder}: has been replaced meanwhile; start again")
        embeddings = TextEncoder(bundle).encode(asked["texts"])
    except KikimimiError as error:
        return _line({"error": type(error).__name__, "message": str(error)})
    return _line({"shape": embeddings.shape}) + embeddings.astype("<f4").tobytes()


def _line(header: dict[str, object]) -> bytes:
    return json.dumps(header).encode("ascii") + b"\n"


def main(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer the one request."""
    os.nice(_NICE)
    replies.write(answer(requests.read()))
    replies.flush()


if __name__ == "__main__":
    # What a library may print must not get into the reply.
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    main(sys.stdin.buffer, channel)
