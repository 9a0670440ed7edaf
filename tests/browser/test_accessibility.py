"""What axe-core, the checker of accessibility, says of each page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.stage import Stage

pytestmark = pytest.mark.broker


def test_axe_finds_nothing(running: Stage, open_page: Callable[..., Page]) -> None:
    """Each page, in both languages, light and dark, with an alert open and the keys shown."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found: list[str] = []

    def look(page: Page, what: str) -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            # The scheme changes colours, and nothing else.
            options = {} if scheme == "light" else {"runOnly": ["color-contrast"]}
            for violation in axe.run(page, options=options).response["violations"]:
                nodes = [node["html"][:120] for node in violation["nodes"]]
                found.append(f"{what} {scheme}: {violation['id']} {violation['help']} {nodes}")

    for locale in ("en", "ja"):
        page = open_page(running.address, locale=locale)
        page.locator(".card[aria-current] .answer").first.wait_for()
        look(page, f"{locale} alerts")
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open]")
        look(page, f"{locale} keys")
        page.keyboard.press("Escape")
        for name, ready in (("rate", "h1"), ("descriptions", ".bar"), ("health", ".source")):
            page.locator(f".tab[href='/{name}']").click()
            page.locator(ready).first.wait_for()
            for details in page.locator("details:not([open]) > summary").all():
                details.click()
            look(page, f"{locale} {name}")
    assert found == []
