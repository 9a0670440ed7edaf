"""What a site lets be kept of speech."""

from __future__ import annotations

from enum import StrEnum


class SpeechPolicy(StrEnum):
    """What is done with speech in a clip."""

    SCRAMBLE = "scramble"
    """Made unintelligible; the rest of the clip stays as it is."""
    DROP = "drop"
    """No sound is written where anybody speaks; the picture shows it scrambled."""
    KEEP = "keep"
    """Written as it is. Speech is not looked for."""
