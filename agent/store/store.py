"""What the box remembers, as whole transactions: an alert, an answer or a clip with all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.core.answers import Entry
from agent.store import alerts, answers, clips, thresholds
from agent.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from agent.core.answers import Answer, KeptClip, OpenAlerts
    from agent.core.operator_thresholds import OperatorThreshold
    from agent.core.records import Alert, ClipRecord, OutboxMessage

ALL = 1_000_000_000


class Store(Database):
    """The database of one box. Safe to use from several threads, and beside other processes.

    Every method raises ``StoreError`` where the database refuses (full disk, read-only, damaged),
    and has changed nothing then.
    """

    def record(self, alert: Alert, messages: Iterable[tuple[str, str]]) -> None:
        """Write an alert as it now stands and the (topic, payload) that tell of it, or neither."""
        with self._transaction() as connection:
            alerts.put(connection, alert)
            alerts.post(connection, messages)

    def alert(self, alert_id: str) -> Alert | None:
        """One alert; its step is that of its sound, whatever people answered."""
        with self._reading() as connection:
            return alerts.get(connection, alert_id)

    def alerts_since(self, at: float = 0.0) -> list[Alert]:
        """All alerts whose sound began since then (UTC), in the order of their making."""
        with self._reading() as connection:
            return alerts.since(connection, at)

    def unfinished(self) -> list[Alert]:
        """Alerts that have not ended, oldest first: after a crash, those of the run before."""
        with self._reading() as connection:
            return alerts.unfinished(connection)

    def open_alerts(self, limit: int, without: Collection[str] = ()) -> OpenAlerts:
        """The newest alerts that await an answer, and the count of all that do.

        Args:
            limit: at most so many.
            without: ids to leave out, of the count too.
        """
        with self._reading() as connection:
            return alerts.awaiting(connection, limit, without)

    def waiting(
        self, after: int = 0, limit: int = 100, without: Collection[str] = ()
    ) -> list[OutboxMessage]:
        """The oldest messages that wait, in order.

        Args:
            after: only those after this sequence number.
            limit: at most so many.
            without: topics to leave out, such as those that the broker refuses.
        """
        with self._reading() as connection:
            return alerts.waiting(connection, after, limit, without)

    def delivered(self, sequences: Iterable[int]) -> None:
        """Forget messages that the broker has acknowledged."""
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM outbox WHERE sequence = ?", [(sequence,) for sequence in sequences]
            )

    def depth(self) -> int:
        """How many messages wait."""
        with self._reading() as connection:
            (count,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
        return int(count)

    def answer(self, answer: Answer, messages: Iterable[tuple[str, str]], entry: Entry) -> bool:
        """Write an answer, or that it was taken back, its messages and its line of the trail.

        Args:
            answer: a new one, or a known one with ``undone_at``.
            messages: (topic, payload) that tell of it.
            entry: what the trail is to say.

        Returns:
            whether it was new; nothing is written where it was not.
        """
        with self._transaction() as connection:
            if thresholds.of_request(connection, answer.last_request_id):
                return False
            if not answers.put(connection, answer):
                return False
            answers.add(connection, entry)
            alerts.note_reviewed(connection, [answer.alert_id])
            alerts.post(connection, messages)
        return True

    def report(
        self, alert: Alert, answer: Answer, messages: Iterable[tuple[str, str]], entry: Entry
    ) -> bool:
        """Write what a person reported: an alert of theirs, already answered, as :meth:`answer`.

        Returns:
            whether it was new; nothing is written where its request was carried out before.
        """
        with self._transaction() as connection:
            if thresholds.of_request(connection, answer.last_request_id):
                return False
            if not answers.put(connection, answer):
                return False
            alerts.put(connection, alert)
            answers.add(connection, entry)
            alerts.note_reviewed(connection, [alert.alert_id])
            alerts.post(connection, messages)
        return True

    def answers(self, alert_id: str) -> list[Answer]:
        """All answers to an alert, also replaced ones and those taken back, as they came in."""
        with self._reading() as connection:
            return answers.of_alert(connection, alert_id)

    def answers_since(self, at: float = 0.0) -> list[Answer]:
        """All answers that came in since then (UTC), also those that no longer hold."""
        with self._reading() as connection:
            return answers.since(connection, at)

    def answer_to(self, request_id: str) -> Answer | None:
        """The answer that a request gave or took back."""
        with self._reading() as connection:
            return answers.of_request(connection, request_id)

    def set_threshold(self, one: OperatorThreshold, entry: Entry) -> bool:
        """Write a threshold that an operator set, or that it was taken back, as :meth:`answer`."""
        with self._transaction() as connection:
            if answers.of_request(connection, one.last_request_id):
                return False
            if new := thresholds.put(connection, one):
                answers.add(connection, entry)
        return new

    def threshold_of(self, request_id: str) -> OperatorThreshold | None:
        """The threshold that a request set or took back."""
        with self._reading() as connection:
            return thresholds.of_request(connection, request_id)

    def request(self, request_id: str) -> Answer | OperatorThreshold | None:
        """What a request gave or set, or took back, whatever its kind."""
        return self.answer_to(request_id) or self.threshold_of(request_id)

    def thresholds(self) -> list[OperatorThreshold]:
        """What operators said of thresholds, also what is not in force, as it came in."""
        with self._reading() as connection:
            return thresholds.everything(connection)

    def forget_operators(self, before: float, entry: Entry) -> int:
        """Take the names and own words off answers to alerts that began before then (UTC).

        Likewise off the thresholds that were set before then. Answers and thresholds that no
        longer hold are deleted. The entry is written even where nothing was.

        Returns:
            how many answers and thresholds that concerned.
        """
        with self._transaction() as connection:
            count, touched = answers.forget_operators(connection, before)
            count += thresholds.forget_operators(connection, before)
            alerts.note_reviewed(connection, touched)
            detail = {**entry.detail, "verdicts": count}
            answers.add(connection, Entry(entry.at, entry.what, entry.who, detail))
        return count

    def keep_clip(self, clip: ClipRecord) -> None:
        """Write a clip as it now stands; its files are there already."""
        with self._transaction() as connection:
            clips.put(connection, clip)

    def clip(self, alert_id: str) -> ClipRecord | None:
        """The clip of an alert."""
        with self._reading() as connection:
            return clips.get(connection, alert_id)

    def clips(self) -> list[KeptClip]:
        """All clips, oldest first, without their embeddings."""
        with self._reading() as connection:
            return clips.kept(connection)

    def forget_clip(self, alert_id: str, entry: Entry) -> bool:
        """Forget a clip whose files are deleted already, with a line of the trail.

        Returns:
            whether there was one; nothing is written where there was none.
        """
        with self._transaction() as connection:
            if not clips.delete(connection, alert_id):
                return False
            answers.add(connection, entry)
        return True

    def note(self, entry: Entry) -> None:
        """Write a line of the trail."""
        with self._transaction() as connection:
            answers.add(connection, entry)

    def trail(self, after: int = 0, limit: int = ALL) -> list[Entry]:
        """The trail of what was done, in order; it cannot be changed, only added to."""
        with self._reading() as connection:
            return answers.trail(connection, after, limit)

    def touched(self) -> set[str]:
        """Ids of the alerts that something is known of here: the alert, an answer or a clip."""
        with self._reading() as connection:
            return alerts.ids(connection) | answers.ids(connection) | clips.ids(connection)

    def absorb(self, other: Store, forgotten: Collection[str] = ()) -> None:
        """Take over all that another store holds, after what is here.

        The other one still holds it too, and is to be closed then.

        Args:
            other: not changed.
            forgotten: alerts whose clips were deleted while this one could not be told.

        Raises:
            StoreError: this one refused.
        """
        with other._reading() as theirs, self._transaction() as connection:
            for alert_id in forgotten:
                clips.delete(connection, alert_id)
            touched = alerts.absorb(connection, theirs) | answers.absorb(connection, theirs)
            alerts.note_reviewed(connection, touched)
            clips.absorb(connection, theirs)
            thresholds.absorb(connection, theirs)
