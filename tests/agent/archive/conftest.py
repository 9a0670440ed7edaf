"""What tests of archives share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.agent.archive.archives import write_recording
from tests.bundles import make_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from agent.bundle.loading import Bundle


@pytest.fixture(scope="module", autouse=True)
def embedded(texts_embedded_once: None) -> None:
    """Every scan embeds the same few descriptions."""


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small bundle of real parts."""
    return make_bundle(tmp_path_factory.mktemp("model") / "bundle", seed=2)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder with three recordings."""
    recordings = tmp_path / "recordings"
    (recordings / "night").mkdir(parents=True)
    for number, name in enumerate(("a.flac", "b.wav", "night/c.flac")):
        write_recording(recordings / name, seed=number)
    return tmp_path
