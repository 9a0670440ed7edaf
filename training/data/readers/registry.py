"""The data sets that a manifest can be made of: each reader registers its own.

A new one is a module of this package that calls :func:`register`; nothing else has to name it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from training.data.records import Manifest


@dataclass(frozen=True, slots=True)
class DataSet:
    """A set that holds its recordings."""

    name: str
    """Its folder in the data folder, and what its ids begin with."""
    read: Callable[[Path], Manifest]
    """From the data folder, as it was published, with the names of its classes alone."""
    class_name: Callable[[str], str] = lambda name: name.replace("_", " ")
    """What a class is called, from the id that ``configs/evaluation`` gives it."""
    left_out: Callable[[Path], tuple[str, ...]] = lambda _: ()
    """What of it is not read and why, a line a reason, from the data folder."""
    by_default: bool = True
    """Whether a manifest holds it unasked: sets whose classes have our captions."""


_REGISTERED: dict[str, tuple[str, DataSet]] = {}


def register(data_set: DataSet, reader: str) -> None:
    """Make a data set known.

    Args:
        data_set: by its name.
        reader: the module that reads it, ``__name__``.
    """
    _REGISTERED[data_set.name] = (reader, data_set)


@cache
def data_sets() -> Mapping[str, DataSet]:
    """All data sets, by name, in the order of their readers, whichever was imported first."""
    for module in iter_modules([str(Path(__file__).parent)]):
        import_module(f"training.data.readers.{module.name}")
    in_order = sorted(_REGISTERED.items(), key=lambda known: known[1][0])
    return {name: data_set for name, (_, data_set) in in_order}
