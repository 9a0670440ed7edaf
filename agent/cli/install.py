"""``kikimimi install-service``: units and a first configuration where systemd looks for them.

Nothing that is there already is overwritten: a site's configuration is its own, and a unit that
was changed by hand stays as it is and is told of.
"""

from __future__ import annotations

import sys
import sysconfig
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core import shipped
from agent.core.errors import KikimimiError, reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNITS = Path("/etc/systemd/system")
CONFIG = Path("/etc/kikimimi/agent.yaml")
TOLD_BY_SYSTEMD = {
    "STATE_DIRECTORY": "/var/lib/kikimimi",
    "CREDENTIALS_DIRECTORY": str(CONFIG.parent),
}
"""Variables that stand in the service's environment; its credentials are read from that folder."""
EXAMPLES = ("descriptions.ja.yaml", "descriptions.en.yaml", "agent.yaml")
"""What a new site starts from; ``agent.yaml``, which says that there is one, is written last."""

_START = "ExecStart="
# ProtectHome= and PrivateTmp= of the unit hide these folders from the service.
_HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))  # noqa: S108
# What has a meaning of its own in a unit's command line, apart from the space.
_SPECIAL = frozenset("\"'\\$%;")
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


class Service(StrEnum):
    """What systemd can run; the value is the command."""

    AGENT = "run"
    CONSOLE = "console"
    """The page where people answer."""

    @property
    def unit(self) -> str:
        """Name of its unit."""
        return f"{self.known_as}.service"

    @property
    def known_as(self) -> str:
        """Name of the service, as ``systemctl`` takes it."""
        return "kikimimi" if self is Service.AGENT else "kikimimi-console"


class Fate(StrEnum):
    """What became of a file."""

    WRITTEN = "written"
    KEPT = "kept"
    """Something is there, and it was left alone."""
    SAME = "the same"
    """What is there is what would have been written."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an installation did."""

    command: Path
    config: Path
    units: Mapping[Service, Path]
    fates: tuple[tuple[Path, Fate], ...]

    @property
    def ok(self) -> bool:
        """Whether the units in place are those of this version."""
        return not self._differing

    @property
    def _differing(self) -> list[tuple[Service, Path]]:
        fates = dict(self.fates)
        return [(service, path) for service, path in self.units.items() if fates[path] is Fate.KEPT]

    def lines(self) -> Iterator[str]:
        """What was done and what to type next, for people."""
        for path, fate in self.fates:
            yield f"{fate.value:8}  {path}"
        for service, unit in self._differing:
            option = " --console" if service is Service.CONSOLE else ""
            yield f"problem: {unit}: is not what this version would write; compare it with"
            yield f"  {self.command} install-service{option} --config {self.config} --print"
            yield "  and delete it and install again, or keep changes in a drop-in (systemctl edit)"
        yield f"Mend {self.config}, at least site, node and mqtt.host, until this finds no problem:"
        yield f"  {self.command} check --config {self.config} --online"
        yield "then type:"
        yield "  sudo systemctl daemon-reload"
        names = " ".join(service.known_as for service in self.units)
        yield f"  sudo systemctl enable --now {names}"
        if Service.CONSOLE in self.units:
            yield "and take the link that sets the page's password from"
            yield f"  journalctl -u {Service.CONSOLE.known_as}"


