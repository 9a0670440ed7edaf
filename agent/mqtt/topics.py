"""Every MQTT topic of a box, in one place."""

from __future__ import annotations

from dataclasses import dataclass

RESULT = "result"
"""What the answers to commands are called among them."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics under ``{prefix}/{site}/{node}/``."""

    prefix: str
    site: str
    node: str

    @property
    def root(self) -> str:
        """What all topics of this box start with, without the last slash."""
        return f"{self.prefix}/{self.site}/{self.node}"

    @property
    def status(self) -> str:
        """Retained ``online`` or ``offline``: birth, last will and clean stop."""
        return f"{self.root}/status"

    @property
    def health(self) -> str:
        """Retained JSON: state, reasons and counters."""
        return f"{self.root}/health"

    @property
    def alert(self) -> str:
        """One JSON message for each step in the life of an alert."""
        return f"{self.root}/alert"

    @property
    def alerts_open(self) -> str:
        """Retained JSON: the newest alerts that await an answer, and how many do."""
        return f"{self.root}/alerts/open"

    @property
    def scores(self) -> str:
        """Live scores of each window, where they are switched on."""
        return f"{self.root}/scores"

    @property
    def config_state(self) -> str:
        """Retained JSON: which descriptions are in force, and why the last ones were refused."""
        return f"{self.root}/config/state"

    @property
    def commands(self) -> str:
        """What the topics of commands to this box start with, without the last slash."""
        return f"{self.root}/cmd"

    @property
    def command_filter(self) -> str:
        """All of them, to subscribe to."""
        return f"{self.commands}/#"

    @property
    def result(self) -> str:
        """Whether a command was accepted, and why not."""
        return f"{self.commands}/{RESULT}"

    @property
    def clip(self) -> str:
        """JSON pieces of a clip's sound or picture that somebody asked for."""
        return f"{self.root}/clip"

    @property
    def taught(self) -> str:
        """What came of sounds that somebody taught."""
        return f"{self.root}/taught"

    @property
    def recent(self) -> str:
        """JSON pieces of the last minutes that somebody asked to see or to hear."""
        return f"{self.root}/recent"

    def source_state(self, source: str) -> str:
        """Retained state of one source."""
        return f"{self.root}/source/{source}/state"

    def source_level(self, source: str) -> str:
        """Level of one source in dBFS, ``null`` on digital silence."""
        return f"{self.root}/source/{source}/level"
