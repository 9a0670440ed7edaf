"""How near sounds are in the ontology, and the table of our classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from training.data.audioset import Node
from training.data.build import DATA_SETS, read_data_set
from training.data.contents import classes
from training.data.ontology import ClassNodes, Ontology, load_class_nodes
from training.data.readers.folders import FAN

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = "data_set,class,mid,name\n"


def small_ontology() -> Ontology:
    """Two branches; a growl is a dog's and a cat's."""
    below = {
        "animal": ("dog", "cat"),
        "dog": ("bark", "howl", "growl"),
        "cat": ("meow", "growl"),
        "thing": ("engine", "bell"),
    }
    names = [*below, *(child for children in below.values() for child in children)]
    return Ontology({n: Node(n, n.title(), "", below.get(n, ())) for n in dict.fromkeys(names)})


@pytest.fixture(scope="module")
def nodes(data_dir: Path) -> ClassNodes:
    """AudioSet's ontology and our classes."""
    return load_class_nodes(Ontology.load(data_dir))


def test_similarity_is_symmetric_within_bounds_and_one_for_the_same() -> None:
    """As a similarity has to be."""
    ontology = small_ontology()
    for a in ontology.nodes:
        for b in ontology.nodes:
            assert ontology.similarity(a, b) == ontology.similarity(b, a)
            assert 0.0 <= ontology.similarity(a, b) <= 1.0
            assert (ontology.similarity(a, b) == 1.0) == (a == b)


def test_nearer_nodes_are_more_similar() -> None:
    """Siblings before cousins before other branches; a second parent counts."""
    ontology = small_ontology()
    assert ontology.similarity("bark", "howl") > ontology.similarity("bark", "meow") > 0.0
    assert ontology.similarity("bark", "engine") == 0.0
    assert ontology.similarity("growl", "meow") > ontology.similarity("bark", "meow")
    assert ontology.similarity("growl", "bark") == ontology.similarity("howl", "bark")


def test_lin_is_computed_as_written() -> None:
    """Of a bark and a howl: 10 nodes and our root, 3 below the dog, none below either."""
    ontology = small_ontology()
    assert len(ontology.nodes) == 10
    assert ontology.information["bark"] == 1.0
    assert ontology.information["dog"] == pytest.approx(1.0 - 1.3862944 / 2.3978953)
    assert ontology.similarity("bark", "howl") == pytest.approx(ontology.information["dog"])


def test_sets_are_alike_only_where_they_are_equal() -> None:
    """Best matches, averaged both ways: more nodes than the other make a difference."""
    ontology = small_ontology()
    assert ontology.set_similarity(("dog", "bell"), ("bell", "dog")) == 1.0
    both = ontology.set_similarity(("dog", "bell"), ("dog",))
    assert both == ontology.set_similarity(("dog",), ("dog", "bell"))
    assert 0.5 < both < 1.0


def test_loop_and_lost_child_are_errors() -> None:
    """A damaged ontology is named instead of searched for ever."""
    loop = {"a": Node("a", "A", "", ("b",)), "b": Node("b", "B", "", ("a",))}
    with pytest.raises(ValueError, match="'a' is above itself"):
        Ontology(loop)
    with pytest.raises(ValueError, match="'x', below 'a', is no node"):
        Ontology({"a": Node("a", "A", "", ("x",))})


def test_audioset_orders_sounds_as_people_do(nodes: ClassNodes) -> None:
    """A bark is nearer to a howl than to a meow, and to a meow than to an engine."""
    bark = "everyday-cc/class/dog bark"
    ranked = [
        "everyday-cc/class/puppy bark",
        "everyday-cc/class/wolf howl",
        "esc50-40/class/cat",
        "esc50-40/class/engine",
    ]
    similar = [nodes.similarity(bark, one) for one in ranked]
    assert similar == sorted(similar, reverse=True)
    assert len(set(similar)) == len(similar)
    lathe = "vroom-lathe/class/metal lathe "
    right, fast = f"{lathe}at the right speed", f"{lathe}too fast"
    assert nodes.similarity(right, "esc50-40/class/cow") < nodes.similarity(right, fast) < 1.0


def test_the_same_class_of_two_sets_is_the_same(nodes: ClassNodes) -> None:
    """Church bells are church bells."""
    for name in ("church bells", "wind", "fireworks"):
        assert nodes.similarity(f"esc50-40/class/{name}", f"everyday-cc/class/{name}") == 1.0


def test_every_class_of_the_known_sets_has_nodes(data_dir: Path, nodes: ClassNodes) -> None:
    """And no row speaks of a class that is not there; the fan is never rated."""
    found: set[str] = set()
    for name in DATA_SETS:
        if name != FAN.name:
            found |= set(classes(read_data_set(data_dir, name)).values())
    assert set(nodes.nodes) == found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "class,mid\n",
            r"nodes\.csv:1: has the columns class, mid; data_set, name must be among them",
        ),
        (
            _HEADER + "s,bark,bark,Bark\ns,x,/m/0,X\n",
            r"nodes\.csv:3 mid: is '/m/0'; write",
        ),
        (_HEADER + "s,bark,bark,Howl\n", r"nodes\.csv:2 name: is 'Howl'; bark is 'Bark'"),
        (_HEADER + "s,bark,bark\n", r"nodes\.csv:2: has not 4 values"),
        (_HEADER + "s,bark,bark,Bark,x\n", r"nodes\.csv:2: has not 4 values"),
        (_HEADER + "s, ,bark,Bark\n", r"nodes\.csv:2 class: is ' '; write data set and class"),
        (
            _HEADER + 2 * "s,a,bark,Bark\n",
            r"nodes\.csv:3 mid: is 'bark'; 's/class/a' stands",
        ),
    ],
)
def test_wrong_row_is_named(tmp_path: Path, content: str, message: str) -> None:
    """File, line, what was found and what to write."""
    path = tmp_path / "nodes.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_class_nodes(small_ontology(), path)


def test_classes_may_stand_at_several_nodes(tmp_path: Path) -> None:
    """One row each."""
    path = tmp_path / "nodes.csv"
    path.write_text(_HEADER + "s,a,bark,Bark\ns,a,bell,Bell\ns,b,bell,Bell\n", encoding="utf-8")
    read = load_class_nodes(small_ontology(), path)
    assert dict(read.nodes) == {"s/class/a": ("bark", "bell"), "s/class/b": ("bell",)}
    assert read.similarity("s/class/a", "s/class/b") == pytest.approx(0.75)
