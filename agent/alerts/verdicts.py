"""What people say of alerts: checked, kept with the message that tells of it, and taken back.

An operator's last verdict on an alert is the one that counts; the earlier ones stay in the store.
Each is carried out once, also across restarts: its ``request_id`` is kept with it.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.alerts.alerts import Review, alert_payload, new_id
from agent.alerts.requests import refuse_ahead, refuse_late, repeated, request_used, said_by
from agent.core.answers import Answer, Entry, Through, holding
from agent.core.reasons import Reason
from agent.core.records import Verdict
from agent.mqtt.payload import RefusedError, refuse_unknown, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.alerts.thresholds import Thresholds
    from agent.core.clock import Clock
    from agent.core.records import Alert
    from agent.mqtt import Link
    from agent.mqtt.payload import Fields
    from agent.mqtt.topics import Topics
    from agent.store.box import BoxStore

HIGHEST_RELEVANCE = 100.0

# Nobody changes their mind so often; a script that does would fill the disk.
_MOST_ANSWERS = 100

_log = logging.getLogger(__name__)


class Verdicts:
    """Takes people's answers, whatever they come in by. Safe to use from several threads."""

    def __init__(
        self, *, topics: Topics, store: BoxStore, link: Link | None, clock: Clock, undo_s: float
    ) -> None:
        """Begin to take them.

        Args:
            topics: of the box.
            store: keeps them with their messages.
            link: told that there is something to send; ``None`` where MQTT is switched off.
            clock: says when.
            undo_s: for how long after it came in an answer can be taken back.
        """
        self._topics = topics
        self._store = store
        self._link = link
        self._clock = clock
        self._undo_s = undo_s
        self._lock = threading.Lock()
        self.given = 0
        """Answers taken since the start."""
        self.undone = 0
        """Answers taken back since the start, also those given before it."""

    def give(
        self,
        *,
        request_id: str,
        alert_id: str,
        verdict: Verdict,
        operator: str,
        given_at: float,
        relevance: float | None = None,
        label: str | None = None,
        error_id: str | None = None,
        words: Mapping[str, str] | None = None,
        through: Through = Through.MQTT,
    ) -> bool:
        """Keep what somebody says of an alert.

        Args:
            request_id: chosen anew for each.
            alert_id: of an alert of this box.
            verdict: what they say.
            operator: who says so.
            given_at: when, by the sender's clock, UTC, seconds since the epoch.
            relevance: how well the description fits, 0 to 100.
            label: what it was, in their own words.
            error_id: of the description that it was instead of the alert's.
            words: of the descriptions that are listened for, by error id; needed with
                ``error_id``.
            through: what it was given by.

        Returns:
            whether this very request was carried out before; nothing happens then.

        Raises:
            RefusedError: it is not kept; says why.
        """
        now = self._clock.now()
        refuse_ahead(given_at, self._clock)
        answer = Answer(
            label_id=new_id(now),
            alert_id=alert_id,
            verdict=verdict,
            relevance=relevance,
            label=label,
            operator=operator,
            given_at=given_at,
            received_at=now,
            request_id=request_id,
            through=through,
            error_id=error_id,
        )
        with self._lock:
            kept = self._store.request(request_id)
            if repeated(request_id, kept, same=answer.says_the_same(kept)):
                return True
            alert = self._alert(alert_id)
            if error_id is not None:
                answer = _instead(answer, error_id, alert, words or {})
            if len(self._store.answers(alert_id)) >= _MOST_ANSWERS:
                raise RefusedError(Reason.of("verdicts_full", most=_MOST_ANSWERS))
            review = Review(verdict, relevance, operator, given_at, error_id)
            if not self._keep(answer, alert, review, self._entry("verdict", now, answer)):
                raise request_used(request_id)  # by another process, just now
            self.given += 1
        return False

    def undo(self, *, request_id: str, alert_id: str, operator: str) -> bool:
        """Take an operator's last verdict on an alert back; the one before holds again, if any.

        Args:
            request_id: chosen anew for each.
            alert_id: of an alert of this box.
            operator: who gave it.

        Returns:
            whether this very request was carried out before; nothing happens then.

        Raises:
            RefusedError: there is none that holds, or it is too late.
        """
        now = self._clock.now()
        with self._lock:
            kept = self._store.request(request_id)
            same = isinstance(kept, Answer) and kept.undone_by(request_id, alert_id, operator)
            if repeated(request_id, kept, same=same):
                return True
            alert = self._alert(alert_id)
            answers = self._store.answers(alert_id)
            mine = [answer for answer in holding(answers) if answer.operator == operator]
            if not mine:
                raise RefusedError(Reason.of("verdict_none", operator=shown(operator)))
            refuse_late("undo_too_late", now - mine[-1].received_at, self._undo_s)
            undone = replace(mine[-1], undone_at=now, undone_request_id=request_id)
            rest = holding(
                undone if answer.label_id == undone.label_id else answer for answer in answers
            )
            review = _review(rest) or Review(None, None, operator, now)
            if not self._keep(undone, alert, review, self._entry("undo", now, undone)):
                raise RefusedError(Reason.of("undone_already"))
            self.undone += 1
        return False

    def _alert(self, alert_id: str) -> Alert:
        """The alert that an answer is about.

        Raises:
            RefusedError: it cannot be found.
        """
        alert = self._store.alert(alert_id)
        if alert is not None:
            return alert
        if not self._store.readable:
            raise RefusedError(Reason.of("alert_unreadable", alert_id=alert_id))
        raise RefusedError(Reason.of("alert_unknown", alert_id=alert_id))

    def _keep(self, answer: Answer, alert: Alert, review: Review, entry: Entry) -> bool:
        """Write it all at once, and have the message sent; whether it was new."""
        messages = []
        if self._link is not None:
            clip = self._store.clip(alert.alert_id)
            payload = alert_payload(
                alert, self._topics.site, self._topics.node, review, clip.file if clip else None
            )
            messages = [(self._topics.alert, payload)]
        kept = self._store.answer(answer, messages, entry)
        if kept and self._link is not None:
            self._link.notify()
        _log.info(entry.what, extra={"alert_id": alert.alert_id, "verdict": answer.verdict.value})
        return kept

    def _entry(self, what: str, at: float, answer: Answer) -> Entry:
        detail = {
            "alert_id": answer.alert_id,
            "label_id": answer.label_id,
            "verdict": answer.verdict.value,
            "relevance": answer.relevance,
            "error_id": answer.error_id,
            "request_id": answer.last_request_id,
            "through": answer.through.value,
        }
        return Entry(at, what, answer.operator or "", detail)


