"""The console's server as a process, asked by plain HTTP: what passes and what does not."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from agent.console.guard import MOST_BYTES
from tests.browser.stage import stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.stage import Stage

pytestmark = pytest.mark.broker

PASSWORD = "correct horse battery"  # noqa: S105 - made up
ALERT_ID = "01KE0000000000000000000000"
DESCRIPTIONS = "version: 1\nerrors:\n  - id: drop\n    text: 金属部品が床に落ちた音\n"
VERDICT = {"request_id": "r1", "verdict": "confirm", "relevance": None, "operator": "shift-a"}


@dataclass
class Browser:
    """What a browser keeps: a cookie and a token."""

    port: int
    cookie: str = ""
    csrf: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    """Of the last answer."""

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60.0)
        sent = {"host": f"localhost:{self.port}", "cookie": self.cookie}
        if method != "GET":
            sent |= {"content-type": "application/json", "x-csrf-token": self.csrf}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, data, {key: value for key, value in sent.items() if value})
        response = connection.getresponse()
        self.headers = {key.lower(): value for key, value in response.getheaders()}
        content = response.read()
        connection.close()
        if "set-cookie" in self.headers:
            self.cookie = self.headers["set-cookie"].partition(";")[0]
        kind = self.headers.get("content-type", "")
        told = json.loads(content) if kind == "application/json" and content else {}
        self.csrf = told.get("csrf", self.csrf)
        return response.status, told


def _browser(running: Stage) -> Browser:
    browser = Browser(int(running.address.rpartition(":")[2]))
    assert browser.ask("GET", "/api/session")[0] == 200
    return browser


def _settings(folder: Path, **console: Any) -> dict[str, Any]:
    (folder / "descriptions.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    return {"descriptions": str(folder / "descriptions.yaml"), "console": console}


@pytest.fixture(scope="module")
def open_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Without a password, on this machine only."""
    folder = tmp_path_factory.mktemp("open")
    with stage(folder, _settings(folder), agent=False) as running:
        yield running


@pytest.fixture(scope="module")
def closed_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """With a password."""
    folder = tmp_path_factory.mktemp("closed")
    settings = _settings(folder, names=["press3.example"])
    with stage(folder, settings, agent=False, password=PASSWORD) as running:
        yield running


def test_every_answer_carries_the_headers_that_browsers_obey(open_console: Stage) -> None:
    """No script from elsewhere or in the page, no frame around it, no guessing of types."""
    browser = _browser(open_console)
    for path in ("/", "/static/app.js", "/api/overview", "/nothing", "/api/alerts/x/sound"):
        browser.ask("GET", path)
        policy = browser.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert browser.headers["x-content-type-options"] == "nosniff"
        assert browser.headers["referrer-policy"] == "no-referrer"
        assert "server" not in browser.headers
    browser.cookie = ""
    browser.ask("GET", "/api/session")
    given = browser.headers["set-cookie"].lower()
    assert "httponly" in given
    assert "samesite=strict" in given
    assert browser.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("LOCALHOST:99", 200), ("127.0.0.1:1", 200), ("[::1]:1", 200),
        ("192.168.0.7", 200), ("evil.example", 421), ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example:80", 421), ("kikimimi", 421),
    ],
)  # fmt: skip
def test_only_names_of_the_console_are_answered(
    open_console: Stage, host: str, status: int
) -> None:
    """A name of somebody else that resolves to this machine leads nowhere."""
    browser = _browser(open_console)
    assert browser.ask("GET", "/api/session", host=host)[0] == status


def test_a_change_needs_the_token_of_its_session(open_console: Stage) -> None:
    """A page elsewhere cannot answer alerts through somebody's browser."""
    browser = _browser(open_console)
    path = f"/api/alerts/{ALERT_ID}/undo"
    body = {"request_id": "r1", "operator": "shift-a"}
    assert browser.ask("POST", path, body)[0] == 202
    assert browser.ask("POST", path, body, x_csrf_token="x" * 43)[0] == 403
    assert browser.ask("POST", path, body, x_csrf_token="")[0] == 403
    assert browser.ask("POST", path, body, sec_fetch_site="cross-site")[0] == 403
    assert browser.ask("POST", path, body, origin="http://evil.example")[0] == 403
    assert browser.ask("POST", path, body, origin=f"http://localhost:{browser.port}")[0] == 202
    assert browser.ask("POST", path, body, content_type="text/plain")[0] == 415
    other = _browser(open_console)
    assert other.ask("POST", path, body, x_csrf_token=browser.csrf)[0] == 403
    assert other.ask("GET", path)[0] == 405


