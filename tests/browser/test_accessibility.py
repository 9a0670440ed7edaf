"""What axe-core, the checker of accessibility, says of each page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.stage import stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.stage import Stage

pytestmark = pytest.mark.broker


class _Axe:
    """Looks at pages and keeps what it found."""

    def __init__(self) -> None:
        self._axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
        self.found: list[str] = []

    def look(self, page: Page, what: str) -> None:
        """At a page as it is now, light and dark."""
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            # The scheme changes colours, and nothing else.
            options = {} if scheme == "light" else {"runOnly": ["color-contrast"]}
            for violation in self._axe.run(page, options=options).response["violations"]:
                nodes = [node["html"][:120] for node in violation["nodes"]]
                told = f"{violation['id']} {violation['help']} {nodes}"
                self.found.append(f"{what} {scheme}: {told}")


def test_axe_finds_nothing(running: Stage, open_page: Callable[..., Page]) -> None:
    """Each page, in both languages, light and dark, with an alert open and the keys shown."""
    axe = _Axe()
    for locale in ("en", "ja"):
        page = open_page(running.address, locale=locale)
        page.locator(".card[aria-current] .answer").first.wait_for()
        axe.look(page, f"{locale} alerts")
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open]")
        axe.look(page, f"{locale} keys")
        page.keyboard.press("Escape")
        for name, ready in (
            ("teach", "#taught-what"),
            ("rate", "h1"),
            ("descriptions", ".bar"),
            ("health", ".source"),
        ):
            page.locator(f".tab[href='/{name}']").click()
            page.locator(ready).first.wait_for()
            for details in page.locator("details:not([open]) > summary").all():
                details.click()
            axe.look(page, f"{locale} {name}")
    assert axe.found == []


def test_axe_finds_nothing_where_one_comes_in(
    open_page: Callable[..., Page], tmp_path: Path
) -> None:
    """Setting the first password and logging in, with what each says of a mistake."""
    axe = _Axe()
    (tmp_path / "descriptions.yaml").write_text(
        "version: 1\nerrors:\n  - id: drop\n    text: 金属部品が床に落ちた音\n", encoding="utf-8"
    )
    settings = {"descriptions": str(tmp_path / "descriptions.yaml")}
    password = "correct horse battery"  # noqa: S105 - made up
    with stage(tmp_path, settings, agent=False, arguments=("--host", "0.0.0.0")) as one:  # noqa: S104
        for locale in ("en", "ja"):
            page = open_page(f"{one.address}/setup#{one.setup}", locale=locale)
            page.fill("#password", "short")
            page.fill("#twice", "other")
            page.keyboard.press("Enter")
            page.locator(".problem:not(:empty)").wait_for()
            axe.look(page, f"{locale} setup")
        page.fill("#password", password)
        page.fill("#twice", password)
        page.keyboard.press("Enter")
        page.locator(".empty").wait_for()
        for locale in ("en", "ja"):
            page = open_page(one.address, locale=locale)
            page.fill("#password", "wrong")
            page.keyboard.press("Enter")
            page.locator(".problem:not(:empty)").wait_for()
            axe.look(page, f"{locale} login")
    assert axe.found == []
