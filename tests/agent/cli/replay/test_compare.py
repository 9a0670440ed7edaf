"""Alerts of two bundles, side by side: pure, on values."""

from __future__ import annotations

from pathlib import Path

from agent.cli.replay.compare import Change, Comparing, paired
from agent.cli.replay.listener import ReplayedAlert
from agent.cli.replay.sounds import Judgement, Sound
from agent.core.records import Verdict

_WORDS = {"drop": "a part drops", "leak": "air leaks"}


def _alert(starts_s: float, error_id: str = "drop", score: float = 5.0) -> ReplayedAlert:
    return ReplayedAlert(error_id, starts_s, starts_s + 2.0, score, 4.5)


def _sound(verdict: Verdict | None, error_id: str = "drop", text: str = "a part drops") -> Sound:
    return Sound(Path("clip.flac"), (Judgement(error_id, text, verdict),))


def test_alerts_that_overlap_are_one() -> None:
    """Each alert is used once; what is left over is lost or gained."""
    current, candidate = [_alert(0.0), _alert(1.5), _alert(20.0)], [_alert(1.0), _alert(40.0)]
    assert paired(current, candidate) == [
        (current[0], candidate[0]),
        (current[1], None),
        (current[2], None),
        (None, candidate[1]),
    ]


def test_what_touches_does_not_overlap() -> None:
    """An alert that begins when another ends is another."""
    assert paired([_alert(0.0)], [_alert(2.0)])[0][1] is None


def test_confirmed_alert_that_only_the_candidate_misses_is_lost() -> None:
    """What neither hears in the clip is no loss of the candidate's."""
    comparing = Comparing(_WORDS)
    comparing.take(_sound(Verdict.CONFIRM), [_alert(3.0)], [])
    comparing.take(_sound(Verdict.CONFIRM), [], [])
    comparing.take(_sound(Verdict.CONFIRM), [], [_alert(3.0)])
    comparing.take(_sound(Verdict.CONFIRM), [_alert(3.0)], [_alert(3.5, score=6.25)])
    result = comparing.result()
    (line,) = result.lines
    confirmed = line.confirmed
    assert (confirmed.lost, confirmed.neither, confirmed.gained, confirmed.both) == (1, 1, 1, 1)
    assert [error_id for _, error_id in result.lost] == ["drop"]
    assert (line.notable, line.mean_change) == (1, 1.25)


def test_rejected_alert_that_goes_is_no_loss() -> None:
    """It is silenced; and another description's alert says nothing of it."""
    comparing = Comparing(_WORDS)
    comparing.take(_sound(Verdict.REJECT), [_alert(3.0)], [_alert(3.0, "leak")])
    result = comparing.result()
    assert not result.lost
    assert result.lines[0].rejected.lost == 1
    assert [one.change for one in result.pairings] == [Change.LOST, Change.GAINED]
    assert [one.verdict for one in result.pairings] == [Verdict.REJECT, None]


def test_verdicts_that_say_nothing_are_counted() -> None:
    """People who differ, who do not know, and who answered about something else."""
    comparing = Comparing(_WORDS)
    comparing.take(_sound(None), [_alert(3.0)], [])
    comparing.take(_sound(Verdict.UNSURE), [_alert(3.0)], [])
    comparing.take(_sound(Verdict.CONFIRM, "gone"), [], [])
    comparing.take(_sound(Verdict.CONFIRM, text="something drops"), [_alert(3.0)], [_alert(3.0)])
    result = comparing.result()
    counts = (result.disputed, result.unsure, result.unknown, result.reworded)
    assert counts == (1, 1, 1, 1)
    assert not result.lost
