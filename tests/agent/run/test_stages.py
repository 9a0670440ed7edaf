"""Stages are measured where an attachment wants to know, and are left alone otherwise."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from agent.core.stopwatch import Stage
from agent.run.attachment import Attachment, Attachments
from agent.run.stages import Stages

if TYPE_CHECKING:
    import pytest

    from agent.alerts.writer import AlertWriter
    from agent.core.stopwatch import Stopwatch
    from agent.encoder.audio import Encoder
    from agent.hearing.recogniser import Recogniser
    from agent.run.parts import BoxParts


class Quiet(Attachment):
    """Asks for nothing."""


class Timing(Attachment):
    """Wants to know how long stages take."""

    def __init__(self, take: Stopwatch) -> None:
        self._take = take

    def stopwatch(self) -> Stopwatch:
        """Whatever it was given."""
        return self._take


PARTS = cast("BoxParts", SimpleNamespace())
"""Of a box that none of these asks anything."""


def test_stages_are_the_methods_themselves_where_nobody_measures() -> None:
    """As with no attachment, or with one that does not ask: the data path is as it was."""
    encoder, recogniser, writer = (
        cast("Encoder", SimpleNamespace(embed=object())),
        cast("Recogniser", SimpleNamespace(recognise=object())),
        cast("AlertWriter", SimpleNamespace(handle=object())),
    )
    attachments = Attachments({"quiet": lambda _parts: Quiet()}, PARTS)
    assert attachments.troubles() == {}
    stages = Stages.of(encoder, recogniser, writer, attachments.stopwatch())
    assert stages.embed is encoder.embed
    assert stages.recognise is recogniser.recognise
    assert stages.write_alerts is writer.handle


def test_a_stopwatch_that_fails_stops_no_stage(caplog: pytest.LogCaptureFixture) -> None:
    """It is told once, like any other failure; the next one gets its times all the same."""

    def broken(_stage: Stage, _took_s: float) -> None:
        raise RuntimeError("broken")

    took: list[tuple[Stage, float]] = []
    attachments = Attachments(
        {
            "broken": lambda _parts: Timing(broken),
            "taking": lambda _parts: Timing(lambda stage, took_s: took.append((stage, took_s))),
        },
        PARTS,
    )
    stopwatch = attachments.stopwatch()
    assert stopwatch is not None
    stopwatch(Stage.ENCODER, 0.25)
    stopwatch(Stage.ALERTS, 0.5)
    assert took == [(Stage.ENCODER, 0.25), (Stage.ALERTS, 0.5)]
    assert caplog.messages == ["attachment_failed"]
    assert attachments.troubles().keys() == {"broken"}
