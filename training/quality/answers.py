"""People's answers put together by what they are about: one sound and one description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from agent.bundle.loading import Bundle
from agent.capture.audiofile import read_audio
from agent.core.errors import AudioFileError
from agent.core.records import FloatArray
from agent.encoder.audio import Encoder
from agent.hearing.windows import whole_window
from training.data.readers.label_lines import Label, Verdict, read_labels


@dataclass(frozen=True, slots=True)
class Item:
    """One sound and one description, and what people said of the two."""

    clip: Path | None
    """Its file; ``None`` where the sound was not kept."""
    heard: str
    """Which sound it is, also without a file: site, node, and clip or time."""
    error_id: str
    description: str
    bundle: str
    verdicts: Mapping[str, Verdict]
    """Each operator's last verdict."""
    ratings: Mapping[str, float]
    """Each operator's last rating, 0 to 100."""
    where: tuple[str, ...]
    """Files and lines."""
    embedding: FloatArray | None = None
    """Unit length, by the bundle."""

    @property
    def decided(self) -> dict[str, bool]:
        """By operator, without those who were unsure: does the description fit?"""
        return {
            operator: verdict is Verdict.CONFIRM
            for operator, verdict in self.verdicts.items()
            if verdict is not Verdict.UNSURE
        }

    def majority(self, without: Iterable[str] = ()) -> bool | None:
        """What most say, some operators left out; ``None`` where nobody does, or half and half."""
        said = [fits for name, fits in self.decided.items() if name not in set(without)]
        if 2 * sum(said) == len(said):
            return None
        return 2 * sum(said) > len(said)


@dataclass(frozen=True, slots=True)
class Gathered:
    """All answers of some exports."""

    items: tuple[Item, ...]
    labels: int
    times: Mapping[str, tuple[datetime, ...]]
    """When each operator answered, in order."""
    unread: tuple[str, ...] = ()
    """Clips that could not be read, and why."""

    @property
    def operators(self) -> tuple[str, ...]:
        """All who answered."""
        return tuple(self.times)


def gather(folders: Iterable[Path]) -> Gathered:
    """Read exports of labels.

    Raises:
        FileNotFoundError: a folder has no ``labels.jsonl``.
        ManifestError: a line is wrong.
    """
    found: dict[tuple[str, str], list[tuple[Label, Path]]] = {}
    times: dict[str, list[datetime]] = {}
    count = 0
    for folder in folders:
        for label in read_labels(folder):
            count += 1
            times.setdefault(label.operator, []).append(label.judged_at)
            sound = label.clip or f"{label.source}/{label.started_at.isoformat()}"
            heard = f"{label.site}/{label.node}/{sound}"
            found.setdefault((heard, label.description), []).append((label, folder))
    return Gathered(
        items=tuple(_item(heard, labels) for (heard, _), labels in found.items()),
        labels=count,
        times={name: tuple(sorted(own)) for name, own in times.items()},
    )


def _item(heard: str, labels: list[tuple[Label, Path]]) -> Item:
    ordered = sorted(labels, key=lambda pair: (pair[0].judged_at, pair[0].label_id))
    last, folder = ordered[-1]
    embeddings = [label.embedding for label, _ in ordered if label.embedding is not None]
    return Item(
        clip=None if last.clip is None else folder / last.clip,
        heard=heard,
        error_id=last.error_id,
        description=last.description,
        bundle=last.bundle,
        verdicts={
            label.operator: label.verdict for label, _ in ordered if label.verdict is not None
        },
        ratings={
            label.operator: label.relevance for label, _ in ordered if label.relevance is not None
        },
        where=tuple(label.where for label, _ in ordered),
        embedding=embeddings[-1] if embeddings else None,
    )


def embedded(gathered: Gathered, bundle: Bundle) -> Gathered:
    """The same with every clip embedded whole by one bundle, so that all can be compared."""
    encoder, rate_hz = Encoder(bundle), bundle.manifest.frontend.sample_rate_hz
    known: dict[Path, FloatArray] = {}
    unread: dict[Path, str] = {}
    items = []
    for item in gathered.items:
        clip = item.clip
        if clip is not None and clip not in known and clip not in unread:
            try:
                samples = read_audio(clip, rate_hz)
            except AudioFileError as error:
                unread[clip] = str(error)
            else:
                window = whole_window(bundle, clip.name, samples)
                known[clip] = encoder.embed([window]).joint[0]
        own = None if clip is None else known.get(clip)
        items.append(replace(item, embedding=own, bundle=bundle.digest))
    return replace(gathered, items=tuple(items), unread=tuple(unread.values()))
