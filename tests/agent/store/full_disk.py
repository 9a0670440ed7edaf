"""A store whose disk is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.store.box import BoxStore

LONG = "x" * 5_000
"""A payload that no page with room left holds."""


def fill(keeper: BoxStore) -> None:
    """Let the database take no more: SQLite's own limit makes it report a full disk."""
    assert keeper._kept._disk is not None
    connection = keeper._kept._disk._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
