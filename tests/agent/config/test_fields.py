"""Converters of single values."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import pytest

from agent.config import fields
from agent.config.values import nearest


class _Colour(StrEnum):
    RED = "red"
    GREEN = "GREEN"


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [("30s", 30), ("30", 30), ("2m", 120), ("2min", 120), ("1.5 h", 5_400), ("1d", 86_400),
     ("500ms", 0.5), (".5s", 0.5)],
)  # fmt: skip
def test_durations_are_read_in_their_units(raw: str, seconds: float) -> None:
    """A number without a unit counts as seconds."""
    assert fields.duration(0, 86_400)(raw) == seconds


@pytest.mark.parametrize("raw", ["", "s", "-1s", "1 week", "2d", "1e9", "nan", "３０s", "1s\n"])
def test_other_durations_are_refused(raw: str) -> None:
    """The remedy shows the form and the bounds."""
    with pytest.raises(ValueError, match=r"30s, 2m or 1h, from 0 to 86400 seconds"):
        fields.duration(0, 86_400)(raw)


@pytest.mark.parametrize(("raw", "value"), [("1", 1.0), ("-.5", -0.5), ("1e-1", 0.1), ("+1.", 1.0)])
def test_numbers_are_read(raw: str, value: float) -> None:
    """Also in the form with an exponent, which YAML 1.1 would take for a text."""
    assert fields.number(-1, 1)(raw) == value


@pytest.mark.parametrize("raw", ["", "2", "nan", "inf", "1_0", "0x1", "1:30", "１", "1e999"])
def test_other_numbers_are_refused(raw: str) -> None:
    """Neither infinite, nor out of bounds, nor in another notation."""
    with pytest.raises(ValueError, match="write a number from -1 to 1"):
        fields.number(-1, 1)(raw)


@pytest.mark.parametrize("raw", ["", "1.0", "010x", "9" * 5_000, "٣"])
def test_other_whole_numbers_are_refused(raw: str) -> None:
    """A giant one is refused without being computed."""
    with pytest.raises(ValueError, match="write a whole number from 1 to 9"):
        fields.integer(1, 9)(raw)


def test_choices_are_read_in_any_case() -> None:
    """An unknown one is answered with all, and the nearest."""
    assert fields.choice(_Colour)("Green") is _Colour.GREEN
    with pytest.raises(ValueError, match=r"one of red, green \(did you mean 'green'\?\)"):
        fields.choice(_Colour)("gren")


def test_texts_are_put_on_one_line() -> None:
    """Line breaks and runs of white space become one space, ideographic ones too."""
    assert fields.text()(" a\n b\t\u3000c ") == "a b c"
    with pytest.raises(ValueError, match=r"U\+2028"):
        fields.text()("a\u2028b")


def test_paths_start_at_their_base() -> None:
    """Relative ones; absolute ones and the home folder stay."""
    convert = fields.path(Path("/base"))
    assert convert("a  b.wav") == Path("/base/a  b.wav")
    assert convert("/x") == Path("/x")
    assert convert("~") == Path.home()
    for raw in (" ", "a\0b", "~nobody-of-this-name/x"):
        with pytest.raises(ValueError, match=r"write|delete"):
            convert(raw)


@pytest.mark.parametrize(
    ("name", "expected"), [("sevrity", "severity"), ("TEXT", "text"), ("zzz", None)]
)
def test_the_nearest_name_is_proposed(name: str, expected: str | None) -> None:
    """Only a name that is near is."""
    assert nearest(name, ["severity", "text"]) == expected
