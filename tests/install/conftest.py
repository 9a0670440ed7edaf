"""Environments that several tests share: each is made once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.install.environments import build_wheel, make

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.install.environments import Environment


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``pip install .`` builds."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def environments(
    tmp_path_factory: pytest.TempPathFactory, wheel: Path
) -> Callable[[str, str], Environment]:
    """Makes an environment of a Python and an extra, or gives the one that was made."""
    return cache(
        lambda version, extra: make(
            tmp_path_factory.mktemp(f"python{version}-{extra or 'base'}"), version, wheel, extra
        )
    )


@pytest.fixture
def environment(
    request: pytest.FixtureRequest, environments: Callable[[str, str], Environment]
) -> Environment:
    """The one that the test asks for."""
    return environments(*request.param)
