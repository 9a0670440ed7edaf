"""The page of MQTT recipes, taken apart: its files, its commands, its rights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mqtt" / "recipes.md"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"`([a-z_]+\.(?:sh|py|ini))`[^`]*\Z")


@dataclass(frozen=True)
class Recipes:
    """What the page tells to write and to type."""

    files: dict[str, str]
    commands: tuple[str, ...]
    rights: str

    @classmethod
    def read(cls) -> Recipes:
        """A block is a file where the paragraph before it ends with a name, else what is typed."""
        page = PAGE.read_text(encoding="utf-8")
        files, commands, rights = {}, [], ""
        for found in _FENCE.finditer(page):
            before = page[: found.start()].rstrip().rpartition("\n\n")[2]
            name = _NAME.search(before) if before.endswith(":") or "beside it:" in before else None
            if name is not None:
                files[name[1]] = found[2]
            elif found[1] == "text":
                rights += found[2]
            else:
                commands.append(found[2])
        return cls(files, tuple(commands), rights)

    def command(self, part: str) -> str:
        """The one block of commands that holds a part."""
        (found,) = [one for one in self.commands if part in one]
        return found
