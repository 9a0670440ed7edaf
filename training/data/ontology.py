"""How near two sounds are in AudioSet's ontology, and where the classes of our data sets stand.

The measure is Lin's (An information-theoretic definition of similarity, ICML 1998): what two nodes
have in common over what they are, ``2 I(c) / (I(a) + I(b))``, where ``c`` is the most telling node
above both. How telling a node is follows from the ontology alone (Seco, Veale and Hayes, ECAI
2004): ``I(a) = 1 - log(1 + nodes below a) / log(all nodes)``, 1 for a leaf and 0 for the root. A
node may have several parents; each of them is above it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.audioset import Node, load_nodes
from training.data.readers.classes import class_caption
from training.data.readers.table import read_table

RESOURCE = Path(__file__).parents[1] / "resources" / "class_nodes.csv"
_COLUMNS = ("data_set", "class", "mid", "name")


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
        nearest_a = [max(self.similarity(node, other) for other in b) for node in a]
        nearest_b = [max(self.similarity(node, other) for other in a) for node in b]
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
    for line in read_table(path, _COLUMNS, "the nodes of the data sets' classes"):
        for column in ("data_set", "class"):
            if not line[column].strip():
                raise line.wrong(column, "write data set and class")
        node = ontology.nodes.get(line["mid"])
        if node is None:
            raise line.wrong("mid", "write an id of ontology.json")
        if node.name != line["name"]:
            raise line.wrong("name", f"{node.mid} is {node.name!r}; write what is meant")
        caption = class_caption(line["data_set"], line["class"])
        before = found.get(caption, ())
        if node.mid in before:
            raise line.wrong("mid", f"{caption!r} stands there twice; delete one")
        found[caption] = (*before, node.mid)
    return ClassNodes(ontology, found)
