"""The page's own files: read once, and served from memory by name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "static"

_MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One of them."""

    content: bytes
    media: str
    tag: str
    """For ``If-None-Match``."""


def load() -> dict[str, StaticFile]:
    """All of them, by name."""
    found = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in _MEDIA:
            content = path.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            found[path.name] = StaticFile(content, _MEDIA[path.suffix], tag)
    return found
