"""Every error that the agent raises on purpose.

::

    KikimimiError
     ├── ConfigError        (ValueError)       agent.yaml, command line, environment
     ├── DescriptionsError  (ValueError)       descriptions.yaml
     ├── TextError          (ValueError)       a text that the bundle cannot read
     ├── BundleError        (ValueError)       a bundle folder or one of its files
     ├── CaptureError       (OSError)          a microphone or a stream
     │    └── AudioFileError                   a sound file
     ├── StoreError         (OSError)          the state folder and its database
     │    └── StateInUseError                  another agent has it
     ├── ArchiveError       (OSError)          an archive's tables, views or index, its machines
     └── BrokerError        (ConnectionError)  the MQTT broker

A message is one line that names the thing, what was found and what to do instead: it is
printed to people as it stands; what cannot be printed in the names that it quotes is escaped here,
once for all of them. Recoverable faults (overflow, a lost broker) are not errors:
they are counted and shown in health.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from agent.core.names import shown
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in an input from outside, told so that a person can mend it."""

    where: str
    """The file, with line and field where known: ``descriptions.yaml:12 errors[2].severity``."""
    found: str
    """What stands there."""
    remedy: str
    """What to write instead."""

    def __post_init__(self) -> None:
        """Escape what cannot be printed."""
        for name in ("where", "found", "remedy"):
            object.__setattr__(self, name, shown(getattr(self, name)))

    @classmethod
    def from_message(cls, where: str, message: str) -> Self:
        """The parts of an error's message, ``where: found; remedy`` or without the first."""
        where = shown(where)
        found, _, remedy = message.removeprefix(f"{where}: ").rpartition("; ")
        return cls(where, found, remedy)

    def __str__(self) -> str:
        return f"{self.where}: {self.found}; {self.remedy}"


def reason(error: Exception) -> str:
    """Why something failed: the operating system's own words, where the error has them."""
    return str(getattr(error, "strerror", None) or error)


@contextmanager
def failing_as(kind: type[KikimimiError], where: object, remedy: str) -> Iterator[None]:
    """Tell an error of the operating system as one of ours: ``where: reason; remedy``.

    Raises:
        KikimimiError: of the kind, in place of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        raise kind(f"{where}: {reason(error)}; {remedy}") from error


class KikimimiError(Exception):
    """Base of all errors that the agent raises on purpose."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message if isinstance(message, Reason) else shown(message))


class _ProblemsError(KikimimiError, ValueError):
    """Carries every problem found in one input, so that all can be mended at once."""

    def __init__(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        self.problems = tuple(problems)
        # Not by the base, which escapes line breaks: each problem has escaped its own.
        Exception.__init__(self, "\n".join(str(problem) for problem in self.problems))


class ConfigError(_ProblemsError):
    """The configuration is missing or wrong."""


class DescriptionsError(_ProblemsError):
    """The descriptions are missing or wrong."""


class TextError(KikimimiError, ValueError):
    """A text holds characters that the bundle's text tower does not know."""


class BundleError(KikimimiError, ValueError):
    """A bundle is missing, damaged, or made for another version."""


class CaptureError(KikimimiError, OSError):
    """A source of sound cannot be opened or read."""


class AudioFileError(CaptureError):
    """A sound file cannot be read."""


class StoreError(KikimimiError, OSError):
    """The state folder or its database cannot be used."""


class StateInUseError(StoreError):
    """Another agent uses the state folder."""


class ArchiveError(KikimimiError, OSError):
    """An archive of recordings cannot be scanned or searched."""


class BrokerError(KikimimiError, ConnectionError):
    """The MQTT broker cannot be reached or refuses."""
