"""Readers that register themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from training.data.readers.registry import data_sets

PAGE = Path(__file__).resolve().parents[4] / "docs" / "manifest.md"
_NAMES = "from training.data.readers.registry import data_sets; print(*data_sets())"


@pytest.mark.parametrize("first", ["everyday", "folders"])
def test_the_order_is_that_of_the_readers_whichever_was_imported_first(first: str) -> None:
    """Else a manifest would depend on what a program happens to import."""
    as_they_come, otherwise = (
        subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        ).stdout.split()
        for program in (_NAMES, f"import training.data.readers.{first}; {_NAMES}")
    )
    assert as_they_come == otherwise
    assert set(as_they_come) > {"esc50-40", "effects-cc", "mimii-fan"}


def test_the_page_of_manifests_names_each() -> None:
    """Whoever chooses among them with ``--sets`` reads there how they are split."""
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in data_sets() if name not in text] == []
