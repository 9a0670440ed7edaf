"""What trainings of the tests share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def noise_made_once() -> Iterator[None]:
    """Each training makes hundreds of windows of machine noise from the same seed: only once."""
    from training.data import augment
    from training.train import anchors, sounds

    once = cache(augment.background_log_mels)
    with pytest.MonkeyPatch.context() as patch:
        for module in (anchors, sounds):
            patch.setattr(module, "background_log_mels", once)
        yield
