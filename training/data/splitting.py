"""One split of all known recordings: who goes together, and where it goes.

Sets with a split of their own keep it. The groups of effects-cc and industrial-cc are drawn by a
hash of their names, within each source set, those of many clips apart; of the labels that several
groups bear, about half are in the test with all their groups, so that a label is met there by
more than one source and never in training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from training.data.readers.effects import Clip
from training.data.readers.splits import chance
from training.data.records import Split
from training.data.subsets import PRECEDENCE

SERIES = 6
"""Clips from which on a group can show five examples and one more."""
_TEST, _VALIDATION = 0.40, 0.15
_TEST_OF_SERIES, _VALIDATION_OF_SERIES = 0.52, 0.12
"""More of the series go to the test, which draws 45 of them at a time."""
_UNHEARD = 0.5
"""Share of the labels of several groups that are in the test alone."""


@dataclass(slots=True)
class _Unit:
    """Groups that hold the same sounds, and what is known of them."""

    name: str
    fixed: Split | None
    """The last split of recordings of other sets that hold the same sound."""
    clips: list[Clip] = field(default_factory=list)

    @property
    def stratum(self) -> tuple[bool, str]:
        """Whether it is a series, and the set that most of its clips are from."""
        counts = Counter(clip.source_set for clip in self.clips)
        most = min(counts, key=lambda name: (-counts[name], name))
        return max(Counter(clip.group for clip in self.clips).values()) >= SERIES, most


@dataclass(frozen=True, slots=True)
class Assigned:
    """A split for each recording, and what was joined for it."""

    splits: Mapping[str, Split | None]
    """By the recording's id; ``None`` where another set's recording of a later split holds its
    sound."""
    merged: tuple[tuple[str, ...], ...]
    """Groups and recordings of other sets that go together because they hold the same sound."""
    unheard: tuple[str, ...]
    """Labels that are drawn to be in the test alone."""


def assign(
    fixed: Mapping[str, Split], clips: Sequence[Clip], same: Iterable[tuple[str, str]]
) -> Assigned:
    """Split clips by their groups; what is split already stays.

    Args:
        fixed: splits of the other sets' recordings, by id.
        clips: of effects-cc and industrial-cc.
        same: ids of two recordings that hold the same sound.
    """
    same = tuple(same)
    units, merged = _units(fixed, clips, same)
    splits: dict[str, Split | None] = {**fixed}
    for one, other in same:
        ends = [fixed.get(one), fixed.get(other)]
        if ends[0] is not ends[1] and None not in ends:
            splits[min((one, other), key=lambda end: PRECEDENCE.index(fixed[end]))] = None
    groups: dict[str, set[str]] = {}
    for unit in units:
        for clip in unit.clips:
            groups.setdefault(clip.label, set()).add(unit.name)
    several = {label for label, bearing in groups.items() if len(bearing) > 1}
    unheard = {label for label in several if chance(f"label/{label}") < _UNHEARD}
    strata: dict[tuple[bool, str], list[_Unit]] = {}
    for unit in units:
        if unit.fixed is not None:
            splits |= dict.fromkeys((clip.id for clip in unit.clips), unit.fixed)
        else:
            strata.setdefault(unit.stratum, []).append(unit)
    for (is_series, _), some in strata.items():
        test, validation = (
            (_TEST_OF_SERIES, _VALIDATION_OF_SERIES) if is_series else (_TEST, _VALIDATION)
        )
        drawn = {unit.name: any(c.label in unheard for c in unit.clips) for unit in some}
        ordered = sorted(some, key=lambda unit: (not drawn[unit.name], chance(unit.name)))
        for index, unit in enumerate(ordered):
            share = (index + 0.5) / len(ordered)
            if drawn[unit.name] or share < test:
                split = Split.TEST
            else:
                split = Split.VALIDATION if share < test + validation else Split.TRAIN
            splits |= dict.fromkeys((clip.id for clip in unit.clips), split)
    return Assigned(splits, merged, tuple(sorted(unheard)))


def _units(
    fixed: Mapping[str, Split], clips: Sequence[Clip], same: Iterable[tuple[str, str]]
) -> tuple[list[_Unit], tuple[tuple[str, ...], ...]]:
    """Groups, joined where they hold the same sound, and what was joined."""
    group_of = {clip.id: f"group {clip.group}" for clip in clips}
    joined: dict[str, str] = {name: name for name in (*fixed, *group_of.values())}

    def root(name: str) -> str:
        while joined[name] != name:
            name = joined[name]
        return name

    for pair in same:
        ends = [group_of.get(one, one) for one in pair]
        if all(end in joined for end in ends):
            first, second = sorted(root(end) for end in ends)
            joined[second] = first
    families: dict[str, list[str]] = {}
    for name in sorted(joined):
        families.setdefault(root(name), []).append(name)
    units: dict[str, _Unit] = {}
    for members in families.values():
        own = [name for name in members if name not in fixed]
        if own:
            splits = [fixed[name] for name in members if name in fixed]
            split = max(splits, key=PRECEDENCE.index) if splits else None
            units |= dict.fromkeys(own, _Unit(own[0].removeprefix("group "), split))
    for clip in clips:
        units[group_of[clip.id]].clips.append(clip)
    told = tuple(tuple(some) for some in families.values() if len(some) > 1)
    return list({unit.name: unit for unit in units.values()}.values()), told
