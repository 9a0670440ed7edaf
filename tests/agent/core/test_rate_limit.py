"""Token buckets, on a clock that the test turns."""

from __future__ import annotations

from agent.core.rate_limit import Bucket, Rate
from tests.fakes import FakeClock


def test_a_bucket_fills_with_time_and_overflows() -> None:
    """A burst, then one at a time, and never more than a burst."""
    clock = FakeClock()
    bucket = Bucket(Rate(burst=2, per_minute=6), clock)
    assert [bucket.take() for _ in range(3)] == [0, 0, 10.0]
    clock.advance(10.0)
    assert [bucket.take(), bucket.take()] == [0, 10.0]
    clock.advance(3_600.0)
    assert [bucket.take() for _ in range(3)] == [0, 0, 10.0]
