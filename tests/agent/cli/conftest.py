"""What tests of commands share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def embedded(texts_embedded_once: None) -> None:
    """Most commands embed the same few descriptions."""
