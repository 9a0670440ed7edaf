"""Follows what the box is to listen for: the descriptions file, and what people answered."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from agent import clips
from agent.core.errors import KikimimiError
from agent.descriptions import Changed, DescriptionsFile
from agent.watchlist import watchlist
from agent.watchlist.examples import Library
from agent.watchlist.site import listened_for
from agent.watchlist.watchlist import Watchlist

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from agent.descriptions import DescriptionSet
    from agent.descriptions.watching import Rejected
    from agent.run.parts import BoxParts
    from agent.run.systemd import Notifier
    from agent.run.tally import Tally

_log = logging.getLogger(__name__)

_CACHE = "embeddings"
# Of a file with a thousand mistakes; what is published has to stay small.
_MAX_REASON_CHARACTERS = 8_000


class _Builder:
    """Builds watchlists on a thread of its own; of several waiting, only the latest counts."""

    def __init__(self, build: Callable[[DescriptionSet], Watchlist]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._wanted: DescriptionSet | None = None
        self._result: Watchlist | KikimimiError | None = None
        self._thread: threading.Thread | None = None

    def start(self, descriptions: DescriptionSet) -> None:
        """Ask for a watchlist; returns at once."""
        with self._lock:
            self._wanted = descriptions
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="reload", daemon=True)
                self._thread.start()

    def take(self) -> Watchlist | KikimimiError | None:
        """What came of it, once; ``None`` while there is nothing new."""
        with self._lock:
            result, self._result = self._result, None
            return result

    def _run(self) -> None:
        while True:
            with self._lock:
                wanted, self._wanted = self._wanted, None
                if wanted is None:
                    self._thread = None
                    return
            result: Watchlist | KikimimiError
            try:
                result = self._build(wanted)
            except KikimimiError as error:
                result = error
            except Exception as error:  # a reload must never take the box down
                _log.exception("reload_failed")
                result = KikimimiError(f"the descriptions could not be taken over: {error!r}")
            with self._lock:
                self._result = result


class Reloading:
    """Builds new watchlists beside the one in force, which goes on until the next is ready."""

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
        self._builder = _Builder(self.build)
        self._wanted = self._in_force = descriptions
        self._newest = ""
        """Digest of the descriptions file as it was last read; empty if it was wrong."""
        self.error = ""
        """Why the latest descriptions were refused; empty if they were not."""
        self.loaded_at = 0.0
        """UTC at which the watchlist in force was taken over, seconds since the epoch."""
        self.known: Collection[str] = descriptions.policies()
        """Ids of what is listened for, or about to be."""

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
        self._put_in_force(self.build(self._wanted))

    def reload(self) -> None:
        """Read the file again because somebody asks for it."""
        self._notifier.reloading()
        self._read(self._file.reload())

    def poll(self) -> None:
        """Look at the file and at the answers; put in force what was built meanwhile."""
        found = self._file.poll()
        if found is not None:
            self._read(found)
        elif self._library.changed(self._parts.store.version):  # people answered: build it anew
            self._builder.start(self._wanted)
        built = self._builder.take()
        if isinstance(built, Watchlist):
            self._put_in_force(built)
            if built.digest == self._newest:  # else the file holds something wrong by now
                self.error = ""
            self._tally.reloads += 1
            self._notifier.ready()
            _log.info("descriptions_reloaded", extra={"descriptions": built.count})
        elif built is not None:
            self._wanted = self._in_force
            self._reject(str(built))

    def _read(self, found: Changed | Rejected) -> None:
        if isinstance(found, Changed):
            self._newest = found.descriptions.digest
            self._wanted = found.descriptions
            self._builder.start(found.descriptions)
        else:
            self._newest = ""
            self._reject("\n".join(map(str, found.problems)))

    def _put_in_force(self, watch: Watchlist) -> None:
        self._take_over(watch)
        self._in_force = watch.descriptions or self._in_force
        self.known = watch.policies
        self.loaded_at = self._parts.clock.now()

    def _reject(self, reason: str) -> None:
        self.error = reason[:_MAX_REASON_CHARACTERS]
        self._tally.reloads_rejected += 1
        self._notifier.ready()
        _log.warning("descriptions_rejected", extra={"reason": reason})
