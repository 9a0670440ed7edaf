"""Writes answers with their sounds as the training reads them (``docs/labels.md``)."""

from __future__ import annotations

import base64
import json
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.alerts.alerts import timestamp
from agent.cli.labels.box import LabelsError, clip_file, labelled, who
from agent.core.answers import Entry
from agent.core.errors import reason
from agent.core.names import shown

if TYPE_CHECKING:
    from agent.cli.labels.box import Labelled, Said
    from agent.config import Settings
    from agent.store import Store

SCHEMA = 1
FILE_NAME = "labels.jsonl"
_CLIPS = "clips"
_MODE = 0o750
# Kana and Chinese characters, also half-width ones.
_JAPANESE = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f]")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and what was not."""

    folder: str
    labels: int
    clips: int
    without_clip: int
    """Labels whose sound was not kept, was deleted, or may not be kept."""
    missing: tuple[str, ...]
    """Clips that should be there and are not."""
    replaced: int
    """Answers left out because their operator gave another later, or took them back."""
    nameless: int
    """Answers left out because the name of who gave them was purged."""

    def lines(self) -> list[str]:
        """For people."""
        without = f"({self.without_clip} labels without one)"
        lines = [f"{self.folder}: {self.labels} labels, {self.clips} clips {without}"]
        if self.replaced:
            lines.append(f"left out: {self.replaced} that were replaced or taken back")
        if self.nameless:
            lines.append(f"left out: {self.nameless} whose operator's name was purged")
        lines += [f"{name}: is missing; its label has no clip" for name in self.missing]
        return lines

    def to_json(self) -> str:
        """What was exported, as JSON for programs."""
        return json.dumps(asdict(self), ensure_ascii=False)


def export(settings: Settings, store: Store, folder: Path, since: float, now: float) -> Exported:
    """Write the answers that hold and came in since then, whole or not at all.

    Args:
        settings: of the box.
        store: of the box.
        folder: to write; made if missing, must be empty.
        since: UTC, seconds since the epoch.
        now: UTC, for the trail.

    Raises:
        LabelsError: the folder is not empty or cannot be written.
        StoreError: the database cannot be read.
    """
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise LabelsError(f"{folder}: is not empty; name a new folder")
        if folder.exists() and not folder.is_dir():
            raise LabelsError(f"{folder}: is a file; name a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            exported = _write(settings, labelled(store, since), partial, folder)
            partial.chmod(_MODE)
            partial.rename(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        if isinstance(error, LabelsError):
            raise
        raise LabelsError(f"{folder}: {reason(error)}; name a folder to write") from error
    detail: dict[str, str | float | None] = {
        "folder": shown(folder.absolute()),
        "labels": exported.labels,
        "clips": exported.clips,
    }
    store.note(Entry(now, "export", who(), detail))
    return exported


def language(text: str) -> str:
    """``ja`` where a text holds kana or Chinese characters, else ``en``."""
    return "ja" if _JAPANESE.search(text) else "en"


def _write(settings: Settings, found: list[Labelled], partial: Path, folder: Path) -> Exported:
    clips: dict[str, str] = {}
    missing: list[str] = []
    written = without_clip = 0
    (partial / _CLIPS).mkdir(mode=_MODE)
    counted = [label for label in found if label.holds]
    named = [label for label in counted if label.answer.operator is not None]
    with (partial / FILE_NAME).open("w", encoding="utf-8") as file:
        for label in named:
            clip = label.clip
            if clip is not None and clip.file is not None and clip.alert_id not in clips:
                source = clip_file(settings, clip.file)
                if source.is_file():
                    clips[clip.alert_id] = f"{_CLIPS}/{clip.alert_id}.flac"
                    shutil.copyfile(source, partial / clips[clip.alert_id])
                elif shown(source) not in missing:
                    missing.append(shown(source))
            name = clips.get(label.alert.alert_id)
            for said in label.said():
                without_clip += name is None
                row = _row(settings, label, said, name)
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                written += 1
    return Exported(
        folder=shown(folder),
        labels=written,
        clips=len(clips),
        without_clip=without_clip,
        missing=tuple(missing),
        replaced=len(found) - len(counted),
        nameless=len(counted) - len(named),
    )


def _row(
    settings: Settings, label: Labelled, said: Said, clip: str | None
) -> dict[str, str | float | None]:
    """One line of ``labels.jsonl``."""
    answer, alert, detection = label.answer, label.alert, label.alert.detection
    views = label.clip.views if label.clip else None
    return {
        "schema": SCHEMA,
        "label_id": said.label_id,
        "clip": clip,
        "embedding": None
        if views is None
        else base64.b64encode(views.joint[0].astype("<f4").tobytes()).decode("ascii"),
        "ts_start": timestamp(detection.starts_at),
        "site": settings.site,
        "node": settings.node,
        "source": detection.source,
        "error_id": said.error_id,
        "description": said.description,
        "language": language(said.description),
        "verdict": said.verdict.value,
        "relevance": said.relevance,
        "operator": answer.operator,
        "ts_verdict": timestamp(answer.given_at),
        "score": None if said.score is None else round(said.score, 3),
        "threshold": None if said.threshold is None else round(said.threshold, 3),
        "bundle": alert.provenance.bundle,
        "descriptions": alert.provenance.descriptions,
    }
