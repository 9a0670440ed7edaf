"""The bill of materials of an environment (CycloneDX 1.6, JSON), made by cyclonedx-py."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core.errors import KikimimiError
from release.licences import licensed

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"


def write_sbom(environment: Path, output: Path, *, validate: bool = True) -> int:
    """Write it, and see that nothing is missing in it.

    With ``SOURCE_DATE_EPOCH`` set, the same environment gives the same file.

    Args:
        environment: folder of a virtual environment whose Python runs here.
        output: a JSON file; an earlier one is replaced.
        validate: hold it against the schema of CycloneDX, which takes longer than all the rest.

    Returns:
        How many distributions it names, the program itself among them.

    Raises:
        KikimimiError: cyclonedx-py fails, or leaves a distribution out.
    """
    wanted = _normalised(one.name for one in licensed(environment))
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"]
    command += ["--validate" if validate else "--no-validate"]
    command += ["--pyproject", str(_PROJECT), "--output-file", str(output), str(environment)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        told = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise KikimimiError(f"cyclonedx-py: {told}; is it installed? It is in the extra 'dev'")
    made = json.loads(output.read_text(encoding="utf-8"))
    told_of = _normalised(
        one["name"] for one in (*made["components"], made["metadata"]["component"])
    )
    if missing := wanted - told_of:
        raise KikimimiError(
            f"{output}: lacks {', '.join(sorted(missing))}; see what cyclonedx-py says of {command}"
        )
    return len(wanted)


def _normalised(names: Iterable[str]) -> set[str]:
    """As an index of packages compares them."""
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}
