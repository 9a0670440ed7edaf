"""The settings of every file that people write, from the dataclasses that read them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin

from agent.config.broker import TlsSettings
from agent.config.loading import CONFIG_VARIABLE, ENVIRONMENT
from agent.config.reader import Between, By, Inline, Lasting, bare, converter_of, hints_of
from agent.config.settings import Settings
from agent.config.sources import KINDS
from agent.descriptions.records import Defaults, ErrorDescription
from site_reference.tables import Page, document, prose, table
from training.train.config import TrainConfig
from training.update.config import UpdateConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "reference/configuration"

_HEAD = ("setting", "what to write", "unit", "default", "meaning")
_WRONG = ("a b", "")
"""Of no use as most values: what is said of one of them tells what to write."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as the page shows it."""

    name: str
    """With its section: ``mqtt.host``."""
    values: str
    unit: str
    default: str
    meaning: str

    @property
    def row(self) -> tuple[str, str, str, str, str]:
        """Its cells; the first one can be linked to."""
        name = f'<a id="{self.name}"></a>`{self.name}`'
        default = f"`{self.default}`" if self.default else ""
        return name, prose(self.values), self.unit, default, prose(self.meaning)


def pages() -> Iterator[Page]:
    """One for each file, and one that lists them."""
    yield Page(f"{FOLDER}/index.md", _list())
    yield Page(f"{FOLDER}/agent.md", _agent())
    yield Page(f"{FOLDER}/descriptions.md", _descriptions())
    for name, kind in (("training", TrainConfig), ("update", UpdateConfig)):
        yield Page(
            f"{FOLDER}/{name}.md",
            document(f"# `{name}.yaml`", prose(inspect.getdoc(kind) or ""), *_sections(kind)),
        )


def settings_of(kind: type, prefix: str = "") -> Iterator[Setting]:
    """The settings of a dataclass, those of the dataclasses in it among them.

    Args:
        kind: a dataclass as :mod:`agent.config.reader` takes it.
        prefix: what stands in front of each name, with its dot.
    """
    hints, told = hints_of(kind), _docstrings(kind)
    for one in fields(kind):
        inner, note = bare(hints[one.name])
        name = f"{prefix}{one.name}"
        if inner is TlsSettings:
            yield Setting(f"{name}.enabled", "true or false", "", "false", told.get(one.name, ""))
        if isinstance(note, Inline):
            yield from settings_of(inner, prefix)
        elif is_dataclass(inner) and (note is None or inner is TlsSettings):
            yield from settings_of(inner, f"{name}.")
        else:
            # What the file calls it.
            name = f"{prefix}{note.name}" if isinstance(note, By) and note.name else name
            values = _values(hints[one.name])
            unit = note.unit if isinstance(note, Between) else "s" * isinstance(note, Lasting)
            default = _shown(one.default, hints[one.name])
            yield Setting(name, values, unit, default, told.get(one.name, ""))


def _list() -> str:
    rows = (
        ("[`agent.yaml`](agent.md)", "of a box: microphones, broker, clips, console ..."),
        ("[`descriptions.yaml`](descriptions.md)", "what a box listens for"),
        ("[`training.yaml`](training.md)", "of `python -m training train`"),
        ("[`update.yaml`](update.md)", "of `python -m training update`"),
    )
    return document("# Configuration", table(("file", "holds"), rows))


