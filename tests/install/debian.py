"""Roots of Debian that are made for a test, and what making them takes."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

DEBIAN = "bookworm"


def needs(*programs: str) -> None:
    """Skip the test, visibly, where a program is missing or it does not run as root."""
    for program in programs:
        if shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
            pytest.skip(f"{program} is not installed: apt-get install {program}")
    if os.geteuid() != 0:
        pytest.skip("a root of its own takes root: run as root")


def bootstrap(root: Path, *packages: str) -> None:
    """Make a root of Debian, from where this machine's own packages come.

    Args:
        root: a folder; is made.
        packages: that it has beyond the least.
    """
    include = [f"--include={','.join(packages)}"] if packages else []
    command = ["debootstrap", "--variant=minbase", *include, DEBIAN, str(root), _mirror()]
    subprocess.run(command, check=True)


def _mirror() -> str:
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]
