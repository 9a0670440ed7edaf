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
        stage(folder)
        config.docs_dir = str(folder)
        config.nav = [_listed(one, folder) for one in config.nav or ()]
    return config


@event_priority(-200)
def on_post_build(config: MkDocsConfig) -> None:
    """Delete what was staged; a language that is built after this stages it anew."""
    if _STAGED in config.extra:
        config.extra.pop(_STAGED).cleanup()


def _listed(entry: Any, folder: Path) -> Any:
    """An entry of the navigation; one that names a folder becomes a list of its pages."""
    if isinstance(entry, list):
        return [_listed(one, folder) for one in entry]
    if isinstance(entry, dict):
        return {title: _listed(one, folder) for title, one in entry.items()}
    if isinstance(entry, str) and entry.endswith("/"):
        names = sorted(path.name for path in (folder / entry).glob("*.md"))
        names.sort(key=lambda name: name != "index.md")
        return [f"{entry}{name}" for name in names]
    return entry
