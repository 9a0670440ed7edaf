"""The site is built as script/docs builds it, and a link that leads nowhere ends that.

So do commands in pages that no parser takes: both need the parsers of all commands.
"""

from __future__ import annotations

import re
import warnings
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort
from mkdocs.utils.yaml import yaml_load

from agent.cli.commands import COMMANDS
from agent.core import commandline
from agent.integrations.metrics.definitions import DEFINITIONS
from export.__main__ import parser as export_parser
from site_reference import settings, topics
from tests.docs.typed import ROOT, of
from training.commands import COMMANDS as TRAINING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAMS = {"kikimimi": COMMANDS, "training": TRAINING}

# What a page loads by itself, as against links that people follow.
_LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\ssrc=[\"']?((?:https?:)?//[^\"' >]+)"
    r"|<link\b(?![^>]*rel=[\"']?(?:canonical|alternate|prev|next))[^>]*\s"
    r"href=[\"']?((?:https?:)?//[^\"' >]+)"
    r"|(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"') ]+)"
)


def _build(site: Path, **changed: Any) -> None:
    """Build by mkdocs.yml, strictly.

    Raises:
        Abort: a page has a link that leads nowhere, or the like.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the builder and its plugins
        config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(site), **deepcopy(changed))
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
        config.plugins.on_shutdown()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A theme that shows what a page says and nothing else, no index for searching, no colours.

    They take half of the time, and have nothing to do with links.
    """
    theme = tmp_path_factory.mktemp("theme")
    (theme / "main.html").write_text("{{ page.content }}", encoding="utf-8")
    with (ROOT / "mkdocs.yml").open("rb") as file:
        written = yaml_load(file)
    highlight = {"pymdownx.highlight": {"use_pygments": False}}
    return {
        "theme": {"name": None, "custom_dir": str(theme), "locale": "en"},
        "plugins": [one for one in written["plugins"] if "i18n" in one],
        "markdown_extensions": [
            highlight if "pymdownx.highlight" in one else one
            for one in written["markdown_extensions"]
        ],
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, plain: dict[str, Any]) -> Path:
    """All pages in both languages, every link and anchor in them looked at."""
    folder = tmp_path_factory.mktemp("site")
    _build(folder, **plain)
    return folder


@pytest.fixture
def one_page(tmp_path: Path) -> dict[str, Any]:
    """A site of ``docs/index.md`` alone."""
    (tmp_path / "docs").mkdir()
    return {"docs_dir": str(tmp_path / "docs"), "nav": [{"A page": "index.md"}], "hooks": []}


@pytest.mark.torch
def test_every_command_has_its_page(site: Path) -> None:
    """With each of its options."""
    for program, commands in _PROGRAMS.items():
        for command in commands:
            page = site / f"reference/commands/{program}-{command.name}.html"
            text = page.read_text(encoding="utf-8")
            behind = " ".join(one.partition(f" {command.name} ")[2] for one in command.examples)
            options = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", behind))
            assert [one for one in options if f"<code>{one}</code>" not in text] == [], page.name


@pytest.mark.torch
def test_every_setting_of_the_shipped_files_has_its_anchor(site: Path) -> None:
    """As configs/ has them, and the descriptions' own."""
    for name, page in (("agent", "agent"), ("training", "training"), ("update", "update")):
        text = (site / f"reference/configuration/{page}.html").read_text(encoding="utf-8")
        shipped = yaml.safe_load((ROOT / f"configs/{name}.yaml").read_text(encoding="utf-8"))
        names = [*_names(shipped, "")]
        assert len(names) > 5
        assert [one for one in names if f'id="{one}"' not in text] == []
    text = (site / "reference/configuration/descriptions.html").read_text(encoding="utf-8")
    shipped = yaml.safe_load((ROOT / "configs/descriptions.en.yaml").read_text(encoding="utf-8"))
    used = {name for one in (shipped["defaults"], *shipped["errors"]) for name in one}
    assert [one for one in used if f'id="{one}"' not in text] == []


