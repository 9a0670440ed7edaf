"""``cmd/recent``: the last minutes of a source, to look at and to listen to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from agent.alerts.alerts import timestamp
from agent.clips.recent import View, answers, refusal
from agent.core.errors import AudioFileError, BundleError
from agent.core.reasons import Reason
from agent.mqtt.payload import RefusedError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.clips import Cut, SoundMemory
    from agent.clips.writing import ClipWriter
    from agent.mqtt.payload import Fields
    from agent.run.reporting import Reporting

LONGEST_S = 30.0
"""Of what is heard or seen at once."""
_RETRY_S = 10
_AGES = 1e9


class RecentCommand:
    """``cmd/recent``: a curve of the last minutes, or a while of them as sound or picture."""

    def __init__(
        self, reporting: Reporting, send: Callable[[Iterator[str]], bool], rate_hz: int
    ) -> None:
        """Send from now on.

        Args:
            reporting: remembers the last minutes.
            send: sends pieces one after another behind everything else; ``False`` where too many
                wait already.
            rate_hz: samples a second of all sound.
        """
        self._reporting = reporting
        self._send = send
        self._rate_hz = rate_hz

    def __call__(self, fields: Fields) -> None:
        """Begin to send; the pieces come on ``recent``.

        Raises:
            RefusedError: a field is wrong, that while is not remembered, or too much is sent.
        """
        request_id = fields.request_id()
        source = fields.needed("source")
        view = View(fields.choice("kind", [choice.value for choice in View]))
        curve = view is View.CURVE
        begin_at, end_at = (0.0, 0.0) if curve else fields.span("from", "to")
        fields.text("operator", default="")
        fields.finish()
        recorder, memory = self._reporting.memory_of(source)
        if curve:
            data = self._curve(memory, source)
            if not self._send(answers(request_id, source, view, data)):
                raise RefusedError(Reason.of("clips_busy"))
            return
        reporting = self._reporting
        end_at = reporting.refuse_outside(memory, source, begin_at, end_at, LONGEST_S)
        cut = reporting.cut(memory, source, begin_at, end_at)

        def errand(writer: ClipWriter) -> None:
            self._send(self._treated(writer, cut, request_id, source, view))

        if not recorder.attend(errand):
            raise RefusedError(Reason.of("clips_waiting", seconds=_RETRY_S))

    def _treated(
        self, writer: ClipWriter, cut: Cut, request_id: str, source: str, view: View
    ) -> Iterator[str]:
        """Sound or picture, cleared of speech by the site's policy; in the worker's thread."""
        try:
            data = writer.treated(cut.samples, self._rate_hz, picture=view is View.PICTURE)
        except (BundleError, AudioFileError) as error:
            why = Reason.of("speech_unsearched", detail=str(error))
            return iter([refusal(request_id, source, view, why)])
        if data is None:
            why = Reason.of("recent_spoken", kind=view.value)
            return iter([refusal(request_id, source, view, why)])
        return answers(request_id, source, view, data)

    def _curve(self, memory: SoundMemory, source: str) -> bytes:
        """Levels, and the description that was nearest to alarming, over all that is remembered.

        Raises:
            RefusedError: nothing is remembered yet.
        """
        levels = memory.of(source).levels()
        span = memory.of(source).span()
        if span is None:
            raise RefusedError(Reason.of("memory_empty", source=shown(source)))
        begin = span[0]
        watch, heard = self._reporting.watch, memory.heard(source, begin, begin + _AGES)
        nearest: list[tuple[float, int, float]] = []
        ids = watch.matcher.error_ids
        if heard is not None and ids:
            limits = np.array([watch.policies[name].threshold_on for name in ids], np.float32)
            for match in watch.matcher.match(heard.windows, heard.views):
                over = match.score - limits
                best = int(over.argmax())
                at = match.captured_at + match.duration_s / 2 - begin
                nearest.append((round(at, 1), best, round(float(over[best]), 1)))
        named = sorted({row for _, row, _ in nearest})
        places = {row: place for place, row in enumerate(named)}
        return json.dumps(
            {
                "from": timestamp(begin),
                "to": timestamp(span[1]),
                "levels": [[round(at - begin, 1), level] for at, level in levels],
                "error_ids": [ids[row] for row in named],
                "descriptions": [watch.wordings[ids[row]].description for row in named],
                "nearest": [[at, places[row], over] for at, row, over in nearest],
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
