"""What a running box costs, by stage and by thread, told by the processor time of its threads.

The box tells it itself: an attachment adds up what the stages took, reads what each thread took
from the operating system, and writes both to a file once a second. Whoever measures takes the
difference of two such readings.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.core import files
from agent.core.stopwatch import Stage
from agent.run.attachment import Attach, Attachment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.core.stopwatch import Stopwatch, Took
    from agent.run.health import Health

CAPTURE: Final = "capture"
MQTT: Final = "mqtt"
MEASURING: Final = "measuring"
REST: Final = "rest"
STAGES: Final = (
    CAPTURE,
    *(stage.value for stage in (Stage.FRONTEND, Stage.ENCODER, Stage.RECOGNISER, Stage.ALERTS)),
    *(Stage.CLIPS.value, MQTT, Stage.HEALTH.value, MEASURING, REST),
)
"""What a box's processor time is told by, in the order of the data path.

*capture*: decoding, resampling, mixing, level, clocks; *alerts* with the store; *clips* with the
rings and the memory of the last minutes; *mqtt* with scores; *measuring*: this one; *rest*: what
the thread that scores does beside its stages.
"""

_LIBRARY = "library"
"""Threads that Python did not start: the sound card's. No other library has any."""
_THREADS: Final = (
    ("listener-", CAPTURE),
    ("portaudio-call", CAPTURE),
    (_LIBRARY, CAPTURE),
    ("mqtt", MQTT),
    ("paho", MQTT),
    ("clips", Stage.CLIPS.value),
    ("memory", Stage.CLIPS.value),
)
"""What a thread's time is that no stage has taken, by the beginning of its name."""
_EACH_S = 1.0
_TASKS = Path("/proc/self/task")
_OF_THREAD = 6
"""Linux makes the clock of a thread's processor time out of its number and these bits. What stands
in ``/proc`` of a thread that runs is some milliseconds old."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a box had taken since its start, in seconds."""

    at_s: float
    """On the monotonic clock of the machine."""
    threads: Mapping[str, float]
    """Processor time, by name of the thread."""
    stages: Mapping[str, Mapping[str, float]]
    """Of it, what stages took: by name of the thread, then by stage."""

    @classmethod
    def from_json(cls, text: str) -> Reading:
        """What :meth:`to_json` wrote."""
        raw: dict[str, Any] = json.loads(text)
        return cls(raw["at_s"], raw["threads"], raw["stages"])

    def to_json(self) -> str:
        """For the file."""
        kept = {"at_s": self.at_s, "threads": self.threads, "stages": self.stages}
        return json.dumps(kept)


def by_stage(earlier: Reading, later: Reading) -> dict[str, float]:
    """Processor time between two readings, by :data:`STAGES`: milliseconds a second.

    They add up to what the threads took: what no stage took is its thread's.
    """
    found = dict.fromkeys(STAGES, 0.0)
    for name, total_s in later.threads.items():
        before = earlier.stages.get(name, {})
        taken_s = 0.0
        for stage, stage_s in later.stages.get(name, {}).items():
            took_s = stage_s - before.get(stage, 0.0)
            found[MQTT if stage == Stage.PUBLISHING else stage] += took_s
            taken_s += took_s
        found[_of_thread(name)] += total_s - earlier.threads.get(name, 0.0) - taken_s
    # The box looks at itself where it is measured.
    found[Stage.HEALTH.value] -= found[MEASURING]
    found[REST] += found[MEASURING]
    per_second = 1_000.0 / (later.at_s - earlier.at_s)
    return {stage: took_s * per_second for stage, took_s in found.items()}


def _of_thread(name: str) -> str:
    return next((stage for begin, stage in _THREADS if name.startswith(begin)), REST)


class Costs(Attachment):
    """Adds up, and writes a reading once a second."""

    def __init__(self, path: Path) -> None:
        """Args: the file for the readings, each in place of the one before."""
        self._path = path
        self._lock = threading.Lock()
        self._stages: dict[str, dict[str, float]] = {}
        self._due_s = 0.0

    def stopwatch(self) -> Stopwatch:
        """Add up what stages took, by their thread."""
        return self._take

    def reported(self, health: Health) -> None:  # noqa: ARG002 - the moment alone counts
        """Write a reading where it is time."""
        at_s = time.monotonic()
        if at_s < self._due_s:
            return
        began_s = time.thread_time()
        self._due_s = at_s + _EACH_S
        threads = _threads()
        with self._lock:
            stages = {name: dict(taken) for name, taken in self._stages.items()}
        files.write_text(self._path, Reading(at_s, threads, stages).to_json())
        self._add(MEASURING, time.thread_time() - began_s)

    def _take(self, stage: Stage, took: Took) -> None:
        self._add(stage.value, took.processor_s)

    def _add(self, stage: str, took_s: float) -> None:
        name = threading.current_thread().name
        with self._lock:
            taken = self._stages.setdefault(name, {})
            taken[stage] = taken.get(stage, 0.0) + took_s


def attach_to(path: Path) -> Attach:
    """Attaches :class:`Costs` to a box."""
    return lambda _parts: Costs(path)


def _threads() -> dict[str, float]:
    """Seconds of processor time of each thread of this process, also of libraries' own."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    found: dict[str, float] = {}
    for task in _TASKS.iterdir():
        try:
            took_s = time.clock_gettime(~int(task.name) << 3 | _OF_THREAD)
        except OSError:  # it has ended meanwhile
            continue
        name = names.get(int(task.name), _LIBRARY)
        found[name] = found.get(name, 0.0) + took_s
    return found
