"""Sources of sound, each on a thread of its own: blocks in, windows out."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from agent.capture.build import make_source
from agent.capture.supervisor import Supervisor
from agent.core.records import SourceState
from agent.core.stopwatch import Stage, measured, measured_action
from agent.frontend.backlog import Backlog
from agent.hearing.windows import make_windower

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.bundle.loading import Bundle
    from agent.capture.baseline import LevelBaseline
    from agent.capture.supervisor import SourceStatus
    from agent.config import Settings
    from agent.core.clock import Clock
    from agent.core.records import Block
    from agent.core.stopwatch import Stopwatch
    from agent.frontend.windows import Windower

_log = logging.getLogger(__name__)


class Listener:
    """Cuts a source's blocks into windows and leaves them in the backlog."""

    def __init__(
        self,
        supervisor: Supervisor,
        windower: Windower,
        backlog: Backlog,
        *,
        live: bool,
        rest: bool = False,
        on_block: Callable[[Block], None] | None = None,
    ) -> None:
        """Take over a source.

        Args:
            supervisor: of the source.
            windower: of its bundle.
            backlog: where windows go.
            live: whether the sound goes on whether it is heard or not, so that a backlog that
                is full has to drop windows; otherwise the source waits.
            rest: whether a source that ends is heard to its end: what fills no hop by one more
                window, and less than a window by a short one.
            on_block: told of every block before it is cut, in the source's thread.
        """
        self._live = live
        self._rest = rest
        self._supervisor = supervisor
        self._windower = windower
        self._cut = windower.push
        self._backlog = backlog
        self._on_block = on_block
        self._stop = threading.Event()
        name = f"listener-{supervisor.status.source}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.failure: BaseException | None = None
        """What ended the thread although nobody asked it to."""
        self.blocks = 0
        """That it took from the source so far."""

    @property
    def status(self) -> SourceStatus:
        """What the source is doing."""
        return self._supervisor.status

    def watch(self) -> None:
        """See whether the source holds its thread."""
        self._supervisor.watch()

    @property
    def finished(self) -> bool:
        """Whether no more windows will come."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def measure(self, stopwatch: Stopwatch | None) -> None:
        """Tell from now on how long each block takes; not once it has begun."""
        self._cut = measured(Stage.FRONTEND, self._windower.push, stopwatch)
        if self._on_block is not None:
            self._on_block = measured_action(Stage.CLIPS, self._on_block, stopwatch)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Stop listening and free the device."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            for block in self._supervisor.blocks(self._stop):
                if block is not None:
                    self.blocks += 1
                    if self._on_block is not None:
                        self._on_block(block)
                    self._backlog.put(self._cut(block), wait=not self._live)
            if self._rest and self.status.ended:
                self._backlog.put(self._windower.flush(), wait=not self._live)
        except Exception as error:  # the pipeline ends the program, and systemd starts it again
            _log.exception("listener_failed", extra={"source": self.status.source})
            self.failure = error


class Listeners:
    """All sources of a site, each on a thread of its own, and their windows that wait."""

    def __init__(
        self,
        settings: Settings,
        bundle: Bundle,
        clock: Clock,
        *,
        usual: Callable[[str], LevelBaseline] | None = None,
        rest: bool = False,
        on_block: Callable[[Block], None] | None = None,
    ) -> None:
        """Prepare them; none is started yet.

        Args:
            settings: which sources there are, and how they are cut into windows.
            bundle: whose windows are cut.
            clock: of the operating system, or a test's.
            usual: how loud a source is on this site, by its name; learnt anew if ``None``.
            rest: whether a source that ends is heard to its end, see :class:`Listener`.
            on_block: told of every block before it is cut, in its source's thread.

        Raises:
            ConfigError: the hop is no whole number of the bundle's frames.
        """
        rate_hz = bundle.manifest.frontend.sample_rate_hz
        self.backlog = Backlog(settings.windows.queue_windows)
        self._clock = clock
        self._told: dict[str, int] = {}
        """Blocks of each source when it was last told to be over."""
        self._listeners = [
            Listener(
                Supervisor(
                    make_source(source, rate_hz, clock),
                    sample_rate_hz=rate_hz,
                    clock=clock,
                    usual=None if usual is None else usual(source.name),
                ),
                make_windower(bundle, source.name, settings.windows.hop_s),
                self.backlog,
                live=source.live,
                rest=rest,
                on_block=on_block,
            )
            for source in settings.sources
        ]

    @property
    def statuses(self) -> list[SourceStatus]:
        """What the sources are doing."""
        return [listener.status for listener in self._listeners]

    @property
    def failure(self) -> str:
        """Which thread ended although nobody asked it to, and why; empty if none did."""
        for listener in self._listeners:
            if listener.failure is not None:
                return f"{listener.status.source}: {listener.failure!r}"
        return ""

    @property
    def finished(self) -> bool:
        """Whether no source will ever give another window."""
        return all(listener.finished for listener in self._listeners) and self.backlog.empty

    def measure(self, stopwatch: Stopwatch | None) -> None:
        """Tell how long blocks take, of sources that have not begun."""
        for listener in self._listeners:
            listener.measure(stopwatch)

    def start(self) -> None:
        """Begin to listen."""
        for listener in self._listeners:
            listener.start()

    def watch(self) -> list[str]:
        """See whether sources hold their threads.

        Returns:
            Names of those that are over: lost since they were last heard, and all that was heard
            of them has been taken from the backlog.
        """
        for listener in self._listeners:
            listener.watch()
        over = []
        for listener in self._listeners:
            status, blocks = listener.status, listener.blocks
            if (
                status.state is SourceState.LOST
                and blocks > self._told.get(status.source, 0)
                # One that has ended puts its last windows after it has said so.
                and (listener.finished or not status.ended)
                and not self.backlog.holds(status.source)
            ):
                self._told[status.source] = blocks
                over.append(status.source)
        return over

    def stop(self, timeout_s: float) -> None:
        """Stop listening and free the devices, all at once, for at most so long."""
        self.backlog.close()
        for listener in self._listeners:
            listener.stop(0.0)
        # Many that hang must not take many times as long.
        until_s = self._clock.monotonic() + timeout_s
        for listener in self._listeners:
            listener.stop(max(0.0, until_s - self._clock.monotonic()))
