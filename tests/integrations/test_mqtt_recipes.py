"""docs/mqtt/recipes.md as it stands there: its scripts, a real Mosquitto, a real box."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from agent.cli.child import end, running_agent
from tests.faults.embedded import embed
from tests.integration.boxes import BOX, READY_S, settings_of
from tests.integration.scenes import write_siren
from tests.integrations.recipes import Recipes
from tests.mosquitto import PATIENCE_S
from tests.schemas import schema
from tests.secure_broker import person, secure_broker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.secure_broker import Person

pytestmark = pytest.mark.broker

USERS = ("press3", "dashboard", "terminal", "maintenance", "chat")
PASSWORDS = {name: f"pw-of-{name}" for name in USERS}
RECIPES = Recipes.read()
_STOP_S = 15.0


@dataclass
class Floor:
    """A running box, somebody who sees all, and a folder with the files of the page."""

    folder: Path
    port: int
    people: Person

    def here(self, text: str) -> str:
        """What is the site's own on the page, as it is here."""
        return (
            text.replace("broker.example", "127.0.0.1")
            .replace("8883", str(self.port))
            .replace("/etc/ssl/certs/kikimimi.crt", str(self.folder / "certs" / "ca.crt"))
            .replace('"button-3", 20', '"button-3", 8')  # no test waits for 20 s of sound
        )

    def run(self, commands: str, user: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Type commands as a user of the broker whose options lie in the home folder."""
        home = self.folder / user
        home.mkdir(exist_ok=True)
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        return subprocess.run(
            ["sh", "-c", commands],
            cwd=self.folder,
            input=given,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def told(self, topic: str) -> list[dict[str, Any]]:
        """What the box has said on one of its topics."""
        return [json.loads(payload) for payload in self.people.on(f"{BOX}/{topic}")]

    def open(self) -> list[str]:
        """Alerts that await an answer."""
        told = self.told("alerts/open")
        return [one["alert_id"] for one in told[-1]["alerts"]] if told else []


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    """A siren again and again, and the shipped broker with the rights that the page adds."""
    for name in ("mosquitto_sub", "mosquitto_pub", "mosquitto_rr"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed: script/bootstrap test installs it")
    folder = tmp_path_factory.mktemp("recipes")
    embed(folder / "descriptions.yaml", folder / "state")
    write_siren(folder / "siren.wav", before_s=1.0, after_s=4.0)
    (folder / "password").write_text(PASSWORDS["press3"])
    (folder / "password").chmod(0o600)
    source = {"name": "mic1", "kind": "file", "path": str(folder / "siren.wav"), "loop": True}
    with (
        secure_broker(folder, PASSWORDS, RECIPES.rights) as (broker, authority),
        person(broker.port, authority, "dashboard", PASSWORDS["dashboard"]) as people,
    ):
        people.subscribe(f"{BOX}/#")
        settings = settings_of(folder, broker.port, source)
        settings["mqtt"] |= {
            "username": "press3",
            "password_file": str(folder / "password"),
            "tls": {"enabled": True, "ca_file": str(authority.certificate)},
        }
        made = Floor(folder, broker.port, people)
        for name, text in RECIPES.files.items():
            (folder / name).write_text(made.here(text), encoding="utf-8")
        options = made.here(RECIPES.command("read -r password"))
        for user in ("terminal", "maintenance"):
            done = made.run(options.replace("terminal", user), user, f"{PASSWORDS[user]}\n")
            assert (done.returncode, done.stderr) == (0, "")
        with running_agent(folder, settings) as child:
            child.wait_for_event("ready", READY_S)
            # It listens before it is connected; before its birth, commands reach nobody.
            people.wait(lambda: people.on(f"{BOX}/status")[-1:] == ["online"])
            yield made


def test_every_block_of_the_page_is_known() -> None:
    """A recipe that no test runs is no recipe."""
    assert RECIPES.files.keys() == {
        "answer.sh", "mute.sh", "lamp.py", "hardware.py", "mqttwarn.ini", "new_alerts.py",
    }  # fmt: skip
    assert len(RECIPES.commands) == 8
    assert RECIPES.rights.count("user ") == 2


def test_alerts_are_shown(floor: Floor) -> None:
    """The next step of one, and what awaits an answer; both readable and whole."""
    shown = floor.run(RECIPES.command("/alert |"), "terminal")
    alert = json.loads(shown.stdout)
    jsonschema.validate(alert, schema("alert"))
    assert f'"description": "{alert["description"]}"' in shown.stdout
    waiting = json.loads(floor.run(RECIPES.command("alerts/open |"), "terminal").stdout)
    jsonschema.validate(waiting, schema("alerts-open"))


def test_the_newest_open_alert_is_answered(floor: Floor) -> None:
    """By the name that was given; what the box refuses is told and fails."""
    floor.people.wait(lambda: bool(floor.open()))
    refused = floor.run("sh answer.sh perhaps", "terminal")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "confirm" in json.loads(refused.stderr)["reason"]
    done = floor.run(RECIPES.command("sh answer.sh"), "terminal")
    assert (done.returncode, done.stderr) == (0, "")
    request_id = json.loads(done.stdout)["request_id"]
    (sent,) = [one for one in floor.told("cmd/verdict") if one["request_id"] == request_id]

    def reviewed() -> list[dict[str, Any]]:
        told = [one for one in floor.told("alert") if one["event_type"] == "reviewed"]
        return [one for one in told if one["alert_id"] == sent["alert_id"]]

    floor.people.wait(lambda: bool(reviewed()))
    (alert,) = reviewed()
    assert (alert["verdict"], alert["operator"]) == ("confirm", "shift-a")


@contextmanager
def lamp(floor: Floor) -> Iterator[tuple[subprocess.Popen[str], threading.Condition, list[str]]]:
    """The script, what its lamp did, and what tells of a change."""
    (floor.folder / "terminal.password").write_text(PASSWORDS["terminal"])
    process = subprocess.Popen(
        [sys.executable, str(floor.folder / "lamp.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ
        | {
            "MQTT_HOST": "127.0.0.1",
            "MQTT_PORT": str(floor.port),
            "MQTT_USER": "terminal",
            "MQTT_PASSWORD_FILE": str(floor.folder / "terminal.password"),
            "MQTT_CA_FILE": str(floor.folder / "certs" / "ca.crt"),
        },
    )
    changed, lines = threading.Condition(), list[str]()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with changed:
                lines.append(line.strip())
                changed.notify_all()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield process, changed, lines
    finally:
        end(process, _STOP_S)
        reader.join()
        assert process.stdout is not None
        process.stdout.close()


def test_a_button_answers_what_a_lamp_shows_and_a_mute_ends_it(floor: Floor) -> None:
    """On while something is open; yes to each; *I heard it* when dark."""
    mute, unmute = RECIPES.command("sh mute.sh").splitlines()
    with lamp(floor) as (process, changed, lines):

        def wait_for(line: str) -> None:
            with changed:
                assert changed.wait_for(lambda: lines[-1:] == [line], PATIENCE_S), lines

        wait_for("lamp on")
        assert json.loads(floor.run(mute, "maintenance").stdout)["accepted"]
        pressed: dict[str, Any] = {}
        while not (pressed.get("command") == "heard" and pressed["accepted"]):
            before = len(floor.told("cmd/result"))
            process.send_signal(signal.SIGUSR1)
            floor.people.wait(lambda: len(floor.told("cmd/result")) > before)  # noqa: B023
            pressed = floor.told("cmd/result")[-1]
            if pressed["command"] == "verdict":  # else the next press is for the same alert
                answered = floor.told("cmd/verdict")[-1]["alert_id"]
                floor.people.wait(lambda: answered not in floor.open())  # noqa: B023
            else:  # nothing of the box's first seconds is remembered
                levels = len(floor.told("source/mic1/level"))
                floor.people.wait(lambda: len(floor.told("source/mic1/level")) > levels)  # noqa: B023
        wait_for("lamp off")
        said = [one for one in floor.told("cmd/verdict") if one["operator"] == "button-3"]
        assert {one["verdict"] for one in said} == {"confirm"}
        assert json.loads(floor.run(unmute, "maintenance").stdout)["accepted"]
    assert floor.run("sh mute.sh 99999999", "maintenance").returncode == 1


@pytest.fixture(scope="module")
def environment(floor: Floor) -> Path:
    """The environment of the bridge, made as the page says, and gpiozero."""
    done = floor.run(RECIPES.command("python3 -m venv"), "chat")
    assert done.returncode == 0, done.stderr
    python = floor.folder / "mqttwarn" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "gpiozero"], check=True)
    return python


@pytest.mark.full
def test_new_alerts_come_to_a_chat(floor: Floor, environment: Path) -> None:
    """Each once, in the site's words, by a webhook."""
    posts: list[dict[str, str]] = []
    came = threading.Condition()

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with came:
                posts.append(json.loads(body))
                came.notify_all()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The test tells what is wrong."""

    server = HTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever).start()
    ini = floor.folder / "mqttwarn.ini"
    hook = f"http://127.0.0.1:{server.server_port}/hooks"
    ini.write_text(ini.read_text().replace("https://chat.example/hooks", hook))
    first = len(floor.told("alert"))
    with (floor.folder / "mqttwarn.log").open("wb") as log:
        process = subprocess.Popen(
            ["sh", "-c", f"exec env {RECIPES.command('MQTTWARNINI=')}"],
            cwd=floor.folder,
            env=os.environ | {"MQTT_PASSWORD": PASSWORDS["chat"]},
            stderr=log,
        )
    try:
        with came:
            assert came.wait_for(lambda: len(posts) >= 2, PATIENCE_S)
    finally:
        end(process, _STOP_S)
        server.shutdown()
        server.server_close()
    new = [one for one in floor.told("alert")[first:] if one["event_type"] == "new"]
    texts = [
        f"{one['severity']}: {one['description']} (press3, mic1, {one['ts_start']})" for one in new
    ]
    got = [post["text"] for post in posts]
    assert got == texts[texts.index(got[0]) :][: len(got)]


@pytest.mark.full
def test_the_hardware_of_a_raspberry_pi_is_a_function_too(floor: Floor, environment: Path) -> None:
    """By gpiozero's own mock pins: no pins are here."""
    check = """
from gpiozero import Device
pressed = []
switch = hardware(lambda: pressed.append(True))
switch(True)
assert LAMP.is_lit
switch(False)
assert not LAMP.is_lit
Device.pin_factory.pin(27).drive_low()
assert pressed == [True]
"""
    done = subprocess.run(
        [environment, "-c", (floor.folder / "hardware.py").read_text() + check],
        env=os.environ | {"GPIOZERO_PIN_FACTORY": "mock"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
