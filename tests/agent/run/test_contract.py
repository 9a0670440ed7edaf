"""The contract that is published with the box: each topic and command has its schema and line."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from agent.config import CommandSettings
from agent.detector.mutes import Mutes
from agent.run.box_commands import box_commands
from tests.agent.run.command_box import TOPICS
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
CONTRACT = ROOT / "docs" / "mqtt"
LINE = re.compile(r"^\| `([^`]+)` \| .* \[([\w-]+)\]\(([\w-]+)\.schema\.json\) \|$", re.MULTILINE)


def topics() -> set[str]:
    """All topics below a box's own, as they stand in the contract."""
    used = {*_whole()} - {TOPICS.root, TOPICS.commands, TOPICS.command_filter}
    return {one.removeprefix(f"{TOPICS.root}/") for one in used}


def _whole() -> Iterator[str]:
    for name, one in inspect.getmembers(type(TOPICS)):
        if isinstance(one, property):
            yield getattr(TOPICS, name)
        elif inspect.isfunction(one) and not name.startswith("_"):
            yield one(TOPICS, "{source}")
    clock = FakeClock()
    parts: dict[str, Any] = {
        name: object()  # nothing is carried out
        for name, one in inspect.signature(box_commands).parameters.items()
        if one.kind is one.KEYWORD_ONLY
    }
    parts |= {"mutes": Mutes(clock), "clock": clock}
    commands = box_commands(TOPICS, CommandSettings(), **parts)
    for name in commands._commands:
        yield f"{TOPICS.commands}/{name}"


def test_each_topic_and_command_has_its_line_and_its_schema() -> None:
    """And no schema is of anything else."""
    names = {topic: topic.replace("{source}/", "").replace("/", "-") for topic in topics()}
    lines = LINE.findall((CONTRACT / "README.md").read_text(encoding="utf-8"))
    assert {topic: name for topic, _, name in lines} == names
    assert all(shown == name for _, shown, name in lines)
    files = {path.name.removesuffix(".schema.json") for path in CONTRACT.glob("*.schema.json")}
    assert files == {*names.values()}


def test_each_is_named_in_japanese() -> None:
    """On the page that leads to the contract."""
    text = (CONTRACT / "README.ja.md").read_text(encoding="utf-8")
    assert [topic for topic in sorted(topics()) if f"`{topic}`" not in text] == []


def test_each_schema_is_one() -> None:
    """Under its own name."""
    for path in CONTRACT.glob("*.schema.json"):
        found = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(found)
        assert found["$id"] == path.name
