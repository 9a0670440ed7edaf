"""``threshold_bounds`` of a description: read, refused, and kept to."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.errors import DescriptionsError
from agent.descriptions import parse

FILE = """version: 1
defaults: {{threshold_bounds: [2, 9]}}
errors:
  - id: air_leak
    text: air leaks
    {line}
"""


def test_bounds_are_two_thresholds() -> None:
    """Of the description, or of the defaults."""
    path = Path("d.yaml")
    own = parse(FILE.format(line="threshold_bounds: [3, 7.5]").encode(), path)
    assert own.errors[0].policy.threshold_bounds == (3.0, 7.5)
    default = parse(FILE.format(line="severity: minor").encode(), path)
    assert default.errors[0].policy.threshold_bounds == (2.0, 9.0)


@pytest.mark.parametrize("written", ["[7, 3]", "[3]", "[1, 2, 3]", "3", "[3, high]", "[-1, 3]"])
def test_other_bounds_are_told(written: str) -> None:
    """The line, what stands there and what to write."""
    with pytest.raises(DescriptionsError, match=r"d\.yaml:6 errors\[0\]\.threshold_bounds"):
        parse(FILE.format(line=f"threshold_bounds: {written}").encode(), Path("d.yaml"))
