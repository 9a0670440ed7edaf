"""The stages as the pipeline's thread calls them, with a stopwatch where somebody wants one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.core.stopwatch import Stage, measured, measured_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from agent.alerts.alerts import Wording
    from agent.alerts.writer import AlertWriter
    from agent.core.records import Alert, Detection, Views, Window
    from agent.core.stopwatch import Stopwatch
    from agent.encoder.audio import Encoder
    from agent.hearing.recogniser import Recognised, Recogniser


@dataclass(frozen=True, slots=True)
class Stages:
    """Each is the stage's own method where nobody measures."""

    embed: Callable[[Sequence[Window]], Views]
    recognise: Callable[[Sequence[Window], Views], Iterator[Recognised]]
    write_alerts: Callable[[Iterable[Detection], Mapping[str, Wording], str], list[Alert]]

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        recogniser: Recogniser,
        writer: AlertWriter,
        stopwatch: Stopwatch | None,
    ) -> Stages:
        """Of a box."""
        return cls(
            measured(Stage.ENCODER, encoder.embed, stopwatch),
            measured_steps(Stage.RECOGNISER, recogniser.recognise, stopwatch),
            measured(Stage.ALERTS, writer.handle, stopwatch),
        )
