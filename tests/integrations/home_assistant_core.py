"""Home Assistant itself: installed by pip into an environment, started, asked by its HTTP API."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import pytest

from agent.cli.child import end
from tests.install.environments import interpreter, outside
from tests.mosquitto import PATIENCE_S, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VARIABLE = "KIKIMIMI_HOME_ASSISTANT"
"""Names the interpreter of an environment that has it; one is made otherwise."""
_REQUIREMENTS = Path(__file__).with_name("home_assistant.txt")
_PYTHON = "3.13"
_STOP_S = 60.0
_POLL_S = 0.1
_Found = TypeVar("_Found")
_OWNER = {"name": "Owner", "username": "owner", "password": "secret"}


def install(folder: Path) -> Path:
    """The interpreter of an environment that has Home Assistant, made where none is named."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    made = folder / "venv"
    _succeed(str(interpreter(_PYTHON)), "-m", "venv", str(made))
    python = made / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = _REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    core = next(line for line in wanted if line.startswith("homeassistant=="))
    # Its wheel holds the versions of all else.
    alone = subprocess.run(
        [*pip, "--no-deps", core], env=outside(), capture_output=True, text=True, check=False
    )
    if alone.returncode != 0:
        pytest.skip(f"pip cannot install {core}: {alone.stderr[-300:]}")
    (constraints,) = made.glob("lib/*/site-packages/homeassistant/package_constraints.txt")
    _succeed(*pip, "--constraint", str(constraints), "--requirement", str(_REQUIREMENTS))
    return python


def _succeed(*command: str) -> None:
    done = subprocess.run(command, env=outside(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}"


@dataclass
class HomeAssistantCore:
    """Home Assistant with a folder of its own."""

    python: Path
    folder: Path
    """Of its configuration."""
    port: int
    language: str
    tokens: dict[str, Any]
    """Of its owner, once there is one."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Of its pages."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that it has logged since it was started first."""
        return "\n".join(
            path.read_text(encoding="utf-8", errors="replace")
            for path in sorted(self.folder.glob("home-assistant.log*"))
        )

    def start(self) -> None:
        """Start it and wait until it has begun."""
        with (self.folder / "output.txt").open("ab") as output:
            # It installs nothing by itself: what it is tried with is written down.
            options = ["--config", str(self.folder), "--skip-pip", "--log-no-color"]
            self.process = subprocess.Popen(
                [str(self.python), "-m", "homeassistant", *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=outside(),
            )
        self.wait(self._has_begun)

    def stop(self) -> None:
        """End it as its service would."""
        if self.process is not None:
            end(self.process, _STOP_S)
            self.process = None

    def wait(self, until: Callable[[], _Found | None]) -> _Found:
        """Ask again and again until there is something; what there is then."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := until()):
            assert self.process is not None
            assert self.process.poll() is None, self.log[-3_000:]
            assert time.monotonic() < deadline, self.log[-3_000:]
            time.sleep(_POLL_S)
        return found

    def get(self, path: str) -> Any:
        """What it answers there; nothing where there is nothing."""
        return self._ask("GET", path)

    def post(self, path: str, **fields: Any) -> Any:
        """What it answers to that."""
        return self._ask("POST", path, json.dumps(fields), "application/json")

    def render(self, template: str) -> str:
        """A template of its language."""
        return str(self.post("/api/template", template=template))

    def state(self, entity_id: str) -> dict[str, Any]:
        """State and attributes of an entity; empty where there is none."""
        found: dict[str, Any] = self.get(f"/api/states/{entity_id}") or {}
        return found

    def press(self, entity_id: str) -> None:
        """Press a button."""
        self.post("/api/services/button/press", entity_id=entity_id)

    def set_number(self, entity_id: str, value: float) -> None:
        """Choose a number."""
        self.post("/api/services/number/set_value", entity_id=entity_id, value=value)

    def onboard(self) -> None:
        """Make its owner, as who opens it first does."""
        client = f"{self.address}/"
        owner = {**_OWNER, "client_id": client, "language": self.language}
        code = self.post("/api/onboarding/users", **owner)["auth_code"]
        grant = {"grant_type": "authorization_code", "code": code, "client_id": client}
        tokens = self._ask(
            "POST", "/auth/token", urlencode(grant), "application/x-www-form-urlencoded"
        )
        self.tokens.update(tokens, hassUrl=self.address, clientId=client)
        self.tokens["expires"] = round(1_000 * (time.time() + tokens["expires_in"]))
        for step in ("core_config", "analytics"):
            self.post(f"/api/onboarding/{step}")
        self.post("/api/onboarding/integration", client_id=client, redirect_uri=client)

    def add_mqtt(self, port: int, user: str, password: str, authority: Path) -> None:
        """Add the MQTT integration as its four forms do.

        Args:
            port: of the broker.
            user: who logs in there.
            password: of the user.
            authority: the certificate that the broker's own is to be checked by.
        """
        flows = "/api/config/config_entries/flow"
        # Who has switched the advanced mode on in their profile is asked for certificates.
        form = self.post(flows, handler="mqtt", show_advanced_options=True)
        filled = {"broker": "127.0.0.1", "port": port, "username": user, "password": password}
        steps = (
            {"advanced_options": True},
            {"set_ca_cert": "custom"},
            {"set_ca_cert": "custom", "certificate": self._upload(authority)},
        )
        for more in steps:
            assert (form["type"], form["errors"] or {}) == ("form", {}), form
            form = self.post(f"{flows}/{form['flow_id']}", **filled, **more)
        assert form["type"] == "create_entry", form

    def _upload(self, file: Path) -> str:
        head = f'Content-Disposition: form-data; name="file"; filename="{file.name}"'
        body = f"--PART\r\n{head}\r\n\r\n{file.read_text(encoding='utf-8')}\r\n--PART--\r\n"
        kind = "multipart/form-data; boundary=PART"
        uploaded: str = self._ask("POST", "/api/file_upload", body, kind)["file_id"]
        return uploaded

    def _has_begun(self) -> bool:
        try:
            if self.tokens:
                return bool((self.get("/api/config") or {}).get("state") == "RUNNING")
            return bool(self.get("/api/onboarding"))
        except (OSError, HTTPException):
            return False

    def _ask(self, method: str, path: str, body: str | None = None, kind: str = "") -> Any:
        headers = {"Content-Type": kind} if body is not None else {}
        if self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            told = answer.read().decode()
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        assert answer.status < HTTPStatus.BAD_REQUEST, (path, answer.status, told)
        as_json = answer.headers.get_content_type() == "application/json"
        return json.loads(told) if as_json else told


@contextmanager
def home_assistant_core(python: Path, folder: Path, language: str) -> Iterator[HomeAssistantCore]:
    """Home Assistant as it is when somebody has just installed it."""
    folder.mkdir()
    port = free_port()
    # Parts of default_config that need no network and no device.
    (folder / "configuration.yaml").write_text(
        f"http:\n  server_host: 127.0.0.1\n  server_port: {port}\nconfig:\nhistory:\nlogbook:\n",
        encoding="utf-8",
    )
    core = HomeAssistantCore(python, folder, port, language, {})
    try:
        core.start()
        yield core
    finally:
        core.stop()
