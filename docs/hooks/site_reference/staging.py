"""Gathers the pages of the site in one folder: docs/, pages that lie elsewhere, the reference."""

from __future__ import annotations

import posixpath
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from site_reference import commands, metrics, settings, topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from site_reference.tables import Page

ROOT = Path(__file__).resolve().parents[3]
BROUGHT = {
    "README.md": "index.md",
    "README.ja.md": "index.ja.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "agent/bundle/default/MODEL_CARD.md": "model-card.md",
    "systemd/README.md": "systemd.md",
}
"""Pages that lie elsewhere in the repository, and where the site has them."""

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s#]*)(#[^()\s]*)?\)")
_FENCE = re.compile(r"^( *)(```|~~~)")
_LANGUAGES = re.compile(r"^\[(?:日本語|English|日本語の説明はこちら)\]\([^)]*\)\n+", re.MULTILINE)
_COPIES = "files"


def stage(folder: Path) -> tuple[str, ...]:
    """Write all pages and what they show into a folder, which is made anew.

    Links between pages are made to fit; what they name elsewhere in the repository is copied. A
    link that leads nowhere stays as it is, for the builder to find.

    Returns:
        The generated pages in the order of what they are of, below the folder.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder, ignore=shutil.ignore_patterns("hooks", "__pycache__"))
    for source, target in BROUGHT.items():
        shutil.copyfile(ROOT / source, folder / target)
    for page in sorted(folder.rglob("*.md")):
        there = page.relative_to(folder).as_posix()
        text = page.read_text(encoding="utf-8")
        page.write_text(_rewritten(_LANGUAGES.sub("", text), there, folder), encoding="utf-8")
    made = tuple(generated())
    for one in made:
        page = folder / one.path
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(one.text, encoding="utf-8")
    return tuple(one.path for one in made)


def generated() -> Iterator[Page]:
    """The pages of the reference."""
    for part in (commands, settings, topics, metrics):
        yield from part.pages()


def _rewritten(text: str, there: str, folder: Path) -> str:
    """A page with its links as the site has them."""
    source = next((key for key, target in BROUGHT.items() if target == there), f"docs/{there}")

    def link(found: re.Match[str]) -> str:
        sign, shown, target, anchor = found.groups()
        if not target or ":" in target:
            return found[0]
        place = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if (ROOT / place).is_dir():
            place = f"{place}/README.md"
            if not (ROOT / place).is_file():
                return shown  # a folder of files has no page
        site = _on_site(place, folder)
        if site is None:
            return found[0]
        way = posixpath.relpath(site, posixpath.dirname(there) or ".")
        return f"{sign}[{shown}]({way}{anchor or ''})"

    lines, open_fence = [], ""
    for line in text.splitlines(keepends=True):
        fenced = _FENCE.match(line)
        if fenced and open_fence in {"", fenced[2]}:
            open_fence = "" if open_fence else fenced[2]
        lines.append(line if open_fence or fenced else _LINK.sub(link, line))
    return "".join(lines)


def _on_site(place: str, folder: Path) -> str | None:
    """Where the site has a file of the repository; ``None``: there is no such file."""
    if not (ROOT / place).is_file():
        return None
    if place in BROUGHT or place.startswith("docs/"):
        # A page finds its own language by itself.
        return re.sub(r"\.ja\.md$", ".md", BROUGHT.get(place, place.removeprefix("docs/")))
    # A name with .ja. in it would be taken for a translation.
    target = f"{_COPIES}/{place.replace('.ja.', '-ja.')}"
    (folder / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / place, folder / target)
    return target
