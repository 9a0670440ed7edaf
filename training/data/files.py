"""Files that a command leaves behind, each written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from agent.core import files
from agent.core.records import FloatArray


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8; the folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, text)


def write_json(path: Path, content: Any, indent: int = 2) -> None:
    """Write one JSON document."""
    write_text(path, json.dumps(content, indent=indent, ensure_ascii=False) + "\n")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines, each with its end."""
    write_text(path, "\n".join([*lines, ""]))


def load_rows(path: Path) -> dict[str, FloatArray]:
    """Rows by their keys, as :func:`save_rows` kept them; none where there is no such file."""
    if not path.is_file():
        return {}
    with np.load(path) as stored:
        return dict(zip(stored["keys"].tolist(), stored["embeddings"], strict=True))


def save_rows(path: Path, rows: Mapping[str, FloatArray]) -> None:
    """Keep rows of one length, ``.npz``."""
    with files.replacing(path) as file:
        np.savez(file, keys=np.array(list(rows)), embeddings=np.stack(list(rows.values())))
