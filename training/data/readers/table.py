"""CSV files as data sets are published with them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.core.errors import Problem
from training.data.manifest import ManifestError


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table, and where it stands."""

    where: str
    values: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def wrong(self, column: str, remedy: str) -> ManifestError:
        """The error that a value is not what the column holds."""
        found = f"is {self.values[column]!r}"
        return ManifestError([Problem(f"{self.where} {column}", found, remedy)])


def read_table(path: Path, columns: Sequence[str], origin: str) -> tuple[Line, ...]:
    """Rows of a CSV file that has at least the given columns.

    Args:
        path: the file, UTF-8.
        columns: names in its first line.
        origin: where to get the file, for the message.

    Raises:
        FileNotFoundError: there is no such file.
        ManifestError: a column is missing, or a row has too few or too many values.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: is missing; put {origin} there")
    lines = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        given = reader.fieldnames or []
        if missing := [column for column in columns if column not in given]:
            found = f"has the columns {', '.join(given) or 'of an empty file'}"
            remedy = f"{', '.join(missing)} must be among them"
            raise ManifestError([Problem(f"{path}:1", found, remedy)])
        for row in reader:
            where = f"{path}:{reader.line_num}"
            # DictReader puts what is too much under None, and None where there is too little.
            if None in row or None in row.values():
                found = f"has not {len(given)} values"
                raise ManifestError([Problem(where, found, "quote values that have commas")])
            lines.append(Line(where, row))
    return tuple(lines)
