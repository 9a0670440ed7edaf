"""Findings as people and programs read them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from agent.cli.doctor.findings import Finding, Outcome, Part
from agent.cli.reasons import told
from agent.cli.words import Words, texts_of

if TYPE_CHECKING:
    from agent.cli.words import Language

FOLDER = Path(__file__).parent / "texts"
_COLOURS = {Outcome.OK: "green", Outcome.WARN: "yellow", Outcome.FAIL: "bold red"}
_GAP = 2


class Telling:
    """Tells findings in one language."""

    def __init__(self, language: Language, config: Path | None = None) -> None:
        """Read the language's words.

        Args:
            language: the reader's.
            config: that was named, for the commands in remedies.

        Raises:
            ConfigError: the package's file is missing or damaged.
        """
        self._language = language
        self._option = "" if config is None else f" --config {shlex.quote(str(config))}"
        self.words = Words(language, texts_of(FOLDER, language))
        self._outcomes = _GAP + max(cell_len(self.words(one)) for one in Outcome)
        self._parts = _GAP + max(cell_len(self.words(one)) for one in Part)

    def found(self, finding: Finding) -> str:
        """What was found."""
        return self.words(finding.code, **self._values(finding))

    def remedy(self, finding: Finding) -> str:
        """What to do; empty where nothing is."""
        if finding.outcome is Outcome.OK:
            return ""
        return self.words(f"{finding.code}_remedy", **self._values(finding))

    def lines(self, finding: Finding) -> Text:
        """For people: a line, and one with the remedy where there is one."""
        line = Text()
        line.append(self._padded(finding.outcome, self._outcomes), _COLOURS[finding.outcome])
        line.append(self._padded(finding.part, self._parts))
        line.append(self.found(finding))
        if remedy := self.remedy(finding):
            line.append(f"\n{' ' * (self._outcomes + self._parts)}→ {remedy}")
        return line

    def plain(self, finding: Finding) -> dict[str, Any]:
        """For programs: what it is by names that stay, and the same words."""
        return {
            "part": finding.part.value,
            "outcome": finding.outcome.value,
            "code": finding.code,
            "values": {name: str(value) for name, value in finding.values.items()},
            "found": self.found(finding),
            "remedy": self.remedy(finding),
        }

    def _padded(self, key: str, cells: int) -> str:
        word = self.words(key)
        return word + " " * (cells - cell_len(word))

    def _values(self, finding: Finding) -> dict[str, str]:
        values = {name: told(value, self._language) for name, value in finding.values.items()}
        return {"option": self._option, **values}
