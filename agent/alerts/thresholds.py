"""Thresholds that operators set by ``cmd/threshold``: checked, kept, and taken back.

The last one of a description that was not taken back is in force, whoever set it. Each is carried
out once, also across restarts: its ``request_id`` is kept with it.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.alerts.requests import refuse_ahead, refuse_late, repeated, request_used, said_by
from agent.core.answers import Entry
from agent.core.operator_thresholds import OperatorThreshold
from agent.core.reasons import Reason
from agent.mqtt.payload import RefusedError, refuse_unknown, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from agent.config import CommandSettings
    from agent.core.clock import Clock
    from agent.mqtt.payload import Fields
    from agent.store.box import BoxStore

AUTO = "auto"
"""Back to what the file and the site say."""

_log = logging.getLogger(__name__)


class Thresholds:
    """Takes what operators say of thresholds. Safe to use from several threads."""

    def __init__(
        self, *, store: BoxStore, clock: Clock, settings: CommandSettings, undo_s: float
    ) -> None:
        """Begin to take it.

        Args:
            store: keeps it.
            clock: says when.
            settings: the lowest and the highest threshold that may be set.
            undo_s: for how long after it came in one can be taken back.
        """
        self._store = store
        self._clock = clock
        self._low, self._high = settings.threshold_lowest, settings.threshold_highest
        self._undo_s = undo_s
        self._lock = threading.Lock()

    def set(self, said: OperatorThreshold, known: Collection[str]) -> bool:
        """Keep what an operator says of a threshold.

        Args:
            said: just now.
            known: error ids of the descriptions that are listened for.

        Returns:
            whether this very request was carried out before; nothing happens then.

        Raises:
            RefusedError: it is not kept; says why.
        """
        refuse_ahead(said.given_at, self._clock)
        with self._lock:
            kept = self._store.request(said.request_id)
            if repeated(said.request_id, kept, same=said.says_the_same(kept)):
                return True
            refuse_unknown(said.error_id, known)
            if said.threshold is not None and not self._low <= said.threshold <= self._high:
                raise RefusedError(
                    Reason.of(
                        "threshold_outside",
                        threshold=said.threshold,
                        lowest=self._low,
                        highest=self._high,
                    )
                )
            self._keep("threshold", said)
        return False

    def undo(self, *, request_id: str, error_id: str, operator: str) -> bool:
        """Take an operator's last threshold of a description back; the one before holds again.

        Args:
            request_id: chosen anew for each.
            error_id: of the description, which need not be listened for any more.
            operator: who set it.

        Returns:
            whether this very request was carried out before; nothing happens then.

        Raises:
            RefusedError: there is none that holds, or it is too late.
        """
        now = self._clock.now()
        with self._lock:
            kept = self._store.request(request_id)
            same = isinstance(kept, OperatorThreshold) and kept.undone_by(
                request_id, error_id, operator
            )
            if repeated(request_id, kept, same=same):
                return True
            mine = [
                one
                for one in self._store.thresholds()
                if (one.error_id, one.operator, one.undone_at) == (error_id, operator, None)
            ]
            if not mine:
                who, what = shown(operator), shown(error_id)
                raise RefusedError(Reason.of("threshold_none", operator=who, error_id=what))
            refuse_late("threshold_undo_too_late", now - mine[-1].received_at, self._undo_s)
            undone = replace(mine[-1], undone_at=now, undone_request_id=request_id)
            self._keep("threshold_undone", undone)
        return False

    def _keep(self, what: str, one: OperatorThreshold) -> None:
        """Write it with its line of the trail.

        Raises:
            RefusedError: another process was faster.
        """
        detail = {
            "error_id": one.error_id,
            "threshold": AUTO if one.threshold is None else one.threshold,
            "request_id": one.last_request_id,
            "through": one.through.value,
        }
        at = one.received_at if one.undone_at is None else one.undone_at
        if not self._store.set_threshold(one, Entry(at, what, one.operator or "", detail)):
            raise request_used(one.last_request_id)
        _log.info(what, extra={"operator": one.operator, **detail})


class ThresholdCommand:
    """``cmd/threshold``: from which score on a description alarms."""

    def __init__(
        self, thresholds: Thresholds, known: Callable[[], Collection[str]], clock: Clock
    ) -> None:
        self._thresholds = thresholds
        self._known = known
        self._clock = clock

    def __call__(self, fields: Fields) -> bool:
        """Keep it; whether this very command was carried out before.

        Raises:
            RefusedError: a field is wrong, the threshold is out of bounds, or the description
                is unknown.
        """
        request_id = fields.request_id()
        error_id = fields.needed("error_id")
        threshold = fields.number_or_word("threshold", AUTO)
        operator, given_at, through = said_by(fields)
        said = OperatorThreshold(
            request_id=request_id,
            error_id=error_id,
            threshold=threshold,
            operator=operator,
            given_at=given_at,
            received_at=self._clock.now(),
            through=through,
        )
        return self._thresholds.set(said, self._known())
