"""What Home Assistant was told of, kept on the disk: what is gone by now has to be removed there.

Descriptions may be taken out of their file, and the setting switched off, while the box is off.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from agent.config.record import Form, record
from agent.core.files import write_text
from agent.integrations.home_assistant.entities import Platform  # noqa: TC001 - read from a file by its type

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE_NAME = "home_assistant.json"
MOST_REMOVED = 100
"""So many of those that are gone are remembered, the latest."""

_MAX_BYTES = 1 << 20

_Topic: TypeAlias = Annotated[
    str, Form(re.compile(r"[^+#\0]+/device/[a-zA-Z0-9_-]+/config"), "a topic of discovery")
]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """What was told, and where."""

    topic: _Topic
    components: dict[str, Platform]
    """The platform of each entity by key, gone or not; those that are gone come first."""

    def with_new(self, current: Mapping[str, Platform]) -> Published:
        """With what is told from now on."""
        gone = [(key, one) for key, one in self.components.items() if key not in current]
        return Published(self.topic, dict(gone[-MOST_REMOVED:]) | dict(current))


class PublishedFile:
    """Keeps it. What cannot be read or written is logged: nobody is removed then."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / FILE_NAME

    def read(self) -> Published | None:
        """What was told last; ``None`` where that was nothing, or is not known."""
        try:
            with self._path.open("rb") as file:
                raw = file.read(_MAX_BYTES)
            return record(Published, json.loads(raw))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            extra = {"file": str(self._path), "reason": str(error)}
            _log.warning("home_assistant_file_unreadable", extra=extra)
            return None

    def write(self, published: Published) -> None:
        """Remember what is told."""
        fields = {"topic": published.topic, "components": published.components}
        try:
            write_text(self._path, json.dumps(fields, ensure_ascii=False))
        except OSError as error:
            extra = {"file": str(self._path), "reason": str(error)}
            _log.warning("home_assistant_file_unwritable", extra=extra)

    def forget(self) -> None:
        """Nothing is told any more."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            extra = {"file": str(self._path), "reason": str(error)}
            _log.warning("home_assistant_file_unwritable", extra=extra)
