"""``kikimimi console``: the local web page."""

from __future__ import annotations

import getpass
import logging
import secrets
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.bundle import loading as bundle
from agent.cli.options import add_site, site_settings
from agent.config.secret import MAX_BYTES, password_of
from agent.console.passwords import LONGEST, SHORTEST, Password
from agent.core import log
from agent.core.clock import SystemClock
from agent.core.errors import BundleError, ConfigError, KikimimiError, Problem

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from agent.bundle.manifest import Manifest
    from agent.config import ConsoleSettings, Settings
    from agent.console.parts import Parts

FOLDER = "console"
"""Of the state folder: the password and, by default, the ratings."""

_TOKEN_BYTES = 12
_STOP_S = 3
_MOST_CONNECTIONS = 200
_HEADER_BYTES = 16_384

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``kikimimi console``."""
    add_site(parser)
    parser.add_argument("--host", metavar="ADDRESS", help="listen on this address instead")
    parser.add_argument("--port", type=int, metavar="PORT", help="listen on this port instead")
    parser.add_argument(
        "--set-password",
        action="store_true",
        help="ask for a password, or read it from standard input, keep its hash and end",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until a signal, or set the password.

    Raises:
        KikimimiError: a setting or a file is wrong.
    """
    settings = site_settings(arguments)
    console = _console(arguments, settings.console)
    settings = replace(settings, console=console)
    password = Password(settings.state_dir / FOLDER / "password.json")
    if arguments.set_password:
        return _set_password(password)
    log.set_up(settings.log.level, settings.log.format, sys.stderr)
    token = None
    if not password.is_set and not console.is_local:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
    return _serve(settings, password, token)


def _console(arguments: argparse.Namespace, console: ConsoleSettings) -> ConsoleSettings:
    if arguments.host is not None:
        console = replace(console, host=arguments.host)
    if arguments.port is not None:
        if not 1 <= arguments.port <= 65_535:  # noqa: PLR2004 - the range of ports
            found = f"is {arguments.port}"
            raise ConfigError([Problem("--port", found, "write a number from 1 to 65535")])
        console = replace(console, port=arguments.port)
    return console


def _set_password(password: Password) -> int:
    if sys.stdin.isatty():
        first = getpass.getpass(f"password ({SHORTEST} to {LONGEST} characters): ")
        if getpass.getpass("once more: ") != first:
            raise KikimimiError("the two are not the same; nothing was changed")
    else:
        try:
            first = password_of(sys.stdin.buffer.readline(MAX_BYTES + 1))
        except ValueError as error:
            message = f"password on standard input: {error}; nothing was changed"
            raise KikimimiError(message) from error
    try:
        password.set(first)
    except ValueError as error:
        raise KikimimiError(f"password: {error}; nothing was changed") from error
    print("the password is set; a console that is running takes it at the next login")
    return 0


def _serve(settings: Settings, password: Password, token: str | None) -> int:
    import uvicorn

    from agent.console.app import make_app

    console = settings.console
    parts = build(settings, password, token)

    class Server(uvicorn.Server):
        """Ends the streams of events first: they would keep it from ending."""

        def handle_exit(self, sig: int, frame: object) -> None:
            super().handle_exit(sig, frame)  # type: ignore[arg-type]
            parts.hub.close()

    config = uvicorn.Config(
        make_app(parts),
        host=console.host,
        port=console.port,
        ssl_certfile=console.cert_file,
        ssl_keyfile=console.key_file,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        timeout_graceful_shutdown=_STOP_S,
    )
    _announce(console, token)
    server = Server(config)
    server.run()
    return 0 if server.started else 1


def build(settings: Settings, password: Password, token: str | None) -> Parts:
    """Everything that the console is made of.

    Raises:
        KikimimiError: the tasks or the ratings cannot be read.
    """
    from agent.console import tasks
    from agent.console.board import Board
    from agent.console.box import Box
    from agent.console.editor import Editor
    from agent.console.hub import Hub
    from agent.console.parts import Parts
    from agent.console.ratings import Ratings
    from agent.console.sessions import Sessions

    clock = SystemClock()
    console = settings.console
    ratings = None
    if console.tasks is not None:
        folder = console.ratings or settings.state_dir / FOLDER / "ratings"
        ratings = Ratings(tasks.load(console.tasks, console.recordings), folder, clock)
    manifest = _manifest(settings.bundle)
    board, hub = Board(settings.state_dir), Hub()
    return Parts(
        settings=settings,
        clock=clock,
        board=board,
        box=Box(settings, board, hub, clock),
        hub=hub,
        editor=Editor(settings.descriptions, manifest.tuning.threshold, manifest.text.languages),
        ratings=ratings,
        sessions=Sessions(clock, console.session_s),
        password=password,
        setup_token=token,
    )


def _manifest(folder: Path | None) -> Manifest:
    """What tells how high a description has to score, and which languages are known."""
    try:
        return bundle.load(folder).manifest
    except BundleError as error:
        _log.warning("bundle_unusable", extra={"reason": str(error)})
        return bundle.load(None).manifest


def _announce(console: ConsoleSettings, token: str | None) -> None:
    scheme = "http" if console.cert_file is None else "https"
    host = f"[{console.host}]" if ":" in console.host else console.host
    address = f"{scheme}://{host}:{console.port}/"
    if not console.is_local and console.cert_file is None:
        remedy = "set console.cert_file and key_file"
        _log.warning("passwords_unencrypted", extra={"address": address, "remedy": remedy})
    print(f"console: {address}", file=sys.stderr, flush=True)
    if token is not None:
        # After the '#', which no browser sends and no log keeps.
        link = f"set the password up there first: {address}setup#{token}"
        print(link, file=sys.stderr, flush=True)
        if host in {"0.0.0.0", "[::]"}:  # noqa: S104 - compared, not listened on
            print("(with this machine's address in the place of that one)", file=sys.stderr)
