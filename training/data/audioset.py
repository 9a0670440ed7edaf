"""AudioSet's classes: their names, the ontology around them, and our texts about them."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.data.readers.table import read_table

RESOURCE = Path(__file__).parents[1] / "resources" / "audioset_texts.csv"
CLASSES = 527
_LANGUAGES = ("ja", "en")
_KINDS = ("name", "phrase", "onomatopoeia", "description")
_COLUMNS = ("index", "mid", "language", "kind", "text")


@dataclass(frozen=True, slots=True)
class Node:
    """One of the ontology's 632 nodes, of which 527 are classes."""

    mid: str
    """Freebase id."""
    name: str
    description: str
    children: tuple[str, ...]
    """Ids; a node may be the child of several."""


@dataclass(frozen=True, slots=True)
class SoundClass:
    """One of the 527 classes that the audio tower was trained on."""

    index: int
    mid: str
    """Freebase id, the key of the ontology."""
    name: str
    description: str
    branches: frozenset[str]
    """Names of the top-level branches that lead to it (``Human sounds``, ``Music`` ...)."""


@dataclass(frozen=True, slots=True)
class ClassText:
    """One text about one class."""

    index: int
    language: str
    kind: str
    text: str


def data_folder() -> Path:
    """The recordings, weights and texts: ``KIKIMIMI_DATA``, by default ``../shared/data``."""
    return Path(os.environ.get("KIKIMIMI_DATA", "../shared/data"))


def load_nodes(data: Path) -> dict[str, Node]:
    """The whole ontology by id.

    Raises:
        FileNotFoundError: ``data`` does not hold ``audioset/``.
    """
    text = (data / "audioset" / "ontology.json").read_text(encoding="utf-8-sig")
    return {
        node["id"]: Node(node["id"], node["name"], node["description"], tuple(node["child_ids"]))
        for node in json.loads(text)
    }


def load_classes(data: Path) -> tuple[SoundClass, ...]:
    """The classes in the tower's order, with the ontology's descriptions and branches.

    Raises:
        FileNotFoundError: ``data`` does not hold ``audioset/``.
        ValueError: a class is missing in the ontology.
    """
    folder = data / "audioset"
    nodes = load_nodes(data)
    branches = _branches(nodes)
    classes = []
    with (folder / "class_labels_indices.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            node = nodes.get(row["mid"])
            if node is None:
                raise ValueError(f"{folder}: class {row['mid']} is not in ontology.json")
            classes.append(
                SoundClass(
                    index=int(row["index"]),
                    mid=row["mid"],
                    name=row["display_name"],
                    description=node.description,
                    branches=branches[row["mid"]],
                )
            )
    return tuple(classes)


def _branches(nodes: Mapping[str, Node]) -> dict[str, frozenset[str]]:
    """Top-level branches of every node; a node may hang in several."""
    children = {child for node in nodes.values() for child in node.children}
    found: dict[str, set[str]] = {mid: set() for mid in nodes}
    for top in nodes.keys() - children:
        waiting = [top]
        while waiting:
            mid = waiting.pop()
            if nodes[top].name not in found[mid]:
                found[mid].add(nodes[top].name)
                waiting.extend(nodes[mid].children)
    return {mid: frozenset(names) for mid, names in found.items()}


def load_texts(classes: Iterable[SoundClass], path: Path = RESOURCE) -> tuple[ClassText, ...]:
    """All texts about the classes: AudioSet's own in English, then ours, by class.

    Raises:
        ValueError: a row of our file is wrong; names the line.
    """
    classes = tuple(classes)
    texts = [text for sound in classes for text in _own_texts(sound)]
    mids = {sound.index: sound.mid for sound in classes}
    return tuple(sorted([*texts, *load_texts_file(mids, path)], key=lambda text: text.index))


def load_texts_file(
    mids: Mapping[int, str] | None = None, path: Path = RESOURCE
) -> tuple[ClassText, ...]:
    """Our own texts about the classes.

    Args:
        mids: the classes' ids to check against, by index; not checked if ``None``.
        path: the file.

    Raises:
        ValueError: a row is wrong; names the line.
    """
    texts = []
    for line in read_table(path, _COLUMNS, "our texts about AudioSet's classes"):
        if not line["index"].isdigit() or int(line["index"]) >= CLASSES:
            raise line.wrong("index", f"write 0 to {CLASSES - 1}")
        index = int(line["index"])
        if mids is not None and line["mid"] != mids[index]:
            raise line.wrong("mid", f"class {index} is {mids[index]}")
        for column, accepted in (("language", _LANGUAGES), ("kind", _KINDS)):
            if line[column] not in accepted:
                raise line.wrong(column, f"write one of {', '.join(accepted)}")
        if not line["text"].strip():
            raise line.wrong("text", "write one or delete the line")
        texts.append(ClassText(index, line["language"], line["kind"], line["text"].strip()))
    return tuple(texts)


def _own_texts(sound: SoundClass) -> list[ClassText]:
    """AudioSet's name, each of its comma-separated synonyms, and the description."""
    names = dict.fromkeys([sound.name, *(part.strip() for part in sound.name.split(","))])
    texts = [ClassText(sound.index, "en", "name", name) for name in names]
    return [*texts, ClassText(sound.index, "en", "description", sound.description)]
