"""A running agent, broker and console, and the Chromium of this machine that looks at them."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from agent.cli.child import running_agent
from agent.cli.console import FOLDER
from agent.config import ENVIRONMENT
from agent.console.passwords import Password
from tests.mosquitto import PATIENCE_S, free_port, mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from agent.cli.child import Child
    from tests.mosquitto import Mosquitto

BOX = "kikimimi/plant/press3"
"""Where its topics begin."""
PATIENCE_MS = PATIENCE_S * 1_000
_READY_S = 600.0
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass
class Stage:
    """What runs."""

    folder: Path
    broker: Mosquitto
    agent: Child | None
    console: subprocess.Popen[str]
    address: str
    setup: str | None
    """Where the first password is set, where one is needed."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install 'kikimimi[dev]'")
    binary = next(filter(None, map(shutil.which, _NAMES)), None)
    if binary is None:
        pytest.skip("chromium is not installed: script/bootstrap test installs it")
    with sync_api.sync_playwright() as playwright:
        # Its sandbox needs rights that a container may not give.
        browser = playwright.chromium.launch(
            executable_path=binary,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


@contextmanager
def stage(
    folder: Path,
    settings: dict[str, Any],
    *,
    agent: bool = True,
    password: str | None = None,
    arguments: tuple[str, ...] = (),
) -> Iterator[Stage]:
    """Start broker, agent and console.

    Args:
        folder: for all that they write.
        settings: what ``agent.yaml`` holds beside site, node, broker and console.
        agent: whether to start one.
        password: of the console, set beforehand.
        arguments: of ``kikimimi console``.
    """
    port = free_port()
    with mosquitto(folder) as broker:
        whole = {
            "site": "plant",
            "node": "press3",
            "state_dir": str(folder / "state"),
            "mqtt": {"host": "127.0.0.1", "port": broker.port},
            "log": {"format": "json"},
            **settings,
            "console": {"port": port, **settings.get("console", {})},
        }
        scheme = "https" if "cert_file" in whole["console"] else "http"
        address = f"{scheme}://127.0.0.1:{port}"
        if password is not None:
            Password(folder / "state" / FOLDER / "password.json").set(password)
        if not agent:
            (folder / "agent.yaml").write_text(json.dumps(whole), encoding="utf-8")
            with _console(folder, arguments) as (console, setup):
                yield Stage(folder, broker, None, console, address, setup)
            return
        with running_agent(folder, whole) as child:
            child.wait_for_event("ready", _READY_S)
            with _console(folder, arguments) as (console, setup):
                yield Stage(folder, broker, child, console, address, setup)


@contextmanager
def _console(
    folder: Path, arguments: tuple[str, ...]
) -> Iterator[tuple[subprocess.Popen[str], str | None]]:
    """The console, once it has told where it listens and accepts connections."""
    environment = {name: os.environ[name] for name in os.environ.keys() - ENVIRONMENT.keys()}
    log = folder / "console.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "agent",
                "console",
                "--config",
                str(folder / "agent.yaml"),
                *arguments,
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            text=True,
        )
        try:
            _wait(process, log, folder)
            found = re.search(r"setup#(\S+)", log.read_text(encoding="utf-8"))
            yield process, found[1] if found else None
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _wait(process: subprocess.Popen[str], log: Path, folder: Path) -> None:
    port = json.loads((folder / "agent.yaml").read_text(encoding="utf-8"))["console"]["port"]
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE_S).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text(encoding="utf-8"))
