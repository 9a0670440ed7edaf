"""Fixtures that every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.capture.scene import Scene

ROOT = Path(__file__).resolve().parents[1]

# A loaded machine is no fault of the code under test.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``script/test --full`` passes ``--full``."""
    parser.addoption("--full", action="store_true", help="also what takes long or needs more")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, visibly, what only ``--full`` runs."""
    if not config.getoption("--full"):
        for item in items:
            if item.get_closest_marker("full") is not None:
                item.add_marker(pytest.mark.skip(reason="at full size: script/test --full"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The shared recordings: ``KIKIMIMI_DATA``, by default beside the repository."""
    folder = Path(os.environ.get("KIKIMIMI_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}: set KIKIMIMI_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def scene() -> Scene:
    """The demo's scene, which takes seconds to make; whoever writes to its samples fails."""
    from agent.capture.scene import build_scene

    made = build_scene()
    made.samples.flags.writeable = False
    return made


@pytest.fixture(scope="module")
def texts_embedded_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For tests of what follows from embeddings, in this process: not of how they are made."""
    from tests.embedding import embedded_once, shared_folder

    with embedded_once(shared_folder(tmp_path_factory)):
        yield
