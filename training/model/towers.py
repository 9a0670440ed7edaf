"""The audio towers that a model may have: another one is a module of its own and a line here."""

from __future__ import annotations

from agent.config.values import nearest
from training.model.audio_tower import TowerKind
from training.model.mobilenet import MN04

TOWERS = {tower.name: tower for tower in (MN04,)}
DEFAULT = MN04.name
"""Also of checkpoints that were written before towers had names."""


def tower_kind(name: str) -> TowerKind:
    """The tower of a name.

    Raises:
        ValueError: there is none.
    """
    if name not in TOWERS:
        near = nearest(name, TOWERS)
        remedy = f"did you mean {near!r}?" if near else f"write one of {', '.join(TOWERS)}"
        raise ValueError(f"audio tower {name!r} is not known; {remedy}")
    return TOWERS[name]
