"""Writes the answers down: a short configuration with comments, and what it names beside it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from agent.cli.install import CONFIG
from agent.core import files, shipped
from agent.core.errors import KikimimiError, failing_as
from agent.core.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.cli.init.answers import Answers, Broker
    from agent.cli.words import Words

PASSWORD = "mqtt-password"  # noqa: S105 - the name of the file
_CREDENTIALS = "${CREDENTIALS_DIRECTORY}/"
_OPEN_MODE, _SECRET_MODE = 0o644, 0o600


@dataclass(frozen=True, slots=True)
class Place:
    """Where a configuration goes, and what stands beside it."""

    config: Path

    @property
    def password(self) -> Path:
        """The file of the broker's password."""
        return self.config.parent / PASSWORD

    def descriptions(self, language: str) -> Path:
        """What to listen for, in a language."""
        return self.config.parent / f"descriptions.{language}.yaml"

    @property
    def password_setting(self) -> str:
        """The password's file as the configuration names it."""
        # The service's user may not read what root alone may: systemd hands it over.
        of_service = self.config.absolute() == CONFIG
        return f"{_CREDENTIALS}{PASSWORD}" if of_service else PASSWORD


def writable(place: Place) -> None:
    """Make the folder, and see that a file can be made there, before anybody is asked anything.

    Raises:
        KikimimiError: it cannot; says what to do.
    """
    folder = place.config.parent
    probe = folder / f".{place.config.name}{files.UNFINISHED}"
    with failing_as(KikimimiError, folder, "type sudo, or name another file by --output"):
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()


def write(
    answers: Answers, place: Place, words: Words, may_replace: Callable[[Path], bool]
) -> list[Path]:
    """Write all files; what is there already stays, but for the configuration itself.

    Args:
        answers: to the questions.
        place: where to.
        words: of the comments.
        may_replace: asks whether the file of another password may be replaced.

    Returns:
        What was written, the configuration last.

    Raises:
        KikimimiError: a file cannot be written.
    """
    written: list[Path] = []
    described = place.descriptions(answers.language)
    with failing_as(KikimimiError, place.config.parent, "mend that, and type it again"):
        if not described.exists():
            example = shipped.config(described.name)
            text = example.read_text(encoding="utf-8")
            files.write_text(described, text, _OPEN_MODE)
            written.append(described)
        broker = answers.broker
        if broker is not None and broker.password is not None:
            line = f"{broker.password}\n".encode()
            there = place.password.read_bytes() if place.password.exists() else None
            if there != line and (there is None or may_replace(place.password)):
                files.write_bytes(place.password, line, _SECRET_MODE)
                written.append(place.password)
        files.write_text(place.config, text_of(answers, place, words), _OPEN_MODE)
    return [*written, place.config]


def text_of(answers: Answers, place: Place, words: Words) -> str:
    """The configuration, with comments in the reader's language."""
    return "\n".join((*_lines(answers, place, words), ""))


def _lines(answers: Answers, place: Place, words: Words) -> Iterator[str]:
    today = date.today()  # noqa: DTZ011 - the day on the wall of whoever reads it
    example = shipped.config("agent.yaml")
    yield from _comment(words, "yaml_head", date=today, example=example, file=place.config.name)
    yield ""
    yield from _comment(words, "yaml_site", site=answers.site, node=answers.node)
    yield f"site: {_quoted(answers.site)}"
    yield f"node: {_quoted(answers.node)}"
    yield ""
    yield from _comment(words, "yaml_descriptions")
    yield f"descriptions: {place.descriptions(answers.language).name}"
    yield ""
    yield from _comment(words, "yaml_sources")
    yield "sources:"
    yield "  - name: mic1"
    yield "    kind: microphone"
    yield f"    device: {_quoted(answers.device)}"
    yield ""
    yield from _comment(words, "yaml_mqtt")
    yield "mqtt:"
    if answers.broker is None:
        yield "  enabled: false"
        return
    yield from (f"  {line}" for line in _broker(answers.broker, place, words))


def _broker(broker: Broker, place: Place, words: Words) -> Iterator[str]:
    yield f"host: {_quoted(broker.host)}"
    yield f"port: {broker.port}"
    if broker.username is not None:
        yield f"username: {_quoted(broker.username)}"
    if broker.password is not None:
        yield from _comment(words, "yaml_password", file=place.password)
        yield f"password_file: {_quoted(place.password_setting)}"
    if broker.tls:
        yield "tls:"
        yield "  enabled: true"
        if broker.ca_file is not None:
            yield f"  ca_file: {_quoted(os.fspath(broker.ca_file.absolute()))}"


def _comment(words: Words, key: str, **values: object) -> Iterator[str]:
    """A text as comments; what is put in breaks no line."""
    text = words(key, **{name: shown(value) for name, value in values.items()})
    return (f"# {line}" for line in text.split("\n"))


def _quoted(text: str) -> str:
    """In quotes, as YAML reads JSON: whatever stands in it is the text and nothing else."""
    return json.dumps(text, ensure_ascii=False)
