"""What tests of whole boxes share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def embedded(texts_embedded_once: None) -> None:
    """Boxes in this process have the same few descriptions."""
