"""Scripts and modules that pages name are there, and cheap commands do what is said."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent import descriptions
from agent.cli import main
from agent.cli.commands import COMMANDS
from agent.core import commandline
from tests.docs.typed import PAGES, ROOT, commands, of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def test_scripts_are_there_and_know_their_options() -> None:
    """Those of script/; script/demo takes what `kikimimi demo` takes, script/test pytest's."""
    found = [one for one in commands() if one.words[0].startswith("script/")]
    assert {"script/demo", "script/test", "script/train", "script/package", "script/docs"} <= {
        one.words[0] for one in found
    }
    for one in found:
        script = ROOT / one.words[0]
        assert script.is_file(), one
        if script.name == "demo":
            commandline.parse("kikimimi", "", COMMANDS, ["demo", *one.words[1:]])
        elif script.name != "test":
            text = script.read_text(encoding="utf-8")
            options = [word for word in one.words if word.startswith("--")]
            assert [option for option in options if option not in text] == [], one


def test_modules_of_tests_are_there() -> None:
    """What figures are made by, wherever a page names it."""
    found = {
        (page.name, module)
        for page in PAGES
        for module in re.findall(r"-m (tests\.[\w.]*\w)", page.read_text(encoding="utf-8"))
    }
    assert len(found) > 5
    lost = [
        one for one in found if not (ROOT / one[1].replace(".", "/")).with_suffix(".py").is_file()
    ]
    assert lost == []


def _lines(page: str, program: str) -> list[Sequence[str]]:
    return [words for one, words in of(program) if one.page == page]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the pages take it for granted, to type in."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    place = tmp_path / "my-site"
    place.mkdir()
    (place / "agent.yaml").write_text(
        "site: p1\nnode: press3\nstate_dir: state\ndescriptions: descriptions.yaml\n",
        encoding="utf-8",
    )
    shutil.copyfile(ROOT / "configs/descriptions.en.yaml", place / "descriptions.yaml")
    noise = np.random.default_rng(0).normal(0, 0.05, 32_000 * 4).astype(np.float32)
    noise[64_000:65_600] += np.float32(0.5)
    for name in ("factory.wav", "recording.wav"):
        soundfile.write(tmp_path / name, noise, 32_000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_quick_start_checks_its_own_descriptions(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both languages type the same, but for the language."""
    check, score, alerts = _lines("docs/quick-start.md", "kikimimi")
    (site / "my.yaml").write_text(_yaml("docs/quick-start.md"), encoding="utf-8")
    assert main(check) == 0, capsys.readouterr()
    assert alerts == [*score, "--alerts"]
    words = [" ".join(one) for one in _lines("docs/quick-start.ja.md", "kikimimi")]
    english = [" ".join(one) for one in (check, score, alerts)]
    assert words == [line.replace("descriptions.en", "descriptions.ja") for line in english]


@pytest.mark.full
def test_quick_start_scores_a_recording(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Window by window, against all descriptions that are shipped; then its alerts."""
    _, score, alerts = _lines("docs/quick-start.md", "kikimimi")
    assert main(score) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 5
    assert all(line.startswith("factory.wav ") for line in lines)
    assert main(alerts) == 0


@pytest.mark.full
def test_a_sound_of_a_file_is_taught(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the page about teaching says, and it is on the list then."""
    teach = next(one for one in _lines("docs/examples.md", "kikimimi") if "--file" in one)
    (site / "night.flac").symlink_to(site / "factory.wav")
    assert main([*teach, "--config", "my-site/agent.yaml"]) in {0, 1}
    assert main(_lines("docs/tutorial.md", "kikimimi")[-1]) == 0
    assert "metal_part_dropped" in capsys.readouterr().out


@pytest.mark.parametrize("page", ["quick-start", "descriptions"])
@pytest.mark.parametrize("suffix", ["", ".ja"])
def test_descriptions_of_pages_are_valid(page: str, suffix: str) -> None:
    """Whoever copies them has nothing to mend."""
    block = _yaml(f"docs/{page}{suffix}.md")
    found = descriptions.parse(block.encode(), ROOT / "my.yaml")
    assert found.active
    assert found.notes == ()


@pytest.mark.parametrize("suffix", ["", ".ja"])
def test_check_says_what_the_page_says(
    suffix: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a misspelt field in the fifth line."""
    page = f"docs/descriptions{suffix}.md"
    told = re.search(r"^problem: .*", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert told is not None
    (check,) = (words for words in _lines(page, "kikimimi") if words[0] == "check")
    wrong = "version: 1\nerrors:\n  - id: a\n    text: a bell rings\n    sevrity: major\n"
    (site / "my.yaml").write_text(wrong, encoding="utf-8")
    assert main(check) != 0
    output = capsys.readouterr()
    assert told[0].removeprefix("problem: ") in output.out + output.err


def _yaml(page: str) -> str:
    """The one file that a page shows."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(block)


def test_what_a_box_without_answers_says(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last command of the tutorial, before anybody answered: one line, no crash."""
    listing = _lines("docs/tutorial.md", "kikimimi")[-1]
    assert listing[:2] == ["labels", "list"]
    assert listing == _lines("docs/tutorial.ja.md", "kikimimi")[-1]
    assert main(listing) in {0, 2}
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert len((told.out + told.err).splitlines()) == 1
