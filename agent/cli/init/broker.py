"""The question of the broker: the login is tried before it is taken."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.doctor.broker import broker as look
from agent.cli.doctor.findings import Outcome
from agent.cli.init import answers
from agent.config import Settings, fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.cli.doctor.telling import Telling
    from agent.cli.init.answers import Broker
    from agent.cli.init.asking import Terminal

_ADDRESS, _LOGIN, _CERTIFICATE, _KEEP = "a", "l", "c", "k"
_USUAL = {"broker_no_login": _LOGIN, "broker_no_tls": _CERTIFICATE}
"""What probably mends it, by what was found; another address where nothing stands here."""


def ask_broker(terminal: Terminal, telling: Telling, site: str, node: str) -> Broker | None:
    """A broker that lets this box in, or one that somebody wants all the same.

    Args:
        terminal: to ask at.
        telling: words what is found at the broker.
        site: of the box.
        node: of the box.

    Returns:
        ``None`` where nothing is to be published.

    Raises:
        EOFError: the terminal was closed.
    """
    found = terminal.ask("broker", answers.DEFAULT_BROKER, answers.broker)
    while found is not None:
        failed = _tried(terminal, telling, found, site, node)
        if failed is None:
            return found
        usual = _USUAL.get(failed, _ADDRESS)
        choice = terminal.choose("broker_failed", {_ADDRESS, _LOGIN, _CERTIFICATE, _KEEP}, usual)
        if choice == _KEEP:
            return found
        if choice == _ADDRESS:
            found = terminal.ask("broker", answers.DEFAULT_BROKER, answers.broker)
        elif choice == _LOGIN:
            username = terminal.ask("username", found.username or node, fields.text())
            password = terminal.secret("password", username=username)
            found = replace(found, username=username, password=password or None)
        else:
            found = replace(found, tls=True, ca_file=terminal.ask("ca_file", "", _certificate))
    return None


def _tried(
    terminal: Terminal, telling: Telling, broker: Broker, site: str, node: str
) -> str | None:
    """Log in and tell of each step; what failed, if anything did."""
    terminal.tell(terminal.words("broker_tried", host=broker.host, port=broker.port))
    failed = None
    with _password_file(broker.password) as file:
        settings = Settings(node, Path(), site, mqtt=broker.settings(file))
        for finding in look(settings, None):
            terminal.tell(telling.lines(finding))
            if finding.outcome is Outcome.FAIL:
                failed = failed or finding.code
    return failed


@contextmanager
def _password_file(password: str | None) -> Iterator[Path | None]:
    """A file that holds a password for a moment, and that nobody else may read."""
    if password is None:
        yield None
        return
    with tempfile.NamedTemporaryFile(mode="w", encoding="utf-8", prefix="kikimimi-") as file:
        file.write(f"{password}\n")
        file.flush()
        yield Path(file.name)


def _certificate(answer: str) -> Path | None:
    """A file of certificates; ``None`` for those of the system.

    Raises:
        ValueError: there is none.
    """
    return fields.readable_file(Path.cwd(), {})(answer) if answer else None
