"""Parts of Kikimimi that are installed on request: the extras of ``pyproject.toml``.

What needs one is imported when it is asked for, within :func:`needed`, which tells what to type
where that fails.
"""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING

from agent.core import shipped
from agent.core.errors import KikimimiError

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN = frozenset({"agent", "training", "export"})


class Extra(StrEnum):
    """Under the name that pip takes."""

    ARCHIVE = "archive"
    CONSOLE = "console"
    DEMO = "demo"
    METRICS = "metrics"
    TRAINING = "training"
    EXPORT = "export"


_LOOKED_FOR = {
    Extra.CONSOLE: ("starlette", "uvicorn"),
    Extra.DEMO: ("amqtt",),
    Extra.METRICS: ("prometheus_client",),
}
"""What is imported of an extra that is asked for by :func:`require`."""


@contextmanager
def needed(extra: Extra | None, who: str) -> Iterator[None]:
    """Tell what to install where a module is missing within the ``with``.

    Args:
        extra: what the module belongs to; ``None`` for what every installation has.
        who: needs it.

    Raises:
        KikimimiError: one is missing; holds the command that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name in _OWN:  # a mistake in the code, which no pip mends
            raise
        raise _missing(extra, who, name) from error


def require(extra: Extra, who: str) -> None:
    """Look whether an extra is there that another process will need; nothing is imported.

    Raises:
        KikimimiError: it is not; holds the command that installs it.
    """
    for name in _LOOKED_FOR[extra]:
        if find_spec(name) is None:
            raise _missing(extra, who, name)


def _missing(extra: Extra | None, who: str, module: str) -> KikimimiError:
    needs = f"the module '{module}', which" if extra is None else f"the extra '{extra}': '{module}'"
    return KikimimiError(f"{who} needs {needs} is not installed; type: {command(extra)}")


def command(extra: Extra | None) -> str:
    """What installs an extra into this environment, in the versions that were tested.

    It names no folder of sources, which may be gone: pip takes what is installed for the package
    itself and adds what the extra needs.
    """
    wanted = shipped.DISTRIBUTION if extra is None else f"{shipped.DISTRIBUTION}[{extra}]"
    versions = shipped.constraints()
    pinned = ["--constraint", str(versions)] if versions.is_file() else []
    words = [sys.executable, "-m", "pip", "install", *pinned, wanted]
    if not os.access(sysconfig.get_path("purelib"), os.W_OK):
        words.insert(0, "sudo")
    return shlex.join(words)
