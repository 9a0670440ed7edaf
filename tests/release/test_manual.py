"""Manual pages: one for each command, and roff finds nothing wrong in them."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from agent.cli.commands import COMMANDS
from release import manual
from release.parsers import whole_parser

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO")


@pytest.fixture(scope="module")
def pages() -> Mapping[str, str]:
    """As a package has them."""
    return manual.pages(whole_parser(), COMMANDS, manual.Edition("1.2.3", "2026-11-30"))


def _rendered(page: str) -> str:
    """As ``man`` prints it, without its bold and underlined signs."""
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed: script/bootstrap test installs it")
    command = ["groff", "-man", "-ww", "-Tutf8", "-Kutf8", "-rLL=78n", "-P-c"]
    done = subprocess.run(command, input=page, capture_output=True, text=True, check=True)
    assert done.stderr == "", page
    return re.sub(r".\x08|\x1b\[\d*m", "", done.stdout)


def test_there_is_a_page_for_the_program_and_each_command(pages: Mapping[str, str]) -> None:
    """No more, and each is found from the first."""
    named = {f"kikimimi-{command.name}.1" for command in COMMANDS}
    assert pages.keys() == {"kikimimi.1", *named}
    shown = re.sub(r"\s+", " ", _rendered(pages["kikimimi.1"]))
    assert all(f"kikimimi-{command.name}(1)" in shown for command in COMMANDS)


def test_all_pages_render_without_a_warning(pages: Mapping[str, str]) -> None:
    """In one go; every page of a command has the sections that people look for."""
    shown = _rendered("".join(pages.values()))
    for section in _SECTIONS:
        found = len(re.findall(rf"^{section}$", shown, re.MULTILINE))
        assert found >= len(COMMANDS), section


def test_page_shows_what_is_typed_as_it_is_typed(pages: Mapping[str, str]) -> None:
    """Hyphens, quotes and tildes are copied from there into a shell; each option is told."""
    shown = _rendered(pages["kikimimi-labels.1"])
    assert "kikimimi labels export ~/labels-p1 --since 30d" in shown
    assert "--keep-verdicts" in shown
    assert 'kikimimi report --shifts "day 06:00-14:00, night 22:00-06:00" --language en' in (
        _rendered(pages["kikimimi-report.1"])
    )
    assert "kikimimi 1.2.3" in shown
