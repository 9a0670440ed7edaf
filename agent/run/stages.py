"""The stages as the pipeline's thread calls them, with a stopwatch where somebody wants one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.core.stopwatch import Stage, measured, measured_action, measured_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from agent.alerts.alerts import Wording
    from agent.alerts.writer import AlertWriter
    from agent.clips import Recorder
    from agent.core.records import Alert, Detection, Match, Views, Window
    from agent.core.stopwatch import Stopwatch
    from agent.encoder.audio import Encoder
    from agent.hearing.recogniser import Recognised, Recogniser
    from agent.run.reporter import Reporter


@dataclass(frozen=True, slots=True)
class Stages:
    """Each is the stage's own method where nobody measures."""

    embed: Callable[[Sequence[Window]], Views]
    recognise: Callable[[Sequence[Window], Views], Iterator[Recognised]]
    write_alerts: Callable[[Iterable[Detection], Mapping[str, Wording], str], list[Alert]]
    remember: Callable[[Window, Views], None] | None
    """For clips; ``None`` where the site keeps none."""
    publish_scores: Callable[[Match], None]
    keep_house: Callable[[], None]

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        recogniser: Recogniser,
        writer: AlertWriter,
        *,
        recorder: Recorder | None,
        reporter: Reporter,
        keep_house: Callable[[], None],
        stopwatch: Stopwatch | None,
    ) -> Stages:
        """Of a box."""
        remember = None
        if recorder is not None:
            remember = measured_action(Stage.CLIPS, recorder.scored, stopwatch)
        return cls(
            measured(Stage.ENCODER, encoder.embed, stopwatch),
            measured_steps(Stage.RECOGNISER, recogniser.recognise, stopwatch),
            measured(Stage.ALERTS, writer.handle, stopwatch),
            remember,
            measured_action(Stage.PUBLISHING, reporter.scores, stopwatch),
            measured_action(Stage.HEALTH, keep_house, stopwatch),
        )
