"""YAML files as trees: lines, caps and clear problems."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent import yamlfile
from agent.yamlfile import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from pathlib import Path

    from agent.errors import Problem

# A loaded machine is no fault of the code under test.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _parse(text: str | bytes) -> tuple[Mapping | None, list[str]]:
    problems: list[Problem] = []
    data = text.encode() if isinstance(text, str) else text
    return yamlfile.parse(data, "f.yaml", problems), [str(problem) for problem in problems]


def test_every_value_knows_its_line() -> None:
    """Keys, values and items carry the line on which they stand."""
    root, problems = _parse("a: 1\nb:\n  - x\n  - c: y\n")
    assert problems == []
    assert root is not None
    assert root.get("a") == Scalar("f.yaml:1", "1")
    items = root.get("b")
    assert isinstance(items, Sequence)
    assert items.items[0] == Scalar("f.yaml:3", "x")
    assert items.items[1].where == "f.yaml:4"


def test_values_stay_as_they_were_written() -> None:
    """No YAML 1.1 surprise turns a word or a time into something else."""
    root, _ = _parse("a: no\nb: 1:30\nc: 010\nd: 'null'\ne: null\nf:\n")
    assert root is not None
    assert [entry.value.text for entry in root.entries if isinstance(entry.value, Scalar)] == [
        "no",
        "1:30",
        "010",
        "null",
        "null",
        "",
    ]
    nulls = [entry.value.is_null for entry in root.entries if isinstance(entry.value, Scalar)]
    assert nulls == [False, False, False, False, True, True]


def test_a_byte_order_mark_is_read_over() -> None:
    """Files from Windows editors may start with one."""
    root, problems = _parse(b"\xef\xbb\xbfa: 1\n")
    assert problems == []
    assert root is not None
    assert root.entries[0].key == "a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml: is empty; write the fields that it needs"),
        ("# only a comment\n", "f.yaml: is empty; write the fields that it needs"),
        ("- a\n", "f.yaml:1: does not hold fields; write lines such as 'field: value'"),
        ("a: 1\na: 3\n", "f.yaml:2: field 'a' stands here again; keep it once (also at f.yaml:1)"),
        ("a: &x [1]\nb: *x\n", "f.yaml:2: uses the alias *x; write the value out"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: starts a second document; keep one, without ---"),
        ("a: 1\n? [b]\n: 2\n", "f.yaml:2: has a list or table as a field name; write a name"),
        (b"a: 1\nb: \x83\x5c\n", "f.yaml:2: is not UTF-8 (byte 0x83); save the file as UTF-8"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_its_line(text: str | bytes, message: str) -> None:
    """Each kind of unreadable content has one clear line."""
    assert _parse(text)[1] == [message]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: 1\nb: [1,\n", "f.yaml:3: not valid YAML ("),
        ("a: 1\n\tb: 2\n", "f.yaml:2: not valid YAML ("),
        ("a: 'x\n", "f.yaml:"),
        ("a: 1\n\nb: \x01\n", "f.yaml:3: holds a character that YAML forbids ("),
        ("a: !!python/object/apply:os.system [x]\n", "f.yaml:1: uses the tag "),
    ],
)
def test_broken_syntax_is_named_with_its_line(text: str, start: str) -> None:
    """A syntax error becomes one problem, whatever the library words it like."""
    root, problems = _parse(text)
    assert root is None
    assert len(problems) == 1
    assert problems[0].startswith(start)
    assert "\n" not in problems[0]


def test_an_unclosed_bracket_names_where_it_was_opened() -> None:
    """The line to mend is the bracket's, not the end of the file."""
    _, problems = _parse("a: 1\nb: [1, 2\nc: 3\nd: 4\n")
    assert "from line 2 on" in problems[0]


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000])
def test_deep_nesting_is_refused(text: str) -> None:
    """No file can exhaust the stack."""
    root, problems = _parse(text)
    assert root is None
    assert problems == ["f.yaml:1: is nested over 16 deep; remove the brackets"]


def test_too_many_values_are_refused() -> None:
    """No file can exhaust the memory."""
    root, problems = _parse("a: [" + "1," * yamlfile.MAX_NODES + "]")
    assert root is None
    assert problems == ["f.yaml:1: holds more than 100000 values; shorten the file"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder, a pipe and a huge file each give their own problem."""
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (yamlfile.MAX_BYTES + 1))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    problems: list[Problem] = []
    for path in (tmp_path / "none.yaml", tmp_path, pipe, large, tmp_path / ("x" * 300)):
        assert yamlfile.read(path, problems) is None
    assert [problem.found for problem in problems] == [
        "cannot be read (no such file or directory)",
        "is a folder",
        "is not a regular file",
        "is larger than 1 MiB",
        "cannot be read (file name too long)",
    ]


def test_put_replaces_adds_and_leaves_alone() -> None:
    """A nested value is replaced or added; what is not a table is not overwritten."""
    root, _ = _parse("a: {b: 1, c: 2}\nd: text\ne:\n")
    assert root is not None
    value = Scalar("env", "9")
    changed = root.put(("a", "b"), value).put(("e", "f"), value).put(("d", "g"), value)
    inner, added = changed.get("a"), changed.get("e")
    assert isinstance(inner, Mapping)
    assert isinstance(added, Mapping)
    assert inner.get("b") == value
    assert inner.get("c") == Scalar("f.yaml:1", "2")
    assert added.get("f") == value
    assert changed.get("d") == Scalar("f.yaml:2", "text")


@_PATIENT
@given(st.binary(max_size=400))
def test_arbitrary_bytes_give_a_tree_or_problems(data: bytes) -> None:
    """Whatever is in a file, reading it either works or says why not."""
    root, problems = _parse(data)
    assert root is not None or problems


@_PATIENT
@given(st.text(alphabet="ab:-[]{}#&*!|>'\"%@`?,~ \n\t1\\\u3042\x85\u2028", max_size=200))
def test_arbitrary_yaml_signs_give_a_tree_or_problems(text: str) -> None:
    """Text made of YAML's own signs finds no unexpected exception either."""
    root, problems = _parse(text)
    assert root is not None or problems
