"""The box whose answers are meant: its database, its clips, and what is put together of them."""

from __future__ import annotations

import getpass
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.alerts.alerts import second_id
from agent.core.answers import holding
from agent.core.errors import KikimimiError
from agent.core.folders import inside
from agent.core.records import Verdict
from agent.store import CLIPS_FOLDER, FILE_NAME, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.config import Settings
    from agent.core.answers import Answer
    from agent.core.records import Alert, ClipRecord


class LabelsError(KikimimiError):
    """What was asked for cannot be done; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one answer says of one description."""

    label_id: str
    """ULID of its own."""
    error_id: str
    description: str
    """The words that people read."""
    verdict: Verdict
    relevance: float | None
    score: float | None
    """Of the alert, as is ``threshold``; ``None`` where the description did not alarm."""
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Labelled:
    """One answer with all that it is about."""

    answer: Answer
    holds: bool
    """Whether it counts: the last of its operator, and not taken back."""
    alert: Alert
    clip: ClipRecord | None

    def said(self) -> Iterator[Said]:
        """What it says of the alert's description, and of the one that it was instead."""
        answer, detection = self.answer, self.alert.detection
        yield Said(
            answer.label_id,
            detection.error_id,
            self.alert.description,
            answer.verdict,
            answer.relevance,
            detection.score,
            detection.threshold,
        )
        if answer.error_id is None:
            return
        own = next((one for one in detection.candidates if one.error_id == answer.error_id), None)
        yield Said(
            second_id(answer.label_id, answer.error_id),
            answer.error_id,
            answer.description or answer.error_id,
            Verdict.CONFIRM,
            None,
            None if own is None else own.score,
            None if own is None else own.threshold,
        )


@contextmanager
def opened(settings: Settings, *, writing: bool = False) -> Iterator[Store]:
    """The database of a box; its agent may run meanwhile.

    Args:
        settings: of the box.
        writing: whether anything is to be changed.

    Raises:
        LabelsError: there is none.
        StoreError: it cannot be used.
    """
    path = settings.state_dir / FILE_NAME
    if not path.is_file():
        raise LabelsError(
            f"{path}: is missing; name the box's own settings (--config agent.yaml), and run this "
            "as a user who may read its state_dir"
        )
    take = Store.open if writing else Store.reading
    with closing(take(settings.state_dir)) as store:
        yield store


def labelled(store: Store, since: float) -> list[Labelled]:
    """All answers that came in since then (UTC), in order; also those that no longer hold."""
    found = []
    held: dict[str, set[str]] = {}
    for answer in store.answers_since(since):
        alert = store.alert(answer.alert_id)
        if alert is None:
            continue  # an answer is only kept with its alert, which is never deleted
        if answer.alert_id not in held:
            answers = holding(store.answers(answer.alert_id))
            held[answer.alert_id] = {answer.label_id for answer in answers}
        holds = answer.label_id in held[answer.alert_id]
        found.append(Labelled(answer, holds, alert, store.clip(answer.alert_id)))
    return found


def clip_file(settings: Settings, name: str) -> Path:
    """Where a clip's file is.

    Raises:
        LabelsError: its name leaves the folder of clips.
    """
    folder = (settings.state_dir / CLIPS_FOLDER).resolve()
    path = inside(folder, name)
    if path is None:
        where = (folder / name).resolve()
        raise LabelsError(f"{where}: lies outside of {folder}; somebody changed the database")
    return path


def who() -> str:
    """The user of this machine who runs the command, for the trail."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
