"""What the box is worth, reckoned from the user's own numbers and from confirmed alerts.

There are no defaults: a number that nobody at the site has given would be an advertisement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.cli.report.intervals import bounds
from agent.config import fields
from agent.config import yaml_tree as yamlfile
from agent.config.table import Table
from agent.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MONTH_DAYS = 30.4375
VERSION = 1

MISSED, UNNOTICED, MINUTES, WAGE, BOX, ERRORS = (
    "cost_of_missed_error",
    "share_unnoticed",
    "minutes_per_verdict",
    "wage_per_hour",
    "cost_of_box_per_month",
    "errors_per_month",
)
_MOST = 1e12
_RANGES = {
    MISSED: (0.0, _MOST),
    UNNOTICED: (0.0, 1.0),
    MINUTES: (0.0, 1_440.0),
    WAGE: (0.0, _MOST),
    BOX: (0.0, _MOST),
}
_EXAMPLES = {MISSED: "20000", UNNOTICED: "0.3", MINUTES: "1", WAGE: "2500", BOX: "8000"}


@dataclass(frozen=True, slots=True)
class Guess:
    """A number that is not known exactly."""

    low: float
    likely: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether a single number was given."""
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The user's own numbers; money in the user's own currency."""

    currency: str
    guesses: Mapping[str, Guess]
    """By field of the file."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What the box counted."""

    errors: int
    """Confirmed errors; alerts about the same sound are one."""
    verdicts: int
    """Answers that people gave."""
    days: float


@dataclass(frozen=True, slots=True)
class Swing:
    """How far one number, alone, moves the result."""

    name: str
    guess: Guess
    at_low: float
    """Net a month where this one is low and all others are likely."""
    at_high: float

    @property
    def width(self) -> float:
        """Between the two."""
        return abs(self.at_high - self.at_low)

    @property
    def decides(self) -> bool:
        """Whether it alone makes a gain of a loss."""
        return min(self.at_low, self.at_high) < 0.0 < max(self.at_low, self.at_high)


@dataclass(frozen=True, slots=True)
class Balance:
    """Value and cost of a month, in the user's currency."""

    value: float
    labour: float
    box: float

    @property
    def cost(self) -> float:
        """Of the box and of people's time."""
        return self.labour + self.box

    @property
    def net(self) -> float:
        """What is left of the value."""
        return self.value - self.cost


@dataclass(frozen=True, slots=True)
class Roi:
    """The sheet."""

    currency: str
    observed: Observed
    guesses: Mapping[str, Guess]
    """The user's numbers, and the confirmed errors a month with their Poisson interval."""
    likely: Balance
    worst: Balance
    """Every number at its unfavourable end."""
    best: Balance
    break_even: Mapping[str, float | None]
    """By name: at what the net is nothing, all others likely; ``None`` where it never is."""
    swings: tuple[Swing, ...]
    """The widest first."""


def load(path: Path) -> Assumptions:
    """Read and validate a file of assumptions.

    Raises:
        ConfigError: with every problem that was found, a missing number among them.
    """
    problems: list[Problem] = []
    root = yamlfile.load(path, problems)
    table = Table(root, "", problems)
    table.required("version", fields.integer(VERSION, VERSION))
    currency = table.required("currency", fields.text(8)) or ""
    guesses = {name: _guess(table, name, *span) for name, span in _RANGES.items()}
    table.finish()
    if problems:
        raise ConfigError(problems)
    return Assumptions(currency, guesses)


def reckon(assumptions: Assumptions, observed: Observed) -> Roi:
    """What a month brings and costs.

    Args:
        assumptions: the user's.
        observed: what was counted; more than no time.

    Raises:
        ValueError: no time has passed.
    """
    if observed.days <= 0.0:
        raise ValueError(f"days are {observed.days}; write a period that has lasted")
    months = observed.days / MONTH_DAYS
    low, high = (bound / months for bound in bounds(observed.errors))
    errors = Guess(low, observed.errors / months, high)
    guesses = {ERRORS: errors, **assumptions.guesses}
    likely = {name: guess.likely for name, guess in guesses.items()}
    verdicts = observed.verdicts / months
    helps = {ERRORS, MISSED, UNNOTICED}
    ends = [
        {
            name: guess.low if (name in helps) is worst else guess.high
            for name, guess in guesses.items()
        }
        for worst in (True, False)
    ]
    swings = [
        Swing(
            name,
            guess,
            _balance({**likely, name: guess.low}, verdicts).net,
            _balance({**likely, name: guess.high}, verdicts).net,
        )
        for name, guess in guesses.items()
    ]
    swings.sort(key=lambda swing: (-swing.width, swing.name))
    return Roi(
        currency=assumptions.currency,
        observed=observed,
        guesses=guesses,
        likely=_balance(likely, verdicts),
        worst=_balance(ends[0], verdicts),
        best=_balance(ends[1], verdicts),
        break_even={name: _break_even(name, likely, verdicts) for name in guesses},
        swings=tuple(swings),
    )


def _balance(numbers: Mapping[str, float], verdicts: float) -> Balance:
    """A month, from one set of numbers and the verdicts that are given in it."""
    return Balance(
        value=numbers[ERRORS] * numbers[UNNOTICED] * numbers[MISSED],
        labour=verdicts * numbers[MINUTES] / 60.0 * numbers[WAGE],
        box=numbers[BOX],
    )


def _break_even(name: str, likely: Mapping[str, float], verdicts: float) -> float | None:
    """Where the net is nothing: it is a straight line in each of the numbers."""
    none, one = (_balance({**likely, name: number}, verdicts) for number in (0.0, 1.0))
    # Term by term: of a large net, a small difference would be rounding alone.
    slope = (one.value - none.value) - (one.labour - none.labour) - (one.box - none.box)
    if slope == 0.0:
        return None
    found = -none.net / slope
    return found if 0.0 <= found <= _RANGES.get(name, (0.0, _MOST))[1] else None


def _guess(table: Table, name: str, low: float, high: float) -> Guess:
    """One number, or three of which the middle one is the likely one."""
    example = _EXAMPLES[name]
    if not table.has(name):
        table.value(name, fields.text(), "")  # known from now on
        remedy = f"write this site's own, such as '{name}: {example}', or [low, likely, high]"
        table.report(name, "is missing", remedy)
        return Guess(low, low, low)
    given = table.values(name, fields.number(low, high), ())
    if len(given) == 1:
        return Guess(given[0], given[0], given[0])
    if len(given) == 3 and list(given) == sorted(given):  # noqa: PLR2004 - low, likely, high
        return Guess(*given)
    if given:
        table.report(name, f"is {list(given)}", "write one number, or [low, likely, high]")
    return Guess(low, low, low)
