"""Stages are measured where an attachment wants to know, and are left alone otherwise."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from agent.core.stopwatch import Stage, Took
from agent.run.attachment import Attachment, Attachments
from agent.run.stages import Stages

if TYPE_CHECKING:
    import pytest

    from agent.alerts.writer import AlertWriter
    from agent.clips import Recorder
    from agent.core.stopwatch import Stopwatch
    from agent.encoder.audio import Encoder
    from agent.hearing.recogniser import Recogniser
    from agent.run.parts import BoxParts
    from agent.run.reporter import Reporter


class Quiet(Attachment):
    """Asks for nothing."""


class Timing(Attachment):
    """Wants to know how long stages take."""

    def __init__(self, take: Stopwatch) -> None:
        self._take = take

    def stopwatch(self) -> Stopwatch:
        """Whatever it was given."""
        return self._take


def keep_house() -> None:
    """Nothing to do."""


PARTS = cast("BoxParts", SimpleNamespace())
"""Of a box that none of these asks anything."""


def test_stages_are_the_methods_themselves_where_nobody_measures() -> None:
    """As with no attachment, or with one that does not ask: the data path is as it was."""
    encoder, recogniser, writer = (
        cast("Encoder", SimpleNamespace(embed=object())),
        cast("Recogniser", SimpleNamespace(recognise=object())),
        cast("AlertWriter", SimpleNamespace(handle=object())),
    )
    recorder = cast("Recorder", SimpleNamespace(scored=object()))
    reporter = cast("Reporter", SimpleNamespace(scores=object()))
    attachments = Attachments({"quiet": lambda _parts: Quiet()}, PARTS)
    assert attachments.troubles() == {}
    stages = Stages.of(
        encoder,
        recogniser,
        writer,
        recorder=recorder,
        reporter=reporter,
        keep_house=keep_house,
        stopwatch=attachments.stopwatch(),
    )
    assert stages.embed is encoder.embed
    assert stages.recognise is recogniser.recognise
    assert stages.write_alerts is writer.handle
    assert stages.remember is recorder.scored
    assert stages.publish_scores is reporter.scores
    assert stages.keep_house is keep_house


def test_a_stopwatch_that_fails_stops_no_stage(caplog: pytest.LogCaptureFixture) -> None:
    """It is told once, like any other failure; the next one gets its times all the same."""

    def broken(_stage: Stage, _took: Took) -> None:
        raise RuntimeError("broken")

    took: list[tuple[Stage, Took]] = []
    short, long = Took(0.25, 0.125, 1), Took(0.5, 0.25, 1)
    attachments = Attachments(
        {
            "broken": lambda _parts: Timing(broken),
            "taking": lambda _parts: Timing(lambda stage, one: took.append((stage, one))),
        },
        PARTS,
    )
    stopwatch = attachments.stopwatch()
    assert stopwatch is not None
    stopwatch(Stage.ENCODER, short)
    stopwatch(Stage.ALERTS, long)
    assert took == [(Stage.ENCODER, short), (Stage.ALERTS, long)]
    assert caplog.messages == ["attachment_failed"]
    assert attachments.troubles().keys() == {"broken"}
