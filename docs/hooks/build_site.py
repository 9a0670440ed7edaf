"""What mkdocs.yml names as its hook: builds the site of the staged pages."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.plugins import event_priority

from site_reference.staging import stage

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

_STAGED = "staged"


@event_priority(100)
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Stage the pages, and list what was generated in the navigation."""
    if _STAGED not in config.extra:
        config.extra[_STAGED] = tempfile.TemporaryDirectory(prefix="kikimimi-site-")
        folder = Path(config.extra[_STAGED].name) / "docs"
        made = stage(folder)
        config.docs_dir = str(folder)
        pages = (*made, *(path.relative_to(folder).as_posix() for path in _pages(folder)))
        config.nav = [_listed(one, pages) for one in config.nav or ()]
    return config


@event_priority(-200)
def on_post_build(config: MkDocsConfig) -> None:
    """Delete what was staged; a language that is built after this stages it anew."""
    if _STAGED in config.extra:
        config.extra.pop(_STAGED).cleanup()


def _pages(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.md") if not path.name.endswith(".ja.md"))


def _listed(entry: Any, pages: tuple[str, ...]) -> Any:
    """An entry of the navigation; one that names a folder becomes a list of its pages."""
    if isinstance(entry, list):
        return [_listed(one, pages) for one in entry]
    if isinstance(entry, dict):
        return {title: _listed(one, pages) for title, one in entry.items()}
    if isinstance(entry, str) and entry.endswith("/"):
        own = dict.fromkeys(page for page in pages if page.startswith(entry))
        return sorted(own, key=lambda page: page != f"{entry}index.md")
    return entry
