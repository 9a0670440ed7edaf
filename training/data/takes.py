"""Takes: recordings of one and the same thing, by what is known of their label and source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.readers import effects
from training.data.readers.classes import CLASS
from training.data.readers.registry import data_sets
from training.data.records import Recording, Split

SETS = (
    *("effects-cc", "industrial-cc", "esc50-40", "everyday-cc", "cc0-impacts"),
    *("vroom-lathe", "brushless-motors"),
)


@dataclass(frozen=True, slots=True)
class Take:
    """One recording."""

    recording: Recording
    label: str
    family: str
    """Takes of one source: a group, a sound of Freesound, an author, a machine."""

    @property
    def id(self) -> str:
        """Of the recording."""
        return self.recording.id

    @property
    def data_set(self) -> str:
        """The folder that it is in."""
        return self.id.partition("/")[0]

    @property
    def thing(self) -> tuple[str, str, str]:
        """What it is a take of: the same label of the same source in the same set."""
        return self.data_set, self.label, self.family


def read(data: Path, *splits: Split, sets: Sequence[str] = SETS) -> tuple[Take, ...]:
    """All takes of some splits, in the order of their sets.

    Raises:
        FileNotFoundError: a set is not in the data folder.
        ManifestError: one is damaged.
    """
    found: list[Take] = []
    for name in sets:
        manifest = data_sets()[name].read(data)
        groups: Mapping[str, str] = {}
        if name in effects.SETS:
            groups = {clip.id: clip.group for clip in effects.clips(data, name)}
        recordings = {recording.id: recording for recording in manifest.recordings}
        for pair in manifest.pairs:
            recording = recordings[pair.recording]
            if recording.split in splits:
                family = groups.get(recording.id, recording.source)
                found.append(Take(recording, pair.caption.partition(CLASS)[2], family))
    return tuple(found)