class VerdictCommand:
    """``cmd/verdict``: what somebody says of an alert."""

    def __init__(self, verdicts: Verdicts, known: Callable[[], Mapping[str, str]]) -> None:
        self._verdicts = verdicts
        self._known = known

    def __call__(self, fields: Fields) -> bool:
        """Keep it; whether this very command was carried out before.

        Raises:
            RefusedError: a field is wrong, or the alert or the description is unknown.
        """
        request_id = fields.request_id()
        alert_id = fields.ulid("alert_id")
        verdict = Verdict(fields.choice("verdict", [choice.value for choice in Verdict]))
        relevance = fields.number_or_none("relevance", 0.0, HIGHEST_RELEVANCE)
        label = fields.text("label", default="") or None
        error_id = fields.text("error_id", default="") or None
        operator, given_at, through = said_by(fields)
        return self._verdicts.give(
            request_id=request_id,
            alert_id=alert_id,
            verdict=verdict,
            operator=operator,
            given_at=given_at,
            relevance=relevance,
            label=label,
            error_id=error_id,
            words=self._known(),
            through=through,
        )


class UndoCommand:
    """``cmd/undo``: take one's last verdict on an alert back, or one's last threshold."""

    def __init__(self, verdicts: Verdicts, thresholds: Thresholds) -> None:
        self._verdicts = verdicts
        self._thresholds = thresholds

    def __call__(self, fields: Fields) -> bool:
        """Take it back; whether this very command was carried out before.

        Raises:
            RefusedError: a field is wrong, there is nothing to take back, or it is too late.
        """
        request_id = fields.request_id()
        of_threshold = "error_id" in fields.values
        error_id = fields.needed("error_id") if of_threshold else ""
        alert_id = "" if of_threshold else fields.ulid("alert_id")
        operator = fields.needed("operator")
        if of_threshold and "alert_id" in fields.values:
            fields.take("alert_id")
            fields.report("alert_id", "is given with error_id", "leave one of them out")
        fields.finish()
        if of_threshold:
            return self._thresholds.undo(
                request_id=request_id, error_id=error_id, operator=operator
            )
        return self._verdicts.undo(request_id=request_id, alert_id=alert_id, operator=operator)


def _review(answers: Sequence[Answer]) -> Review | None:
    """The last of the answers that hold, if any does."""
    if not answers:
        return None
    last = answers[-1]
    return Review(last.verdict, last.relevance, last.operator, last.given_at, last.error_id)


def _instead(answer: Answer, error_id: str, alert: Alert, words: Mapping[str, str]) -> Answer:
    """An answer that names another description, with its words.

    Raises:
        RefusedError: it is no answer of that kind, or no other description.
    """
    if answer.verdict is not Verdict.REJECT:
        raise RefusedError(Reason.of("verdict_other", verdict=answer.verdict.value))
    if error_id == alert.detection.error_id:
        raise RefusedError(Reason.of("verdict_itself", error_id=shown(error_id)))
    refuse_unknown(error_id, words)
    return replace(answer, description=words[error_id])
