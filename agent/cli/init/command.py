"""The command line of ``kikimimi init``."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.doctor.telling import Telling
from agent.cli.init import answers as given
from agent.cli.init.answers import Answers
from agent.cli.init.asking import Terminal
from agent.cli.init.broker import ask_broker
from agent.cli.init.listening import listen
from agent.cli.init.microphone import ask_microphone
from agent.cli.init.writing import Place, writable, write
from agent.cli.install import environment_of
from agent.cli.words import Language, Words, add_language, language_of, texts_of
from agent.config import fields, load_settings
from agent.core import shipped
from agent.core.errors import ConfigError, KikimimiError, Problem

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import TypeVar

    from agent.cli.init.answers import Broker

    T = TypeVar("T")

FOLDER = Path(__file__).parent / "texts"
_FINE, _STOPPED = 0, 1
_ASKED = ("language", "site", "node", "device", "broker")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--output", type=Path, default=Path("agent.yaml"), metavar="FILE", help="default agent.yaml"
    )
    add_language(parser, "of the descriptions and of what is asked; that of the locale by default")
    parser.add_argument("--site", metavar="NAME", help="where the box stands")
    parser.add_argument("--node", metavar="NAME", help="of this box; its host name by default")
    parser.add_argument(
        "--device", metavar="NAME", help="microphone, as kikimimi devices lists it, or default"
    )
    parser.add_argument(
        "--broker", metavar="HOST[:PORT]", help="mqtts://HOST for TLS; none to publish nothing"
    )
    parser.add_argument("--username", metavar="NAME", help="at the broker that --broker names")
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="holds its password, which is copied"
    )
    parser.add_argument(
        "--yes", action="store_true", help="ask nothing: defaults for what is not given"
    )


def run(arguments: argparse.Namespace) -> int:
    """Ask, and write; 1 if somebody stops it before.

    Raises:
        KikimimiError: an option is wrong, there is nobody to ask, or a file cannot be written.
    """
    language = Language(arguments.language or language_of(os.environ))
    words = Words(language, texts_of(FOLDER, language))
    place = Place(arguments.output)
    options = _options(arguments)
    asking = not arguments.yes and any(getattr(arguments, name) is None for name in _ASKED)
    there = place.config.exists() or place.config.is_symlink()
    if asking and not sys.stdin.isatty():
        missing = ", ".join(f"--{name}" for name in _ASKED if getattr(arguments, name) is None)
        example = shipped.config("agent.yaml")
        raise KikimimiError(words("no_terminal", missing=missing, example=example))
    if there and not (asking or (sys.stdin.isatty() and not arguments.yes)):
        raise KikimimiError(words("is_there", file=place.config))
    writable(place)
    terminal = Terminal(words)
    try:
        if there and not terminal.agreed("overwrite", default=False, file=place.config):
            terminal.tell(words("kept", file=place.config))
            return _STOPPED
        answers = _asked(terminal, options) if asking else _defaults(options, language)
    except EOFError:
        print()
        terminal.tell(words("stopped"))
        return _STOPPED
    terminal = Terminal(Words(answers.language, texts_of(FOLDER, answers.language)))
    with suppress(EOFError):  # whoever closes the terminal now has answered all that matters
        written = write(answers, place, terminal.words, partial(_may_replace, terminal, asking))
        load_settings(place.config, environment_of(place.config, os.environ))
        _tell_next(terminal, place, written)
        if asking and terminal.agreed("listen", default=True):
            _listen(terminal, place, answers)
    return _FINE


def _may_replace(terminal: Terminal, asking: bool, path: Path) -> bool:
    """Whether somebody is there who agrees."""
    return asking and terminal.agreed("overwrite", default=False, file=path)


@dataclass(slots=True)
class _Options:
    """What the command line has answered already; ``None`` where it has not."""

    language: Language | None = None
    site: str | None = None
    node: str | None = None
    device: str | None = None
    broker: Broker | None = None
    has_broker: bool = False
    """Whether it is said which, and be it none."""


def _options(arguments: argparse.Namespace) -> _Options:
    """Read the options as the answers would be read.

    Raises:
        ConfigError: with everything that is wrong with them.
    """
    problems: list[Problem] = []

    def read(name: str, convert: Callable[[str], T]) -> T | None:
        raw = getattr(arguments, name)
        if raw is None:
            return None
        try:
            return convert(raw)
        except ValueError as error:
            problems.append(Problem(f"--{name}", f"is {raw!r}", str(error)))
            return None

    options = _Options()
    options.language = read("language", Language)
    options.site = read("site", given.site)
    options.node = read("node", given.node)
    options.device = read("device", given.device)
    options.broker = read("broker", given.broker)
    options.has_broker = arguments.broker is not None
    username, password = read("username", fields.text()), None
    if username is not None and options.broker is None and not problems:
        problems.append(
            Problem("--username", "is given without a broker", "name one by --broker, too")
        )
    if arguments.password_file is not None:
        if username is None:
            problems.append(
                Problem("--password-file", "is given without --username", "give it, too")
            )
        password = _password(arguments.password_file, problems)
    if problems:
        raise ConfigError(problems)
    if options.broker is not None and username is not None:
        options.broker = replace(options.broker, username=username, password=password)
    return options


def _password(path: Path, problems: list[Problem]) -> str | None:
    """The password of a file, as the agent will read it."""
    try:
        settings = given.Broker("localhost", 1).settings(path)
        return settings.password()
    except KikimimiError as error:
        found, _, remedy = str(error).removeprefix(f"mqtt.password_file {path}: ").rpartition("; ")
        problems.append(Problem(f"--password-file {path}", found or remedy, remedy))
        return None


def _defaults(options: _Options, language: Language) -> Answers:
    """Unasked: what every question has in brackets."""
    broker = options.broker if options.has_broker else given.broker(given.DEFAULT_BROKER)
    return Answers(
        language=options.language or language,
        site=options.site or given.DEFAULT_SITE,
        node=options.node or given.default_node(),
        device=options.device or given.DEFAULT_DEVICE,
        broker=broker,
    )


def _asked(terminal: Terminal, options: _Options) -> Answers:
    """Ask what the command line leaves open, in the language that is chosen first."""
    language = options.language
    if language is None:
        language = terminal.ask("language", terminal.words.language, _language)
        terminal = Terminal(Words(language, texts_of(FOLDER, language)))
    site = options.site or terminal.ask("site", given.DEFAULT_SITE, given.site)
    node = options.node or terminal.ask("node", given.default_node(), given.node)
    device = options.device or ask_microphone(terminal)
    broker = options.broker
    if not options.has_broker:
        broker = ask_broker(terminal, Telling(language), site, node)
    return Answers(language, site, node, device, broker)


def _language(answer: str) -> Language:
    """A language by its letters or its name."""
    names = {"日本語": Language.JA, "japanese": Language.JA, "english": Language.EN}
    word = answer.strip().lower()
    return names[word] if word in names else Language(word)


def _tell_next(terminal: Terminal, place: Place, written: list[Path]) -> None:
    """What was made, and what to type next."""
    for path in written:
        terminal.tell(terminal.words("written", file=path))
    config = shlex.quote(str(place.config))
    terminal.tell(terminal.words("next"))
    for command in ("kikimimi doctor", "kikimimi run", "sudo kikimimi install-service"):
        terminal.tell(f"  {command} --config {config}")


def _listen(terminal: Terminal, place: Place, answers: Answers) -> None:
    """Listen for a minute, until then or until Ctrl-C."""
    source = {"name": "mic1", "kind": "microphone", "device": answers.device}
    try:
        count = listen(terminal, place.descriptions(answers.language), source)
    except KeyboardInterrupt:
        print()
        return
    terminal.tell(terminal.words("listen_over", count=count))
