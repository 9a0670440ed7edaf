"""How often the right description wins, on whole files whose truth is known."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.core.errors import ConfigError, Problem, reason
from agent.core.names import shown
from agent.matcher.retrieval import mean_average_precision, top_1

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.core.records import FloatArray, Match

FOLDER = "folder"
"""In place of a table: the truth of a file is the name of its folder."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often the right description won, on whole files."""

    variant: str
    files: int
    descriptions: int
    top_1: float
    map_10: float


def accuracy(
    variant: str, heard: Sequence[tuple[Path, Match]], truth: Mapping[Path, str]
) -> Accuracy:
    """Judge whole files by cosine.

    Args:
        variant: of the audio tower.
        heard: at least one file.
        truth: error id by file; every file has to be in it.
    """
    ids = heard[0][1].error_ids
    cosine: FloatArray = np.stack([match.cosine for _, match in heard])
    right = np.array([ids.index(truth[path]) for path, _ in heard])
    return Accuracy(
        variant=variant,
        files=len(heard),
        descriptions=len(ids),
        top_1=top_1(cosine, right),
        map_10=mean_average_precision(cosine, right),
    )


def read_truth(
    source: str, files: Sequence[Path], ids: Sequence[str], columns: tuple[str, str]
) -> dict[Path, str]:
    """Error id of each file, from a CSV file or from the name of each file's folder.

    Raises:
        ConfigError: a column or a file is missing, or an id is no description's.
    """
    if source == FOLDER:
        truth = {path: path.parent.name for path in files}
    else:
        by_name = _truth_by_name(source, columns)
        names = {path: shown(path.name) for path in files}
        truth = {path: by_name[name] for path, name in names.items() if name in by_name}
    problems = []
    for path in files:
        if path not in truth:
            problems.append(Problem(source, f"has no line for {shown(path.name)}", "add one"))
        elif truth[path] not in ids:
            found = f"{truth[path]!r}, the truth of {shown(path.name)}, is no description's id"
            problems.append(Problem(source, found, f"write one of {', '.join(ids[:5])} ..."))
    if problems:
        raise ConfigError(problems)
    return truth


def _truth_by_name(source: str, columns: tuple[str, str]) -> dict[str, str]:
    file_column, id_column = columns
    try:
        # Names of files are bytes; a table may hold them as they are.
        with Path(source).open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError([Problem(source, reason(error), "name a CSV file in UTF-8")]) from error
    if rows and not {file_column, id_column} <= rows[0].keys():
        found = f"has the columns {', '.join(rows[0])}"
        remedy = "name two of them with --truth-columns FILE,ID"
        raise ConfigError([Problem(source, found, remedy)])
    return {shown(row[file_column]): row[id_column] for row in rows}