def _agent() -> str:
    told = (
        "All settings of a box. A setting that is left out, or is `null`, takes its default. "
        "Relative paths start at the folder of the file. `kikimimi check` tells what is wrong, "
        "with its line."
    )
    blocks = [
        "# `agent.yaml`",
        told,
        *_sections(Settings),
        "## `sources`",
        "A list: one item for each source, each with a `name` and a `kind` of its own.",
    ]
    for kind, settings in KINDS.items():
        named = f"sources[{kind}]."
        rows = [
            Setting(f"{named}kind", f"`{kind}`", "", "microphone" * (kind == "microphone"), "").row,
            *(one.row for one in settings_of(settings, named)),
        ]
        blocks += [f"### `kind: {kind}`", prose(inspect.getdoc(settings) or ""), table(_HEAD, rows)]
    environment = [(f"`{name}`", f"`{setting}`") for name, setting in ENVIRONMENT.items()]
    environment.append((f"`{CONFIG_VARIABLE}`", "the file itself"))
    return document(
        *blocks,
        "## Environment",
        "These variables win over the file.",
        table(("variable", "setting"), environment),
    )


def _descriptions() -> str:
    policy = {one.name: one for one in settings_of(Defaults)}
    names = {"error_id": "id"}
    own = [
        Setting(names.get(one.name, one.name), _WRITTEN[one.name], "", "", told)
        for one in fields(ErrorDescription)
        if one.name in _WRITTEN
        for told in [_docstrings(ErrorDescription).get(one.name, _MEANING.get(one.name, ""))]
    ]
    return document(
        "# `descriptions.yaml`",
        "`version: 1`, then `defaults`, `errors` and `background`: "
        "[how to write it](../../examples.md) is told with the examples in `configs/`.",
        "## One of `errors`",
        table(_HEAD, [one.row for one in own]),
        "## `defaults`, and one of `errors`",
        "Each may stand under `defaults` for all descriptions, and in a description for itself.",
        table(_HEAD, [one.row for one in policy.values()]),
        "## `background`",
        "A list of texts: what is always heard here.",
    )


_WRITTEN = {
    "error_id": "lower-case letters, digits and `_`, a letter first",
    "text": "a text in Japanese or English",
    "paraphrases": "a list of texts",
    "unlike": "a list of texts",
    "examples": "a list of sound files, or of `{file: …, channels: [1]}`",
    "enabled": "true or false",
}
_MEANING = {
    "error_id": "Names it in alerts and statistics: keep it.",
    "paraphrases": "The same sound in other words.",
    "enabled": "`false` rests a description without deleting it.",
}


def _sections(kind: type) -> Iterator[str]:
    """A table of what stands at the top, and one for each section below it."""
    groups: dict[str, list[Setting]] = {}
    for one in settings_of(kind):
        groups.setdefault(one.name.rpartition(".")[0], []).append(one)
    for section, found in groups.items():
        yield f"## `{section}`" if section else "## At the top"
        yield table(_HEAD, [one.row for one in found])


@cache
def _docstrings(kind: type) -> dict[str, str]:
    """What stands below each field of a class."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    found: dict[str, str] = {}
    name = ""
    for node in getattr(tree, "body", ()):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and name:
            found[name], name = str(node.value.value), ""
        else:
            name = ""
    return found


def _values(hint: Any) -> str:
    """What may be written, as the message says that a wrong value gets."""
    kind, _ = bare(hint)
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        if is_dataclass(inner) or isinstance(inner, UnionType):  # of tables
            return "a list"
        return f"a list; each: {_values(inner)}"
    try:
        convert = converter_of(hint)
    except (TypeError, AttributeError):
        return {int: "a whole number", str: "a text", Path: "a path"}.get(kind, "a list")
    for wrong in _WRONG:
        try:
            convert(wrong)
        except ValueError as error:
            return str(error).removeprefix("write ").removeprefix("name ")
    return "a text"


def _shown(default: Any, hint: Any) -> str:
    """A default as a file would hold it; empty where there is none."""
    _, note = bare(hint)
    if default is MISSING or (isinstance(default, tuple) and any(map(is_dataclass, default))):
        return ""
    if default is None:
        return "auto" if "auto" in _values(hint) else "null"
    if isinstance(note, By) and note.name == "quota":
        return f"{default / 1e9:g}GB"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return f"[{', '.join(map(str, default))}]"
    return f"{default:.12g}" if isinstance(default, float) else str(default)
