"""One source of sound on a thread of its own: blocks in, windows out."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.capture.supervisor import SourceStatus, Supervisor
    from agent.core.records import Block
    from agent.frontend.backlog import Backlog
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
        self._backlog = backlog
        self._on_block = on_block
        self._stop = threading.Event()
        name = f"listener-{supervisor.status.source}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.failure: BaseException | None = None
        """What ended the thread although nobody asked it to."""

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
                    if self._on_block is not None:
                        self._on_block(block)
                    self._backlog.put(self._windower.push(block), wait=not self._live)
            if self._rest and self.status.ended:
                self._backlog.put(self._windower.flush(), wait=not self._live)
        except Exception as error:  # the pipeline ends the program, and systemd starts it again
            _log.exception("listener_failed", extra={"source": self.status.source})
            self.failure = error
