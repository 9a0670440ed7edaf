"""How near two sounds are in AudioSet's ontology, and where the classes of our data sets stand.

The measure is Lin's (An information-theoretic definition of similarity, ICML 1998): what two nodes
have in common over what they are, ``2 I(c) / (I(a) + I(b))``, where ``c`` is the most telling node
above both. How telling a node is follows from the ontology alone (Seco, Veale and Hayes, ECAI
2004): ``I(a) = 1 - log(1 + nodes below a) / log(all nodes)``, 1 for a leaf and 0 for the root. A
node may have several parents; each of them is above it.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from training.audioset import load_nodes
from training.data.readers.classes import class_caption

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.audioset import Node

RESOURCE = Path(__file__).parent / "resources" / "class_nodes.csv"
_COLUMNS = ["data_set", "class", "mid", "name"]


class Ontology:
    """The nodes under one root of our own, above the seven that AudioSet has."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        """Find what is above each node.

        Raises:
            ValueError: a child is no node, or a node is above itself.
        """
        self.nodes = dict(nodes)
        self._above = {mid: {mid} for mid in nodes}
        below = dict.fromkeys(nodes, 0)
        for mid in nodes:
            for found in self._below(mid):
                self._above[found].add(mid)
                below[mid] += 1
        everything = math.log(1 + len(nodes))
        self.information = {
            mid: 1.0 - math.log(1 + count) / everything for mid, count in below.items()
        }
        """How telling each node is, 0 to 1."""

    @classmethod
    def load(cls, data: Path) -> Ontology:
        """AudioSet's, from the data folder.

        Raises:
            FileNotFoundError: ``data`` does not hold ``audioset/``.
        """
        return cls(load_nodes(data))

    def similarity(self, a: str, b: str) -> float:
        """Of two nodes, 0 to 1; 1 for a node and itself, 0 where only our root is above both.

        Raises:
            KeyError: one is no node.
        """
        if a == b:
            return 1.0
        shared = max((self.information[mid] for mid in self._above[a] & self._above[b]), default=0)
        return 2.0 * shared / (self.information[a] + self.information[b]) if shared else 0.0

    def set_similarity(self, a: Sequence[str], b: Sequence[str]) -> float:
        """Of two sounds that stand at several nodes each: best matches, averaged both ways.

        1 only where both stand at the same nodes. As Azuaje, Wang and Bodenreider (ISMB 2005)
        compare genes by the terms that they are filed under.
        """
        nearest_a = [max(self.similarity(one, other) for other in b) for one in a]
        nearest_b = [max(self.similarity(one, other) for other in a) for one in b]
        return (sum(nearest_a) / len(a) + sum(nearest_b) / len(b)) / 2.0

    def _below(self, top: str) -> set[str]:
        found: set[str] = set()
        waiting = list(self.nodes[top].children)
        while waiting:
            mid = waiting.pop()
            if mid not in self.nodes:
                raise ValueError(f"ontology.json: {mid!r}, below {top!r}, is no node")
            if mid not in found:
                found.add(mid)
                waiting.extend(self.nodes[mid].children)
        if top in found:
            raise ValueError(f"ontology.json: {top!r} is above itself")
        return found


@dataclass(frozen=True, slots=True)
class ClassNodes:
    """Where the classes of our data sets stand, by hand."""

    ontology: Ontology
    nodes: Mapping[str, tuple[str, ...]]
    """By id of the class's caption, see :func:`class_caption`."""

    def similarity(self, a: str, b: str) -> float:
        """Of two classes by their captions' ids, 0 to 1.

        Raises:
            KeyError: one has no nodes.
        """
        return self.ontology.set_similarity(self.nodes[a], self.nodes[b])


def load_class_nodes(ontology: Ontology, path: Path = RESOURCE) -> ClassNodes:
    """Read the table: one row for each class and node.

    Raises:
        ValueError: a row is wrong; names the line.
    """
    found: dict[str, tuple[str, ...]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != _COLUMNS:
            columns = ",".join(reader.fieldnames or [])
            raise ValueError(f"{path}:1: columns are {columns}; write {','.join(_COLUMNS)}")
        for row in reader:
            where = f"{path}:{reader.line_num}"
            if None in row or None in row.values():
                raise ValueError(
                    f"{where}: has not {len(_COLUMNS)} values; quote names with commas"
                )
            if not (row["data_set"].strip() and row["class"].strip()):
                raise ValueError(f"{where}: data set or class is empty; write both")
            _check_node(where, row["mid"], row["name"], ontology)
            caption = class_caption(row["data_set"], row["class"])
            before = found.get(caption, ())
            if row["mid"] in before:
                raise ValueError(f"{where}: {caption!r} stands at {row['mid']} twice; delete one")
            found[caption] = (*before, row["mid"])
    return ClassNodes(ontology, found)


def _check_node(where: str, mid: str, name: str, ontology: Ontology) -> None:
    node = ontology.nodes.get(mid)
    if node is None:
        raise ValueError(f"{where}: mid {mid!r} is unknown; write an id of ontology.json")
    if node.name != name:
        raise ValueError(f"{where}: {mid} is {node.name!r}, not {name!r}; write what is meant")
