"""Records out of JSON: by the annotations, or refused with what is there and what fits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import pytest

from agent.config.reader import Between
from agent.config.record import AtMost, FilledText, record


class Colour(StrEnum):
    """Of a part."""

    RED = "red"
    GREEN = "green"


@dataclass(frozen=True)
class Part:
    """In a whole."""

    name: FilledText
    colour: Colour
    count: Annotated[int, Between(1, 9)] = 1


@dataclass(frozen=True)
class Whole:
    """Of everything that a record may hold."""

    title: str
    share: Annotated[float, Between(0.0, 1.0)]
    size: float
    good: bool
    parts: Annotated[tuple[Part, ...], AtMost(2)]
    named: dict[str, Part]
    best: Part | None = None


def raw(**changes: Any) -> dict[str, Any]:
    """A valid object, changed."""
    part = {"name": "a", "colour": "red"}
    whole = {"title": "", "share": 1, "size": -1e300, "good": True, "parts": [part], "named": {}}
    return whole | changes


def test_a_record_is_read_by_its_annotations() -> None:
    """Nested ones, lists, tables, what may be null and what has a default."""
    part = Part("a", Colour.RED)
    assert record(Whole, raw(named={"x": {"name": "b", "colour": "green", "count": 9}})) == Whole(
        "", 1.0, -1e300, good=True, parts=(part,), named={"x": Part("b", Colour.GREEN, 9)}
    )
    assert record(Whole, raw(best={"name": "a", "colour": "red"})).best == part
    assert record(Whole, raw(best=None)).best is None


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ([], "holds [] in the place of a table"),
        (raw(titel=""), "unknown field 'titel' (did you mean 'title'?)"),
        (raw(xyz=""), "unknown field 'xyz'"),
        (raw(**{f"x\n{'y' * 99}": ""}), f"unknown field 'x\\n{'y' * 58}'"),
        ({**raw(), "parts": [{"name": "a"}]}, "no field 'parts[0].colour'"),
        ({"title": ""}, "no field 'share'"),
        (raw(title=3), "title holds 3 in the place of a text"),
        (raw(share=2), "share holds 2 in the place of a number from 0 to 1"),
        (raw(share=True), "share holds True in the place of a number from 0 to 1"),
        (raw(share=float("nan")), "share holds nan in the place of a number from 0 to 1"),
        (raw(size=float("inf")), "size holds inf in the place of a number"),
        (raw(size=10**400), f"size holds 1{'0' * 59}… in the place of a number"),
        (raw(good=1), "good holds 1 in the place of true or false"),
        (raw(parts={}), "parts holds {} in the place of a list of at most 2"),
        (raw(parts=[1, 2, 3]), "parts holds [1, 2, 3] in the place of a list of at most 2"),
        (raw(named=[]), "named holds [] in the place of a table"),
        (
            raw(named={"x": {"name": "", "colour": "red"}}),
            "named.x.name holds '' in the place of a text",
        ),
        (
            raw(best={"name": "a", "colour": "rad"}),
            "best.colour holds 'rad' in the place of one of red, green (did you mean 'red'?)",
        ),
        (
            raw(best={"name": "a", "colour": "red", "count": 1.0}),
            "best.count holds 1.0 in the place of a whole number from 1 to 9",
        ),
    ],
)
def test_what_does_not_fit_is_named(wrong: Any, told: str) -> None:
    """The field, what stands there, and what belongs there."""
    with pytest.raises(ValueError, match=re.escape(told)) as caught:
        record(Whole, wrong)
    assert str(caught.value) == told


def test_a_record_may_be_open_or_complete() -> None:
    """More fields are left alone then; what has a default has to be there too."""
    assert record(Part, {"name": "a", "colour": "red", "more": 1}, closed=False).count == 1
    with pytest.raises(ValueError, match="no field 'count'"):
        record(Part, {"name": "a", "colour": "red"}, complete=True)
