"""Licences of everything that an environment holds, in one text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core.errors import KikimimiError, failing_as

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.metadata import PackageMetadata

# Of the licence itself, and of what a distribution has taken in from others.
_LICENCE = re.compile(r"(un)?licen[cs]e|copying|copyright|notice|third-?party", re.IGNORECASE)
_PROGRAM = (".py", ".pyc", ".pyi", ".so", ".h", ".html", ".json")
_RULE = "=" * 100
_UNTOLD = "not named"


@dataclass(frozen=True, slots=True)
class Licensed:
    """One distribution."""

    name: str
    version: str
    licence: str
    """As its metadata names it, in a few words."""
    texts: tuple[tuple[str, str], ...]
    """Each file's name and content."""


def licensed(environment: Path) -> list[Licensed]:
    """Every distribution of an environment, by name.

    Args:
        environment: folder of a virtual environment.

    Raises:
        KikimimiError: it is none, or holds nothing, or a text is missing that was installed.
    """
    folders = [str(path) for path in environment.glob("lib/python3*/site-packages")]
    # By name: a folder that is named twice would count twice.
    found = {one.metadata["Name"].lower(): one for one in distributions(path=folders)}
    if not found:
        raise KikimimiError(
            f"{environment}: no distribution is installed there; name the folder of a virtual "
            "environment"
        )
    return [_licensed(found[name]) for name in sorted(found)]


def text(found: Sequence[Licensed]) -> str:
    """What a package carries along: a list, who brought no text, and all texts."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Sequence[Licensed]) -> Iterator[str]:
    yield f"What this package holds: {len(found)} Python distributions and their licences."
    yield "Of what the model is made, under which licences: agent/bundle/default/attributions.csv."
    yield ""
    width = max(len(one.name) for one in found)
    for one in found:
        yield f"{one.name:<{width}}  {one.version:<12}  {one.licence}".rstrip()
    without = [one for one in found if not one.texts]
    yield ""
    if without:
        yield "These came without the text of a licence; the list tells which they name:"
        yield from (f"  {one.name} {one.version}: {one.licence}" for one in without)
    else:
        yield "Each came with the text of its licence."
    for one in found:
        for name, content in one.texts:
            yield from ("", _RULE, f"{one.name} {one.version}: {name}", _RULE, "", content)


def _licensed(distribution: Distribution) -> Licensed:
    texts: dict[str, str] = {}
    for file in distribution.files or ():
        if _LICENCE.search(file.name) is None or file.suffix.lower() in _PROGRAM:
            continue
        path = Path(str(file.locate()))
        with failing_as(KikimimiError, path, f"install {distribution.name} again"):
            content = path.read_bytes()
        # Some are in Latin-1: a name with a sign too few is better than no licence.
        texts[str(file)] = content.decode("utf-8", errors="replace").strip()
    unique = {content: name for name, content in sorted(texts.items(), reverse=True)}
    return Licensed(
        distribution.metadata["Name"],
        distribution.version,
        _named(distribution),
        tuple(sorted((name, content) for content, name in unique.items())),
    )


def _named(distribution: Distribution) -> str:
    told = distribution.metadata
    if expression := _first(told, "License-Expression"):
        return expression
    # Some put the whole text there.
    line = _first(told, "License").strip()
    if line and "\n" not in line and line.upper() != "UNKNOWN":
        return line
    classified = [
        classifier.rpartition(" :: ")[2]
        for classifier in told.get_all("Classifier") or ()
        if classifier.startswith("License :: ") and classifier.count(" :: ") > 1
    ]
    return ", ".join(classified) or line.partition("\n")[0] or _UNTOLD


def _first(told: PackageMetadata, field: str) -> str:
    """The first value of a field, empty where it has none."""
    return str(next(iter(told.get_all(field) or ()), ""))
