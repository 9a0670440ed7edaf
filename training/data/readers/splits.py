"""How a data set without a split of its own is split: for ever the same, and nothing leaks."""

from __future__ import annotations

import hashlib

from training.data.records import Split

_TRAIN = 0.60
_TRAIN_AND_VALIDATION = 0.75
_HASH_BYTES = 8


def by_hash(source: str) -> Split:
    """The split of a source, from its name alone: what is added later moves nothing."""
    digest = hashlib.sha256(source.encode("utf-8")).digest()[:_HASH_BYTES]
    return _at(int.from_bytes(digest, "big") / 256.0**_HASH_BYTES)


def by_time(count: int) -> tuple[Split, ...]:
    """Splits of clips of one recording in the order of time: the last are for the test.

    Neighbours in time sound alike for no reason that a description names; drawn at random they
    would be trained on and tested on.
    """
    return tuple(_at((index + 0.5) / count) for index in range(count))


def _at(share: float) -> Split:
    if share < _TRAIN:
        return Split.TRAIN
    return Split.VALIDATION if share < _TRAIN_AND_VALIDATION else Split.TEST
