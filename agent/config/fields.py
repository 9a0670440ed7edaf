"""Converters: what the text of a single value says, or ``ValueError`` with the remedy."""

from __future__ import annotations

import math
import os
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from agent.config import values
from agent.core.names import named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

E = TypeVar("E", bound=StrEnum)

DAY_S = 86_400
"""Seconds of a day."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,15}", re.ASCII)
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", re.ASCII)
_DURATION = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+) ?(ms|s|m|min|h|d|w)?", re.ASCII)
_UNIT_S = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3_600.0,
    "d": DAY_S,
    "w": 604_800.0,
}
_SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_SIZE = re.compile(r"([0-9]+\.?[0-9]*) ?(MB|GB)", re.ASCII)
_UNIT_BYTES = {"MB": 1_000_000, "GB": 1_000_000_000}
_LEAST_BYTES, _MOST_BYTES = 10_000_000, 10_000_000_000_000
_MAX_NAME_CHARACTERS = 64
_NOT_IN_A_TOPIC_LEVEL = re.compile(r"[+#/\s]|^\$")
_CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Where systemd puts what ``LoadCredential=`` names."""

_CREDENTIALS_MARK = f"${{{_CREDENTIALS}}}"


def text(limit: int = 1_000) -> Callable[[str], str]:
    """A text on one line: runs of white space become one space."""

    def convert(raw: str) -> str:
        joined = raw.replace("\r\n", " ").replace("\n", " ").replace("\t", " ")
        values.refuse_controls(joined)
        plain = " ".join(joined.split())
        if not plain:
            raise ValueError("write a text")
        if len(plain) > limit:
            raise ValueError(f"write at most {limit} characters, not {len(plain)}")
        return plain

    return convert


def integer(low: int, high: int) -> Callable[[str], int]:
    """A whole number within bounds."""
    check = values.whole(low, high)
    return lambda raw: check(int(raw) if _INTEGER.fullmatch(raw) else None)


def number(low: float, high: float) -> Callable[[str], float]:
    """A number within bounds."""
    check = values.number(low, high)
    return lambda raw: check(float(raw) if _NUMBER.fullmatch(raw) else None)


def duration(low_s: float, high_s: float) -> Callable[[str], float]:
    """A duration in seconds, written as ``30s``, ``2m``, ``1h``, ``7d``, ``500ms`` or ``30``."""

    def convert(raw: str) -> float:
        match = _DURATION.fullmatch(raw)
        value_s = float(match[1]) * _UNIT_S[match[2] or "s"] if match else math.nan
        if not low_s <= value_s <= high_s:
            raise ValueError(
                f"write a duration such as 30s, 2m or 1h, from {low_s:g} to {high_s:g} seconds"
            )
        return value_s

    return convert


def duration_or_off(low_s: float, high_s: float) -> Callable[[str], float]:
    """A duration in seconds, or ``off``, which is 0."""
    lasting = duration(low_s, high_s)

    def convert(raw: str) -> float:
        try:
            return 0.0 if raw.lower() in {"off", "false"} else lasting(raw)
        except ValueError as error:
            raise ValueError(f"{error}; or off") from None

    return convert


def switch(raw: str) -> bool:
    """``true`` or ``false``."""
    if raw.lower() not in _SWITCH:
        raise ValueError("write true or false")
    return _SWITCH[raw.lower()]


def choice(options: type[E]) -> Callable[[str], E]:
    """One of the values of an enumeration, in upper or lower case."""
    by_name = {option.value.lower(): option for option in options}
    check = values.choice(by_name)
    return lambda raw: by_name[check(raw.lower())]


def path(base: Path) -> Callable[[str], Path]:
    r"""A path; ``~`` is the home folder, and a relative one starts at ``base``.

    Bytes that are no UTF-8 can be written as they are shown, ``\x93``.
    """

    def convert(raw: str) -> Path:
        # Bytes that are no UTF-8 are lone surrogates here, and part of a name all the same.
        values.refuse_controls(os.fsencode(raw).decode("utf-8", "ignore"))
        if not raw.strip():
            raise ValueError("write a path")
        try:
            return base / Path(named(raw.strip())).expanduser()
        except RuntimeError as error:
            raise ValueError("write the path without ~") from error

    return convert


def size(raw: str) -> int:
    """Bytes, written as ``500MB`` or ``2GB``."""
    match = _SIZE.fullmatch(raw.strip().upper())
    value = round(float(match[1]) * _UNIT_BYTES[match[2]]) if match else 0
    if not _LEAST_BYTES <= value <= _MOST_BYTES:
        raise ValueError("write a size such as 500MB or 2GB, from 10MB to 10000GB")
    return value


def topic_level(raw: str) -> str:
    """A name that stands between two slashes of a topic."""
    name = text()(raw)
    if _NOT_IN_A_TOPIC_LEVEL.search(name) or len(name) > _MAX_NAME_CHARACTERS:
        raise ValueError(
            f"write at most {_MAX_NAME_CHARACTERS} characters, without spaces, '/', '+', '#' "
            "and a '$' in front (MQTT gives them a meaning)"
        )
    return name


def topic_prefix(raw: str) -> str:
    """One or several levels of a topic."""
    levels = raw.split("/")
    if not all(levels):
        raise ValueError("write names with one '/' between them, none at either end")
    return "/".join(map(topic_level, levels))


def host_name(raw: str) -> str:
    """A host name or an address."""
    host = text(253)(raw)
    if "/" in host or " " in host:
        raise ValueError("write a host name or an address, without 'mqtt://'")
    return host


def readable_file(base: Path, environ: Mapping[str, str]) -> Callable[[str], Path]:
    """A path to a file that can be read now; may start at systemd's folder of credentials."""
    file = path(base)

    def convert(raw: str) -> Path:
        if raw.startswith(_CREDENTIALS_MARK):
            folder = environ.get(_CREDENTIALS)
            if not folder:
                raise ValueError(
                    f"start it by systemd with LoadCredential=, or set {_CREDENTIALS} to try it"
                )
            raw = f"{folder}{raw.removeprefix(_CREDENTIALS_MARK)}"
        elif "$" in raw:
            raise ValueError(f"write the path out: only {_CREDENTIALS_MARK} may stand in front")
        found = file(raw)
        try:
            if not found.is_file():
                raise ValueError("name a file that exists")
            with found.open("rb"):
                return found
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ValueError(f"name a file that can be read ({reason})") from error

    return convert
