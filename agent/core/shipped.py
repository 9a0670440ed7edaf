"""Where the files are that arrive with the code but are none: settings, units, versions."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "kikimimi"

_ROOT = Path(__file__).resolve().parents[2]
_CONSTRAINTS = "constraints.txt"


def config(name: str) -> Path:
    """What is in ``configs/``, such as ``agent.yaml``; it is not said that there is such a file."""
    return _path("configs", name)


def unit(name: str) -> Path:
    """A file of ``systemd/``, such as ``kikimimi.service``; likewise."""
    return _path("systemd", name)


def constraints() -> Path:
    """The versions that were tested together, as pip takes them; likewise."""
    return _path("", _CONSTRAINTS)


def _path(folder: str, name: str) -> Path:
    """In the source tree if the code lies in one, else where the installation has put it."""
    is_tree = (_ROOT / "pyproject.toml").is_file()
    return (_ROOT / folder if is_tree else _installed()) / name


def _installed() -> Path:
    """The folder that the installation has made.

    It is looked up in what was installed: a virtual environment, ``pip install --user`` and a
    distribution's package each have another place for it.
    """
    own = ("share", DISTRIBUTION, _CONSTRAINTS)
    try:
        files = metadata.files(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.parts[-len(own) :] == own:
            return Path(str(file.locate())).resolve().parent
    return Path(sys.prefix, *own).parent