def _names(values: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _names(value, f"{prefix}{name}.")
        elif name == "sources":
            yield from (f"sources[microphone].{one}" for one in value[0])
        else:
            yield f"{prefix}{name}"


@pytest.mark.torch
def test_settings_tell_bounds_unit_and_default(site: Path) -> None:
    """Of one that has all of them, and of one that the file calls otherwise."""
    found = {one.name: one for one in settings.settings_of(settings.Settings)}
    hop = found["windows.hop_s"]
    assert (hop.values, hop.unit, hop.default) == ("a number from 0.1 to 10", "s", "0.5")
    assert hop.meaning.startswith("Seconds from the start of one window")
    assert found["clips.quota"].default == "2GB"
    text = (site / "reference/configuration/agent.html").read_text(encoding="utf-8")
    assert "KIKIMIMI_MQTT_HOST" in text


@pytest.mark.torch
def test_every_topic_and_metric_is_there(site: Path) -> None:
    """A page for each topic, with the fields of its payload; an anchor for each metric."""
    found = topics.topics()
    assert len(found) == len([*(ROOT / "docs/mqtt").glob("*.schema.json")])
    for one in found:
        page = site / f"reference/topics/{one.schema}.html"
        assert one.name in page.read_text(encoding="utf-8")
    verdict = (site / "reference/topics/cmd-verdict.html").read_text(encoding="utf-8")
    assert "<td><code>relevance</code></td>" in verdict
    text = (site / "reference/metrics.html").read_text(encoding="utf-8")
    assert [one.name for one in DEFINITIONS if f'id="{one.name}"' not in text] == []


@pytest.mark.torch
def test_no_page_tells_of_this_machine(site: Path) -> None:
    """Defaults that are paths of the machine stay out of the reference."""
    for page in site.rglob("reference/**/*.html"):
        text = page.read_text(encoding="utf-8")
        assert str(ROOT) not in text, page
        assert str(Path.home()) not in text, page


@pytest.mark.torch
def test_japanese_pages_are_japanese(site: Path) -> None:
    """And what has no Japanese is there in English, so that no link is lost."""
    for name in ("index", "quick-start", "tutorial", "examples", "labelling", "privacy"):
        text = (site / f"ja/{name}.html").read_text(encoding="utf-8")
        assert len(re.findall(r"[\u3040-\u30ff]", text)) > 200, name
    assert (site / "ja/training.html").is_file()


@pytest.mark.torch
@pytest.mark.parametrize("program", ["kikimimi", "training"])
def test_commands_are_taken(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By the parser itself: each command is one, its options exist, and none is missing."""
    found = of(program)
    assert len({words[0] for _, words in found}) > len(_PROGRAMS[program]) / 2
    refused = []
    for one, words in found:
        try:
            commandline.parse(program, "", _PROGRAMS[program], words)
        except SystemExit as ended:
            if ended.code:
                refused.append(f"{one}\n{capsys.readouterr().err.splitlines()[-1]}")
    assert not refused, "\n".join(refused)


@pytest.mark.torch
def test_exports_are_taken() -> None:
    """Of README, training and updates."""
    found = of("export")
    assert len(found) > 3
    for one, words in found:
        try:
            export_parser().parse_args(words)
        except SystemExit:
            pytest.fail(str(one))


@pytest.mark.parametrize(
    "text",
    [
        "[a](nowhere.md)",
        "[a](index.md#nowhere)",
        "[a](#nowhere)",
        "![a](nowhere.png)",
        "[a](/b.md)",
    ],
)
def test_link_that_leads_nowhere_ends_it(
    text: str, tmp_path: Path, plain: dict[str, Any], one_page: dict[str, Any]
) -> None:
    """To a page, to a place in one, to a picture."""
    page = tmp_path / "docs/index.md"
    page.write_text("# A page\n\n[a](#a-page)\n", encoding="utf-8")
    _build(tmp_path / "site", **plain, **one_page)
    page.write_text(f"# A page\n\n{text}\n", encoding="utf-8")
    with pytest.raises(Abort):
        _build(tmp_path / "site", **plain, **one_page)


def test_pages_load_nothing_from_elsewhere(tmp_path: Path, one_page: dict[str, Any]) -> None:
    """One page in the theme that people see: no font, no script, no picture of another host."""
    page = tmp_path / "docs/index.md"
    page.write_text("# A page\n\n```sh\nscript/demo\n```\n", encoding="utf-8")
    _build(tmp_path / "site", **one_page)
    _assert_alone(tmp_path / "site")


@pytest.mark.full
@pytest.mark.torch
def test_whole_site_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """As script/docs builds it."""
    _build(tmp_path / "site")
    _assert_alone(tmp_path / "site")


def _assert_alone(site: Path) -> None:
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert {page.suffix for page in pages} == {".html", ".css"}
    for page in pages:
        assert _LOADED.search(page.read_text(encoding="utf-8")) is None, page
    # The theme would fetch its renderer of diagrams from elsewhere.
    assert not any('class="mermaid"' in page.read_text(encoding="utf-8") for page in pages)
