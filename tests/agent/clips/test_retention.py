"""Which clips go, and which stay."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from agent.clips import Limits, to_delete
from agent.clips.retention import RESERVE_BYTES, quota_now
from agent.core.answers import KeptClip

DAY_S = 86_400.0
NOW = 1_000 * DAY_S


def clip(number: int, error_id: str, age_days: float, size: int, *, labelled: bool) -> KeptClip:
    """A clip of some age."""
    alert_id = f"{number:026d}"
    return KeptClip(
        alert_id, error_id, NOW - age_days * DAY_S, size, f"{alert_id}.flac", None, labelled
    )


@st.composite
def clips(draw: st.DrawFn) -> list[KeptClip]:
    """Some clips of a few descriptions."""
    return [
        clip(
            number,
            draw(st.sampled_from(["horn", "glass", "siren"])),
            draw(st.integers(0, 100)),
            draw(st.integers(1, 100)),
            labelled=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 40)))
    ]


LIMITS = st.builds(Limits, st.integers(0, 2_000), st.integers(1, 90), st.integers(0, 5))


@given(clips(), LIMITS)
def test_the_newest_of_each_description_stay(found: list[KeptClip], limits: Limits) -> None:
    """Whatever the quota and their age."""
    gone = {one.alert_id for one in to_delete(found, NOW, limits)}
    for error_id, count in Counter(one.error_id for one in found).items():
        mine = sorted(
            (one for one in found if one.error_id == error_id),
            key=lambda one: (one.starts_at, one.alert_id),
        )
        newest = mine[max(0, count - limits.keep_per_description) :]
        assert not gone & {one.alert_id for one in newest}


@given(clips(), LIMITS)
def test_what_may_go_goes_until_it_fits(found: list[KeptClip], limits: Limits) -> None:
    """Over the quota only where nothing else may go; never more than needed."""
    gone = to_delete(found, NOW, limits)
    assert len({one.alert_id for one in gone}) == len(gone)
    left = [one for one in found if one not in gone]
    held = sum(one.size_bytes for one in left)
    if held > limits.quota_bytes:
        assert len(left) == sum(
            min(count, limits.keep_per_description)
            for count in Counter(one.error_id for one in found).values()
        )
    too_old = NOW - limits.keep_days * DAY_S
    needless = [one for one in gone if one.labelled or one.starts_at >= too_old]
    if needless:
        assert held + needless[-1].size_bytes > limits.quota_bytes


@given(clips(), LIMITS)
def test_without_an_answer_the_oldest_first_then_those_with_one(
    found: list[KeptClip], limits: Limits
) -> None:
    """The order in which they are deleted."""
    gone = to_delete(found, NOW, limits)
    assert gone == sorted(gone, key=lambda one: (one.labelled, one.starts_at, one.alert_id))


@given(clips(), LIMITS)
def test_deleting_twice_deletes_nothing_more(found: list[KeptClip], limits: Limits) -> None:
    """What is left fits."""
    gone = to_delete(found, NOW, limits)
    assert to_delete([one for one in found if one not in gone], NOW, limits) == []


def test_age_alone_deletes_what_nobody_answered() -> None:
    """And leaves what somebody did."""
    old = clip(1, "horn", 40, 10, labelled=False)
    answered = clip(2, "horn", 40, 10, labelled=True)
    new = clip(3, "horn", 1, 10, labelled=False)
    assert to_delete([new, answered, old], NOW, Limits(1_000, 30, 0)) == [old]


def test_a_disk_that_fills_up_shrinks_the_quota() -> None:
    """So that clips make room before anything else suffers."""
    assert quota_now(1_000, 500, 10 * RESERVE_BYTES) == 1_000
    assert quota_now(10 * RESERVE_BYTES, RESERVE_BYTES, RESERVE_BYTES // 2) == RESERVE_BYTES // 2
    assert quota_now(1_000, 500, 0) == 0
