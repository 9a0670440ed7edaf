"""What is replayed: recordings, clips of an export of labels, clips of a box, and their answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.cli.labels.box import clip_file, labelled
from agent.cli.labels.export import FILE_NAME
from agent.config import jsonl, values
from agent.core.errors import ConfigError, Problem, reason
from agent.core.folders import inside
from agent.core.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from agent.config import Settings
    from agent.store import Store

_CLIP_ENDING = ".flac"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What people said of one description in one sound."""

    error_id: str
    description: str
    """The words that the sound was compared with then."""
    verdict: Verdict | None
    """``None`` where they differ: nobody knows then."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One file that is replayed."""

    path: Path
    judged: tuple[Judgement, ...] = ()
    channels: tuple[int, ...] | None = None
    """Channels to hear, counted from 1; all of them if ``None``."""


@dataclass(slots=True)
class _OperatorVerdicts:
    """Each operator's last answer to one description in one sound."""

    description: str
    by: dict[str, tuple[str | float, Verdict]] = field(default_factory=dict)

    def take(self, operator: str, at: str | float, verdict: Verdict) -> None:
        """Take an answer; of one operator's, the latest counts."""
        before = self.by.get(operator)
        if before is None or before[0] <= at:  # type: ignore[operator] # all are of one kind
            self.by[operator] = (at, verdict)

    def agreed(self) -> Verdict | None:
        """What those say who know; ``unsure`` where nobody does."""
        decided = {verdict for _, verdict in self.by.values()} - {Verdict.UNSURE}
        if len(decided) > 1:
            return None
        return next(iter(decided), Verdict.UNSURE)


class _Gathered:
    """Puts together what was said of each sound."""

    def __init__(self) -> None:
        self._verdicts: dict[Path, dict[str, _OperatorVerdicts]] = {}

    def add(self, path: Path) -> dict[str, _OperatorVerdicts]:
        """Replay a file."""
        return self._verdicts.setdefault(path, {})

    def sounds(self) -> tuple[Sound, ...]:
        """All files, in the order in which they were added."""
        return tuple(
            Sound(
                path,
                tuple(
                    Judgement(name, answers.description, answers.agreed())
                    for name, answers in verdicts.items()
                ),
            )
            for path, verdicts in self._verdicts.items()
        )


def from_folders(folders: Iterable[Path]) -> tuple[Sound, ...]:
    """The clips of exports of labels (``docs/labels.md``), with what people said of them.

    Raises:
        ConfigError: a folder holds no labels, or a line of them is wrong; with every problem.
    """
    problems: list[Problem] = []
    gathered = _Gathered()
    for folder in folders:
        where = folder / FILE_NAME
        try:
            content = where.read_bytes()
        except OSError as error:
            remedy = "name a folder that `kikimimi labels export` wrote"
            problems.append(Problem(str(where), reason(error), remedy))
            continue
        for row in jsonl.rows(content, str(where), problems):
            _take(row, folder, gathered)
    if problems:
        raise ConfigError(problems)
    return gathered.sounds()


def _take(row: jsonl.Row, folder: Path, gathered: _Gathered) -> None:
    """One line of ``labels.jsonl``: the fields that a replay needs are checked, no others."""
    clip = row.optional_text("clip")
    error_id, description = row.text("error_id"), row.text("description")
    operator, given_at = row.text("operator"), row.text("ts_verdict")
    verdict = row.optional("verdict", values.choice([*Verdict]))
    path = inside(folder, clip) if clip else None
    if clip and (path is None or path.suffix != _CLIP_ENDING):
        row.report("clip", f"is {clip!r}", "write a FLAC file inside the folder: clips/….flac")
    if path is None or not row.fine:
        return
    verdicts = gathered.add(path)
    if verdict is not None:
        own = verdicts.setdefault(error_id, _OperatorVerdicts(description))
        own.take(operator, given_at, Verdict(verdict))


def from_box(settings: Settings, store: Store) -> tuple[Sound, ...]:
    """The clips that a box keeps, with what people said of them.

    Raises:
        LabelsError: a clip lies outside of the box's folder.
        StoreError: the database cannot be read.
    """
    gathered = _Gathered()
    paths: dict[str, Path] = {}
    for clip in store.clips():
        if clip.file is not None:
            paths[clip.alert_id] = clip_file(settings, clip.file)
            gathered.add(paths[clip.alert_id])
    for label in labelled(store, 0.0):
        path = paths.get(label.alert.alert_id)
        if path is not None and label.holds:
            for said in label.said():
                own = gathered.add(path).setdefault(
                    said.error_id, _OperatorVerdicts(said.description)
                )
                own.take(label.answer.operator or "", label.answer.given_at, said.verdict)
    return gathered.sounds()


def joined(*several: Sequence[Sound]) -> tuple[Sound, ...]:
    """All sounds, each file once; the first that has answers speaks for it."""
    found: dict[Path, Sound] = {}
    for sound in (sound for sounds in several for sound in sounds):
        key = sound.path.resolve()
        if key not in found or (sound.judged and not found[key].judged):
            found[key] = sound
    return tuple(found.values())
