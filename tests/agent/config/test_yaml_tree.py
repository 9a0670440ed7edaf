"""YAML files as trees: lines, caps and clear problems."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.config import yaml_tree as yamlfile
from agent.config.yaml_tree import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.core.errors import Problem

CONFIGS = Path(__file__).resolve().parents[3] / "configs"

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


_HEAD = "version: 1\nerrors:\n  - id: a\n"


@pytest.mark.parametrize(
    ("text", "line", "found", "remedy"),
    [
        ("version：1\nerrors:\n", 1, "a full-width colon '：' (U+FF1A) behind 'version'",
         "type a colon and a space: 'version: …'"),
        ("version：1\n", 1, "a full-width colon '：' (U+FF1A) behind 'version'",
         "type a colon and a space: 'version: …'"),
        (f"{_HEAD}    text：b\n    unlike: [c]\n", 4,
         "a full-width colon '：' (U+FF1A) behind 'text'",
         "type a colon and a space: 'text: …'"),
        (f"{_HEAD}    text:\u3000b\n    unlike: [c]\n", 4,
         "a full-width space (U+3000) behind 'text:'",
         "type a space: 'text: …'"),
        (f"{_HEAD}    text:\u00a0b\n", 4, "a no-break space (U+00A0) behind 'text:'",
         "type a space: 'text: …'"),
        ("version: 1\nerrors:\n  － id: a\n    text: b\n", 3,
         "a full-width dash '－' (U+FF0D) where a list's item begins", "type '-' and a space"),
        (f"{_HEAD}    unlike:\n      - b\n      – c\n      - d\n", 6,
         "an en dash '–' (U+2013) where a list's item begins", "type '-' and a space"),
        (f"{_HEAD}    unlike: [b, c］\n    severity: major\n", 4,
         "a full-width right square bracket '］' (U+FF3D) where a list ends", "type ']'"),
        (f"{_HEAD}    text: “b: c”\n", 4,
         "a left double quotation mark '“' (U+201C) where a value begins", "type '\"'"),
        (f"{_HEAD}    text: b\n＃ c\n    severity: major\n", 5,
         "a full-width number sign '＃' (U+FF03) where a comment begins", "type '#'"),
        (f"{_HEAD}    text: b\n\u3000\n    severity: major\n", 5,
         "a full-width space (U+3000) in the indentation", "indent by spaces alone"),
        (f"{_HEAD}    text: b\n\u3000# comment\n    severity: major\n", 5,
         "a full-width space (U+3000) in the indentation", "indent by spaces alone"),
        (f"{_HEAD}    unlike: [b, c]\u3000\n    severity: major\n", 4,
         "a full-width space (U+3000) behind a list", "delete it"),
        (f"{_HEAD}\ttext: b\n", 4, "a tab (U+0009) in the indentation", "indent by spaces alone"),
        (f"{_HEAD}    text: b\n\ufeffbackground: [c]\n", 5,
         "a byte-order mark (U+FEFF) at the start of the line", "delete it"),
    ],
)  # fmt: skip
def test_what_only_looks_like_yaml_is_named_at_its_line(
    text: str, line: int, found: str, remedy: str
) -> None:
    """The sign that was mistyped, where it stands and what to type; not YAML's own words."""
    root, (problem,) = _parse(text)
    assert root is None
    assert problem.startswith(f"f.yaml:{line}: ")
    assert f"holds {found}" in problem
    assert problem.endswith(f"; {remedy}")


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        (f"{_HEAD}    text:b\n    unlike: [c]\n", 4, "has no space behind 'text:'"),
        (
            f"{_HEAD}    unlike: [press #3, hammer]\n    severity: major\n",
            4,
            "ends before '#3, hammer]', since ' #' begins a comment",
        ),
        (f"{_HEAD}    text: press #3\n      drops\n", 4,
         "ends before '#3', since ' #' begins a comment"),
    ],
)  # fmt: skip
def test_a_missing_space_and_a_comment_within_brackets_are_named(
    text: str, line: int, found: str
) -> None:
    """The parser would name the line after."""
    root, (problem,) = _parse(text)
    assert root is None
    assert problem.startswith(f"f.yaml:{line}: not valid YAML ({found}); ")


def test_look_alikes_within_texts_are_left_alone() -> None:
    """What a Japanese sentence is written with is no fault of the file, even beside a real one."""
    text = "a: ボルト：落下\u3000“カラン”、－\nb: |\n  text：これは本文\nc: d\n"
    root, problems = _parse(text)
    assert problems == []
    assert root is not None
    assert root.get("a") == Scalar("f.yaml:1", "ボルト：落下\u3000“カラン”、－")
    assert _parse(f"{text}e: [1\nf: 2\n")[1][0].startswith("f.yaml:6: not valid YAML (did not find")


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        ("press #3 drops a part", "'#3 drops a part'"),
        ("プレス #3 で落下", "'#3 で落下'"),
        ("press   #3", "'#3'"),
        ("press # 3 drops", "'# 3 drops'"),
        ("press #three drops", "'#three drops'"),
        ("a" + " #3" * 30, "'#3 #3 #3 #3 #3 #3 #3 #3 #3 #3 #3 #3 #3 #'…"),
        ("a part falls   # a comment of the author", None),
        ("a part falls # a comment of the author", None),
        ("a part falls  #コメント", None),
        ("a part falls ## section", None),
        ("a part falls #", None),
        ("press#3 drops a part", None),
        ("'press #3 drops a part'", None),
        ('"press #3 drops a part"  # press 3', None),
    ],
)
def test_a_comment_that_may_be_the_end_of_a_text_is_doubted(line: str, lost: str | None) -> None:
    """A number or a word right behind the '#', but no comment as people set it off."""
    root, problems = _parse(f"a: {line}\nb: 1\n")
    assert problems == []
    assert root is not None
    value = root.get("a")
    assert isinstance(value, Scalar)
    if lost is None:
        assert value.doubt is None
    else:
        assert value.doubt is not None
        assert value.doubt.found == f"ends before {lost}, since ' #' begins a comment"


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _scalars(item)
    else:
        for entry in node.entries:
            yield from _scalars(entry.value)


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: path.name)
def test_no_value_that_comes_with_it_is_doubted(path: Path) -> None:
    """None of the many comments in the files to start from is taken for the end of a text."""
    root, problems = _parse(path.read_bytes())
    assert problems == []
    assert root is not None
    values = list(_scalars(root))
    assert values
    assert [value for value in values if value.doubt is not None] == []


def test_a_text_that_goes_on_in_what_looks_like_a_field_is_doubted() -> None:
    """A full-width colon makes the line below a part of the text above."""
    root, _ = _parse("a: b\n  unlike：[c]\nd: e\n  f\n")
    assert root is not None
    first, second = root.get("a"), root.get("d")
    assert isinstance(first, Scalar)
    assert isinstance(second, Scalar)
    assert first.doubt is not None
    assert first.doubt.found.startswith("goes on in line 2, which holds a full-width colon '：'")
    assert second.doubt is None


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
