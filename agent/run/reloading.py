"""Follows what the box is to listen for: the descriptions file, and what people answered."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from agent import clips
from agent.core.errors import KikimimiError
from agent.core.operator_thresholds import in_force
from agent.descriptions import Changed, DescriptionsFile
from agent.watchlist import watchlist
from agent.watchlist.examples import Library
from agent.watchlist.site import listened_for
from agent.watchlist.watchlist import Watchlist

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.core.operator_thresholds import OperatorThreshold
    from agent.descriptions import DescriptionSet
    from agent.descriptions.watching import Rejected
    from agent.run.parts import BoxParts
    from agent.run.systemd import Notifier
    from agent.run.tally import Tally

_log = logging.getLogger(__name__)

_CACHE = "embeddings"
# Of a file with a thousand mistakes; what is published has to stay small.
_MAX_REASON_CHARACTERS = 8_000


class Reloading:
    """Builds watchlists beside the one in force, which goes on until the next is ready.

    Each is built on a thread of its own; of several asked for meanwhile, only the latest counts.
    """

    def __init__(
        self,
        parts: BoxParts,
        descriptions: DescriptionSet,
        take_over: Callable[[Watchlist], None],
        *,
        notifier: Notifier,
        tally: Tally,
    ) -> None:
        """Nothing is built yet.

        Args:
            parts: of the box.
            descriptions: as the file held them at the start.
            take_over: puts a watchlist in force; called by whoever calls this.
            notifier: told that a reload goes on, and that it is over.
            tally: counts reloads.
        """
        self._parts = parts
        self._library = Library(
            parts.bundle, parts.store, clips.folder_of(parts.settings), parts.clock
        )
        self._take_over = take_over
        self._notifier = notifier
        self._tally = tally
        self._file = DescriptionsFile(parts.settings.descriptions, parts.clock, descriptions)
        self._wanted = self._in_force = descriptions
        self._version: object = None
        self._operator: Mapping[str, OperatorThreshold] = {}
        """What operators set, as it was last looked at."""
        self._asked: DescriptionSet | None = None
        """What to build next."""
        self._thread: threading.Thread | None = None
        self._result: Watchlist | KikimimiError | None = None
        """Of the thread; read once it has ended."""
        self._newest = ""
        """Digest of the descriptions file as it was last read; empty if it was wrong."""
        self.error = ""
        """Why the latest descriptions were refused; empty if they were not."""
        self.loaded_at = 0.0
        """UTC at which the watchlist in force was taken over, seconds since the epoch."""
        self.known: Mapping[str, str] = {
            error.error_id: error.text for error in descriptions.active
        }
        """Words of what is listened for, or about to be, by error id."""

    def build(self, descriptions: DescriptionSet) -> Watchlist:
        """What a box listens for by its site's calibration, answers and recordings.

        Raises:
            TextError: the bundle cannot read a text.
            BundleError: the bundle is damaged.
            StoreError: the store cannot be read.
        """
        parts = self._parts
        # Embeddings of texts are kept nowhere if the state folder cannot be used.
        cache = None if parts.store.trouble else parts.settings.state_dir / _CACHE
        watch = listened_for(
            parts.settings,
            parts.bundle,
            descriptions,
            parts.store,
            self._library,
            cache=cache,
            now=parts.clock.now(),
        )
        watchlist.log_calibration(watch.calibration)
        return watch

    def start(self) -> None:
        """Build the first watchlist and put it in force.

        Raises:
            KikimimiError: as :meth:`build`.
        """
        first = self.build(self._wanted)
        self._operator = first.operator
        self._put_in_force(first)

    def stop(self, timeout_s: float) -> None:
        """Wait for a build that goes on, for at most so long; what it makes is not taken over."""
        self._asked = None
        if self._thread is not None:
            self._thread.join(timeout_s)

    def reload(self) -> None:
        """Read the file again because somebody asks for it."""
        self._notifier.reloading()
        self._read(self._file.reload())

    def poll(self) -> None:
        """Look at the file and at the answers; put in force what was built meanwhile."""
        found = self._file.poll()
        if found is not None:
            self._read(found)
        elif self._people_changed_it():  # build it anew
            self._asked = self._wanted
        built = self._built()
        if isinstance(built, Watchlist):
            self._put_in_force(built)
            if built.digest == self._newest:  # else the file holds something wrong by now
                self.error = ""
            self._tally.reloads += 1
            self._notifier.ready()
            _log.info("descriptions_reloaded", extra={"descriptions": built.count})
        elif built is not None:
            if self._asked is None:  # else there is something newer to try
                self._wanted = self._in_force
            self._reject(str(built))

    @property
    def recordings(self) -> frozenset[str]:
        """Ids of the alerts whose recordings the watchlist that was built last knows."""
        return self._library.known

    def _people_changed_it(self) -> bool:
        """Whether answers, or thresholds that operators set, are others than before."""
        version, before = self._parts.store.version, self._operator
        if version != self._version:
            self._version, self._operator = version, in_force(self._parts.store.thresholds())
        # Both are told once.
        return self._library.changed(version) or self._operator != before

    def _read(self, found: Changed | Rejected) -> None:
        if isinstance(found, Changed):
            self._newest = found.descriptions.digest
            self._wanted = self._asked = found.descriptions
        else:
            self._newest = ""
            self._reject("\n".join(map(str, found.problems)))

    def _built(self) -> Watchlist | KikimimiError | None:
        """What came of a build that has ended, once; else begins the next that is asked for."""
        if self._thread is not None and self._thread.is_alive():
            return None
        result, self._result = self._result, None
        if result is None and self._asked is not None:
            asked, self._asked = self._asked, None
            self._thread = threading.Thread(
                target=self._build_beside, args=(asked,), name="reload", daemon=True
            )
            self._thread.start()
        return result

    def _build_beside(self, descriptions: DescriptionSet) -> None:
        try:
            self._result = self.build(descriptions)
        except KikimimiError as error:
            self._result = error
        except Exception as error:  # a reload must never take the box down
            _log.exception("reload_failed")
            self._result = KikimimiError(f"the descriptions could not be taken over: {error!r}")

    def _put_in_force(self, watch: Watchlist) -> None:
        self._take_over(watch)
        self._in_force = watch.descriptions or self._in_force
        self.known = {name: one.description for name, one in watch.wordings.items()}
        self.loaded_at = self._parts.clock.now()

    def _reject(self, reason: str) -> None:
        self.error = reason[:_MAX_REASON_CHARACTERS]
        self._tally.reloads_rejected += 1
        self._notifier.ready()
        _log.warning("descriptions_rejected", extra={"reason": reason})
