"""Dashboard, rules and pages name nothing that the code does not expose."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from agent.core.records import SourceState
from agent.integrations.metrics.definitions import (
    COUNTERS,
    DEFINITIONS,
    PROCESS,
    SUMMED,
    Definition,
    Kind,
)
from agent.run.health import State
from tests.schemas import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[4]
DASHBOARD = ROOT / "configs" / "grafana" / "kikimimi.json"
PROMETHEUS = ROOT / "configs" / "prometheus"
RULES = PROMETHEUS / "kikimimi.rules.yml"
PAGES = [ROOT / "docs" / "integrations" / name for name in ("prometheus.md", "prometheus.ja.md")]
RULES_TEST = Path(__file__).with_name("rules.test.yml")

BY_NAME = {one.name: one for one in DEFINITIONS}
BY_SAMPLE = {name: one for one in DEFINITIONS for name in one.samples}
# What Prometheus adds to every series.
TARGET = {"job", "instance"}
STATES = {"kikimimi_state": set(State), "kikimimi_source_state": set(SourceState)}


def expressions() -> Iterator[str]:
    """All that dashboard and rules ask Prometheus for."""
    for panel in panels():
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (rule["expr"] for rule in rules())


def rules() -> list[dict[str, Any]]:
    """Of all groups."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Of the dashboard."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def test_every_counter_of_health_is_exposed() -> None:
    """One that is added to health gets a name here."""
    counters = schema("health")["properties"]["counters"]["properties"]
    assert COUNTERS.keys() | SUMMED == counters.keys()


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one.name)
def test_names_follow_the_conventions(definition: Definition) -> None:
    """Prefix, letters, ``_total`` for counters alone, base units, and a sentence of help."""
    assert re.fullmatch(r"kikimimi(_[a-z]+)+", definition.name)
    assert definition.name.endswith("_total") is (definition.kind is Kind.COUNTER)
    assert not re.search(r"_(ms|milliseconds|minutes|kb|mb|percent)(_total)?$", definition.name)
    assert definition.help.endswith(".")
    assert len(BY_NAME) == len(DEFINITIONS)


def test_dashboard_and_rules_ask_for_what_there_is() -> None:
    """Every name, every label, and every state."""
    asked = [*expressions()]
    assert len(asked) > 40
    for one in asked:
        names = set(re.findall(r"\b(?:kikimimi|process)_\w+", one))
        assert names <= BY_SAMPLE.keys() | PROCESS, one
        assert names or one.startswith("up{"), one
        for name, matchers in re.findall(r"(\w+)\{([^}]*)\}", one):
            definition = BY_SAMPLE.get(name)
            known = TARGET | set(definition.labels if definition else ())
            wanted = dict(re.findall(r'(\w+)=~?"([^"]*)"', matchers))
            assert wanted.keys() <= known, one
            assert wanted.get("state", "ok") in STATES.get(name, {"ok"}), one


def test_pages_name_no_metric_that_is_gone() -> None:
    """In both languages; the reference lists all, since it is made of them."""
    for page in PAGES:
        named = set(re.findall(r"`((?:kikimimi|process)_\w+)`", page.read_text(encoding="utf-8")))
        assert named, page.name
        assert named <= BY_NAME.keys() | PROCESS, page.name


def test_pages_tell_of_every_rule() -> None:
    """By its name."""
    names = {rule["alert"] for rule in rules()}
    assert len(names) > 10
    for page in PAGES:
        assert set(re.findall(r"`(Kikimimi\w+)`", page.read_text(encoding="utf-8"))) == names, (
            page.name
        )


def test_dashboard_can_be_imported() -> None:
    """Panels have numbers of their own, overlap nowhere, and ask the source that is chosen."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    chosen = {one["name"]: one for one in dashboard["templating"]["list"]}
    assert chosen["datasource"]["query"] == "prometheus"
    assert chosen["instance"]["definition"] == "label_values(kikimimi_info, instance)"
    found = panels()
    assert len({panel["id"] for panel in found}) == len(found)
    taken: set[tuple[int, int]] = set()
    for panel in found:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
            references = [target["refId"] for target in panel["targets"]]
            assert len(set(references)) == len(references) > 0, panel["title"]


def test_rules_do_what_they_say(tmp_path: Path) -> None:
    """By Prometheus' own tool: files are in order, and series raise what they should."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    test = tmp_path / "rules.test.yml"
    test.write_text(RULES_TEST.read_text(encoding="utf-8").replace("RULES", str(RULES)))
    for words in (
        ("check", "config", str(PROMETHEUS / "prometheus.yml")),
        ("test", "rules", str(test)),
    ):
        done = subprocess.run([promtool, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
