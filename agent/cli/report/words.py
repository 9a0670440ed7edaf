"""The report's words, numbers and dates in the reader's language."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli import words
from agent.cli.words import Language

if TYPE_CHECKING:
    from datetime import tzinfo

    from agent.cli.report.intervals import Rate, Share

FOLDER = Path(__file__).parent / "texts"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = "月火水木金土日"
_DURATIONS = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


@dataclass(frozen=True, slots=True)
class Words(words.Words):
    """One language."""

    def percent(self, value: float) -> str:
        """A share; neither 0 % nor 100 % unless it is exactly that."""
        whole = round(100.0 * value)
        if whole == 0 and value > 0.0:
            return "<1%"
        if whole == 100 and value < 1.0:  # noqa: PLR2004 - all of it
            return ">99%"
        return f"{whole}%"

    def number(self, value: float) -> str:
        """A number with as many digits as a reader can use."""
        size = abs(value)
        if size >= 100.0 or value == round(value):  # noqa: PLR2004 - three digits suffice
            return f"{value:,.0f}".replace("-", "−")
        digits = 1 if size >= 10.0 else 2  # noqa: PLR2004
        if 0.0 < size < 0.1:  # noqa: PLR2004
            digits = min(6, 1 - math.floor(math.log10(size)))
        text = f"{value:.{digits}f}".rstrip("0").removesuffix(".")
        return text.replace("-", "−")

    def money(self, value: float, currency: str) -> str:
        """An amount, rounded to what the guess behind it bears: three digits."""
        if value:
            step = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
            value = round(value / step) * step
        text = f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:,.2f}"  # noqa: PLR2004
        text = text.replace("-", "−")
        return f"{text} {currency}".rstrip()

    def between(self, share: Share) -> str:
        """The interval of a share."""
        return self("to", low=self.percent(share.low), high=self.percent(share.high))

    def around(self, rate: Rate) -> str:
        """The interval of a rate."""
        return self("to", low=self.number(rate.low), high=self.number(rate.high))

    def duration(self, seconds: float) -> str:
        """A length of time in its largest unit."""
        # What rounds to 60 s is a minute.
        size, key = next(
            ((size, key) for size, key in _DURATIONS if seconds >= size * 0.995), _DURATIONS[-1]
        )
        value = seconds / size
        shown = f"{value:.0f}" if value >= 9.95 or value == round(value) else f"{value:.1f}"  # noqa: PLR2004
        return self(key, value=shown.removesuffix(".0"))

    def day(self, at: date) -> str:
        """A date, in full."""
        if self.language is Language.JA:
            return f"{at.year}年{at.month}月{at.day}日（{_WEEKDAYS[at.weekday()]}）"
        return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"

    def short_day(self, at: date) -> str:
        """A date without its year."""
        if self.language is Language.JA:
            return f"{at.month}/{at.day}"
        return f"{at.day} {_MONTHS[at.month - 1]}"

    def moment(self, at: float, zone: tzinfo) -> str:
        """A date and a time on the site's clock."""
        local = datetime.fromtimestamp(at, zone)
        return f"{self.day(local.date())} {local:%H:%M}"


def load(language: Language) -> Words:
    """The words of a language.

    Raises:
        ConfigError: the package's file is missing or damaged.
    """
    return Words(language, words.texts_of(FOLDER, language))
