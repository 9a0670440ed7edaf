"""Node-RED with its dashboard: installed by npm into a folder, and started on a flow."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.cli.child import end
from tests.mosquitto import PATIENCE_S, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FLOW = Path(__file__).resolve().parents[2] / "configs" / "node-red" / "flows.json"
_PACKAGE = Path(__file__).with_name("package.json")
_STARTED = "Started flows"
_STOP_S = 15.0


def install(folder: Path) -> Path:
    """Install Node-RED and the dashboard at the versions of ``package.json``; the folder."""
    for command in ("node", "npm"):
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed: apt-get install nodejs npm")
    shutil.copy(_PACKAGE, folder)
    arguments = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    done = subprocess.run(
        ["npm", "install", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@contextmanager
def node_red(installed: Path, folder: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """Run the flow as a user would who has imported it; where its dashboard is.

    Args:
        installed: what :func:`install` made.
        folder: for its settings and its log.
        variables: of its environment, beside those of this process.
    """
    port = free_port()
    settings = {
        "uiHost": "127.0.0.1",
        "uiPort": port,
        "flowFile": "flows.json",
        "credentialSecret": False,
        "telemetry": {"enabled": False},
        "externalModules": {"autoInstall": False},
    }
    folder.mkdir()
    shutil.copy(FLOW, folder / "flows.json")
    # It looks for nodes beside its settings.
    (folder / "node_modules").symlink_to(installed / "node_modules")
    (folder / "settings.js").write_text(f"module.exports = {json.dumps(settings)};\n")
    program = installed / "node_modules" / "node-red" / "red.js"
    command = ["node", str(program), "--userDir", str(folder)]
    log = folder / "node-red.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--settings", str(folder / "settings.js")],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | dict(variables),
        )
        try:
            _wait(process, log)
            yield f"http://127.0.0.1:{port}/dashboard"
        finally:
            end(process, _STOP_S)
    told = log.read_text(encoding="utf-8")
    assert "[error]" not in told, told


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while _STARTED not in log.read_text(encoding="utf-8", errors="replace"):
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
        time.sleep(0.05)