def test_what_is_too_large_or_no_json_is_refused(open_console: Stage) -> None:
    """Before it is read, or while it is."""
    browser = _browser(open_console)
    path = "/api/descriptions/check"
    assert browser.ask("POST", path, b"x", content_length=str(MOST_BYTES + 1))[0] == 413
    assert browser.ask("POST", path, b"{" * 100_000)[0] == 422
    assert browser.ask("POST", path, b"\xff")[0] == 422
    assert browser.ask("POST", path, [1])[0] == 422
    assert browser.ask("POST", path, {"text": "version: 1"})[0] == 200


_SOUND = {"request_id": "r1", "error_id": "drop", "source": "mic1", "operator": "shift-a"}
_ASKED = {"request_id": "r1", "source": "mic1", "kind": "curve"}


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("heard", _SOUND | {"from_s_ago": 30, "to_s_ago": 0}, 202, ""),
        ("heard", _SOUND | {"from_s_ago": -1, "to_s_ago": 0}, 422, "from_s_ago"),
        ("heard", _SOUND | {"from_s_ago": 30}, 422, "to_s_ago"),
        ("heard", _SOUND | {"from_s_ago": 30, "to_s_ago": 0, "operator": ""}, 422, "operator"),
        ("teach", _SOUND | {"seconds": 10}, 202, ""),
        ("teach", _SOUND | {"seconds": 61}, 422, "seconds"),
        ("teach", _SOUND | {"seconds": 10, "extra": 1}, 422, "extra"),
        ("recent", _ASKED, 202, ""),
        ("recent", _ASKED | {"kind": "audio", "from_s_ago": 9, "to_s_ago": 4}, 202, ""),
        ("recent", _ASKED | {"kind": "film"}, 422, "kind"),
    ],
)
def test_sounds_are_asked_for_with_the_fields_that_it_takes(
    open_console: Stage, path: str, body: dict[str, Any], status: int, reason: str
) -> None:
    """What is wrong is told before anything is sent; what was not asked for is not there."""
    browser = _browser(open_console)
    found, told = browser.ask("POST", f"/api/{path}", body)
    assert found == status
    assert reason in told.get("reason", "")
    assert browser.ask("POST", f"/api/{path}", body, x_csrf_token="")[0] == 403
    assert browser.ask("GET", "/api/recent/r9")[0] == 404


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"verdict": "maybe"}, "verdict"),
        ({"operator": ""}, "operator"),
        ({"operator": "a\nb"}, "operator"),
        ({"relevance": 101}, "relevance"),
        ({"request_id": "no spaces"}, "request_id"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_wrong_verdict_is_refused_before_it_is_sent(
    open_console: Stage, change: dict[str, Any], reason: str
) -> None:
    """With the field that is wrong."""
    browser = _browser(open_console)
    path = f"/api/alerts/{ALERT_ID}/verdict"
    status, told = browser.ask("POST", path, {**VERDICT, **change})
    assert status == 422
    assert reason in told["reason"]
    assert browser.ask("POST", "/api/alerts/no-alert/verdict", VERDICT)[0] == 422


@pytest.mark.parametrize(
    "path",
    [
        "/static/..%2f..%2fapp.py", "/static/%2e%2e/app.py", "/static/", "/../agent.yaml",
        "/api/alerts/..%2f..%2fagent/sound", f"/api/alerts/{ALERT_ID}/sound",
        f"/api/alerts/{ALERT_ID}%00/picture", "/api/rating/sound/0", "/api/rating/sound/../0",
    ],
)  # fmt: skip
def test_no_address_leads_to_a_file(open_console: Stage, path: str) -> None:
    """But those that are served by name from memory, or that the database names."""
    assert _browser(open_console).ask("GET", path)[0] == 404


def test_with_a_password_nothing_is_shown_without_it(closed_console: Stage) -> None:
    """Pages lead to the login, data is refused; the session says nothing of the site."""
    browser = _browser(closed_console)
    status, told = browser.ask("GET", "/api/session")
    assert status == 200
    assert not told["logged_in"]
    assert "site" not in told
    for path in ("/", "/descriptions", "/anything"):
        assert browser.ask("GET", path)[0] == 303
        assert browser.headers["location"] == "/login"
    for path in ("/api/overview", "/api/events", "/api/descriptions"):
        assert browser.ask("GET", path)[0] == 401
    assert browser.ask("POST", f"/api/alerts/{ALERT_ID}/verdict", VERDICT)[0] == 401
    assert browser.ask("GET", "/api/session", host="press3.example:80")[0] == 200


def test_logging_in_changes_the_token_and_logging_out_ends_it(closed_console: Stage) -> None:
    """A wrong password is refused, a planted cookie is worth nothing, guessing is slowed down."""
    browser = _browser(closed_console)
    assert browser.ask("POST", "/api/login", {"password": "wrong"})[0] == 403
    assert browser.ask("POST", "/api/login", {"password": 5})[0] == 403
    before = browser.cookie
    assert browser.ask("POST", "/api/login", {"password": PASSWORD})[0] == 200
    assert browser.cookie != before
    assert browser.ask("GET", "/api/overview")[0] == 200
    planted = Browser(browser.port, before)
    assert planted.ask("GET", "/api/overview")[0] == 401
    after = browser.cookie
    assert browser.ask("POST", "/api/logout", {})[0] == 200
    assert Browser(browser.port, after).ask("GET", "/api/overview")[0] == 401
    guessing = _browser(closed_console)
    for _ in range(9):
        status, told = guessing.ask("POST", "/api/login", {"password": "guess"})
    assert status == 429
    assert int(guessing.headers["retry-after"]) == told["wait_s"] > 0
    assert "guess" not in (closed_console.folder / "console.log").read_text()


def test_on_another_address_the_first_thing_is_a_password(tmp_path: Path) -> None:
    """Only whoever reads the log of the console can set it, once."""
    settings = _settings(tmp_path)
    with stage(tmp_path, settings, agent=False, arguments=("--host", "0.0.0.0")) as running:  # noqa: S104
        browser = _browser(running)
        assert running.setup
        assert browser.ask("GET", "/api/session")[1]["setup"]
        assert browser.ask("GET", "/api/overview")[0] == 401
        assert browser.ask("POST", "/api/login", {"password": ""})[0] == 403
        wrong = {"token": "wrong", "password": PASSWORD}
        assert browser.ask("POST", "/api/setup", wrong)[1]["reason"] == "token"
        short = {"token": running.setup, "password": "short"}
        assert browser.ask("POST", "/api/setup", short)[1]["reason"] == "length"
        right = {"token": running.setup, "password": PASSWORD}
        assert browser.ask("POST", "/api/setup", right)[0] == 200
        assert browser.ask("GET", "/api/overview")[0] == 200
        assert browser.ask("POST", "/api/setup", right)[0] == 403
        assert PASSWORD not in (tmp_path / "console.log").read_text()


def test_without_a_broker_nothing_is_sent_and_it_says_so(tmp_path: Path) -> None:
    """The page is there all the same; what it could not send does not wait anywhere."""
    with stage(tmp_path, _settings(tmp_path), agent=False) as running:
        browser = _browser(running)
        while browser.ask("GET", "/api/overview")[1]["link"]["broker"]:
            pass
        assert browser.ask("POST", f"/api/alerts/{ALERT_ID}/verdict", VERDICT)[0] == 202
        running.broker.kill()
        while not browser.ask("GET", "/api/overview")[1]["link"]["broker"]:
            pass
        status, told = browser.ask("POST", f"/api/alerts/{ALERT_ID}/verdict", VERDICT)
        assert status == 503
        assert told["reason"].startswith("nothing was sent: ")
        running.broker.start()
        while browser.ask("GET", "/api/overview")[1]["link"]["broker"]:
            pass
        assert browser.ask("POST", f"/api/alerts/{ALERT_ID}/verdict", VERDICT)[0] == 202


def test_the_password_is_set_by_a_command(tmp_path: Path) -> None:
    """From standard input where there is no terminal; a short one is refused."""
    (tmp_path / "agent.yaml").write_text(f"state_dir: {tmp_path / 'state'}\n")
    command = [
        sys.executable, "-m", "agent", "console", "--set-password",
        "--config", str(tmp_path / "agent.yaml"),
    ]  # fmt: skip
    refused = subprocess.run(command, input="short\n", capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "10 to 200 characters" in refused.stderr
    empty = subprocess.run(command, input="\n", capture_output=True, text=True, check=False)
    assert "password on standard input: is empty; write the password" in empty.stderr
    # With a byte-order mark, as a file from another system may begin.
    done = subprocess.run(
        command, input=f"\ufeff{PASSWORD}\r\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    kept = tmp_path / "state" / "console" / "password.json"
    assert PASSWORD not in kept.read_text()
    settings = _settings(tmp_path)
    with stage(tmp_path, settings, agent=False) as running:
        browser = _browser(running)
        assert browser.ask("POST", "/api/login", {"password": PASSWORD})[0] == 200