def environment_of(path: Path | None, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment variables; those of the service, where it is the service's configuration.

    Args:
        path: of the configuration.
        environ: of this process, which goes before.
    """
    if path is not None and path.absolute() == CONFIG:
        return {**TOLD_BY_SYSTEMD, **environ}
    return environ


def command() -> Path:
    """The ``kikimimi`` of the environment that this runs in."""
    return Path(sysconfig.get_path("scripts")) / "kikimimi"


def unit(command: Path, config: Path, service: Service = Service.AGENT) -> str:
    """The unit's text for one installation.

    Args:
        command: the ``kikimimi`` that the service runs.
        config: the ``agent.yaml`` that it reads.
        service: what it runs.

    Raises:
        KikimimiError: a path cannot stand in a unit, or this installation holds no unit.
    """
    path = shipped.unit(service.unit)
    try:
        template = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _failed(path, error, "install kikimimi again") from error
    start = f"{_START}{_word(command)} {service} --config {_word(config)}"
    lines = [start if line.startswith(_START) else line for line in template.splitlines()]
    return "\n".join(lines) + "\n"


def install(
    command: Path, config: Path, prefix: Path | None = None, *, console: bool = False
) -> Report:
    """Write the units, and the examples where the site has no configuration yet.

    Args:
        command: the ``kikimimi`` that the service will run.
        config: the ``agent.yaml`` that it will read; the examples go into its folder.
        prefix: folder that stands for ``/``, to make a package; this machine where ``None``.
        console: whether the page where people answer is to be a service too.

    Raises:
        KikimimiError: the service could not run like this, or a file cannot be written.
    """
    if prefix is None:
        config = config.absolute()
        _refuse_hidden(command, config)
    services = [Service.AGENT, *([Service.CONSOLE] if console else [])]
    texts = {service: unit(command, config, service) for service in services}
    root = Path("/") if prefix is None else prefix.absolute()

    def below(path: Path) -> Path:
        return root / path.relative_to("/")

    fates: list[tuple[Path, Fate]] = []
    here = below(config)
    if _is_there(here, command):
        fates.append((here, Fate.KEPT))
    else:
        for name in EXAMPLES:
            target = here if name == CONFIG.name else here.with_name(name)
            example = shipped.config(name)
            try:
                content = example.read_text(encoding="utf-8")
            except OSError as error:
                raise _failed(example, error, "install kikimimi again") from error
            fates.append((target, _write(target, content, command)))
    units = {service: below(UNITS / service.unit) for service in services}
    fates += [
        (units[service], _write(units[service], text, command)) for service, text in texts.items()
    ]
    return Report(command, config, units, tuple(fates))


def _word(path: Path) -> str:
    """A path as one word of a unit's command line.

    Raises:
        KikimimiError: systemd would take it for something else.
    """
    text = str(path)
    if not path.is_absolute():
        raise KikimimiError(f"{text}: is not a full path; write it from / on")
    if not text.isprintable() or _SPECIAL & set(text):
        shown = " ".join(sorted(_SPECIAL))
        raise KikimimiError(f"{text!r}: cannot stand in a unit; use a path without {shown}")
    return f'"{text}"' if " " in text else text


def _refuse_hidden(command: Path, config: Path) -> None:
    """Tell if the service would not see what it needs.

    Raises:
        KikimimiError: it would not; says what to do.
    """
    if not command.is_file():
        raise KikimimiError(f"{command}: is missing; install kikimimi with pip before its service")
    for path in (command, Path(sys.executable).resolve(), Path(__file__).resolve()):
        _refuse_if_hidden(path, "install kikimimi below /opt, as systemd/README.md says")
    _refuse_if_hidden(config.resolve(), f"move it to {CONFIG}")


def _refuse_if_hidden(path: Path, remedy: str) -> None:
    for folder in _HIDDEN:
        if path.is_relative_to(folder):
            raise KikimimiError(f"{path}: the service sees nothing below {folder}; {remedy}")


def _is_there(path: Path, command: Path) -> bool:
    """Whether something stands at a path, be it a broken link.

    Raises:
        KikimimiError: it cannot be told.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _failed(path, error, _as_root(command)) from error
    return True


def _write(path: Path, content: str, command: Path) -> Fate:
    """Write a file that is not there yet.

    Raises:
        KikimimiError: it cannot be written.
    """
    try:
        path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            try:
                file.write(content)
                file.flush()
                path.chmod(_FILE_MODE)
            except OSError:  # a part of a file must not pass for one the next time
                path.unlink(missing_ok=True)
                raise
    except FileExistsError:
        return Fate.SAME if _holds(path, content) else Fate.KEPT
    except PermissionError as error:
        raise _failed(path, error, _as_root(command)) from error
    except OSError as error:
        raise _failed(path, error, "mend that and install again") from error
    return Fate.WRITTEN


def _as_root(command: Path) -> str:
    return f"type: sudo {command} install-service"


def _holds(path: Path, content: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == content
    except (OSError, UnicodeDecodeError):
        return False


def _failed(path: Path, error: OSError, remedy: str) -> KikimimiError:
    return KikimimiError(f"{path}: {reason(error)}; {remedy}")
