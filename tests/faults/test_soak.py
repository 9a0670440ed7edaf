"""The soak of ``script/soak`` at a small size; ``KIKIMIMI_SOAK_MINUTES`` makes it longer."""

from __future__ import annotations

import os

import pytest

from tests.faults.soak import Sample, _leaks, main

pytestmark = pytest.mark.broker


def test_soak() -> None:
    """Every siren is told of, and nothing grows, although agent and broker are killed."""
    minutes = os.environ.get("KIKIMIMI_SOAK_MINUTES", "0.4")
    assert main(["--minutes", minutes, "--speed", "8", "--kills", "2", "--no-clips"]) == 0


def test_growth_is_seen() -> None:
    """Memory beyond five percent, a thread or a file that stays: each is told."""
    calm = [Sample(1.0, 100.0, 9, 20)] * 10
    busy = [Sample(2.0, 106.0, 10, 21)] * 10
    assert _leaks(calm, calm, 100.0, 104.9) == []
    assert len(_leaks(calm, busy, 100.0, 106.0)) == 3
