"""What an evaluation leaves behind: figures for programs, values for pooling, tables for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from training.data.cache import Unreadable
from training.data.files import write_json, write_lines
from training.data.markdown import table
from training.evaluation.evaluate import Key, Measured, Results
from training.evaluation.figures import Comparison, Figure

SCHEMA = 1
RESULTS, VALUES, REPORT = "results.json", "values.npz", "report.md"
_DAMAGES = (ValueError, KeyError, TypeError, IndexError, EOFError, BadZipFile)
LEVEL = 0.05
"""Of what is called a difference, over all comparisons of a report together."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run of the command: all that its files are made of."""

    command: str
    split: str
    seed: int
    models: tuple[tuple[str, str], ...]
    """Name and SHA-256 of each; the first one is compared with the others."""
    recordings: int
    results: tuple[Results, ...]
    figures: tuple[Figure, ...]
    """In the order of ``results`` and what was measured."""
    comparisons: tuple[Comparison, ...]
    unreadable: tuple[Unreadable, ...]
    notes: tuple[str, ...]


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write ``results.json``, ``values.npz`` and ``report.md``; the folder is made if missing."""
    write_json(folder / RESULTS, _as_json(evaluation), indent=1)
    _write_values(evaluation.results, folder / VALUES)
    write_lines(folder / REPORT, markdown(evaluation))


def read_results(folder: Path) -> tuple[Results, ...]:
    """What was measured of each model in an earlier run, with the value of every query.

    Raises:
        FileNotFoundError: the folder holds no evaluation.
        ValueError: it is damaged, or of another version.
    """
    path = folder / RESULTS
    if not path.is_file() or not (folder / VALUES).is_file():
        raise FileNotFoundError(
            f"{folder}: holds no {RESULTS} and {VALUES}; run `python -m training evaluate`"
        )
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        if written["schema"] != SCHEMA:
            raise ValueError(f"is of schema {written['schema']}, not {SCHEMA}")
        with np.load(folder / VALUES, allow_pickle=False) as stored:
            values, figure, query = stored["values"], stored["figure"], stored["query"]
            names = stored["queries"]
        ends = np.searchsorted(figure, np.arange(len(written["figures"]) + 1))
        found: dict[str, list[Measured]] = {model["name"]: [] for model in written["models"]}
        for number, entry in enumerate(written["figures"]):
            own = slice(ends[number], ends[number + 1])
            key = Key(**{name: entry[name] for name in Key.__slots__})
            queries = tuple(names[query[own]].tolist())
            found[entry["model"]].append(Measured(key, queries, values[own], entry["chance"]))
    except (*_DAMAGES, OSError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); evaluate again") from error
    return tuple(Results(model, tuple(measured)) for model, measured in found.items())


def _as_json(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "command": evaluation.command,
        "split": evaluation.split,
        "seed": evaluation.seed,
        "models": [{"name": name, "sha256": sha256} for name, sha256 in evaluation.models],
        "recordings": evaluation.recordings,
        "unreadable": [asdict(lost) for lost in evaluation.unreadable],
        "notes": list(evaluation.notes),
        "figures": [_flat(figure) for figure in evaluation.figures],
        "comparisons": [_flat(gap) for gap in evaluation.comparisons],
    }


def _flat(figure: Figure | Comparison) -> dict[str, Any]:
    fields = asdict(figure)
    return {**fields.pop("key"), **fields}


def _write_values(results: Sequence[Results], path: Path) -> None:
    """All values in one array, and for each the number of its figure and of its query."""
    measured = [measure for result in results for measure in result.measured]
    names: dict[str, int] = {}
    query = [names.setdefault(name, len(names)) for measure in measured for name in measure.queries]
    np.savez_compressed(
        path,
        values=np.concatenate([measure.values for measure in measured]),
        figure=np.repeat(np.arange(len(measured)), [len(measure.values) for measure in measured]),
        query=np.array(query, dtype=np.int64),
        queries=np.array(list(names)),
    )


def markdown(evaluation: Evaluation) -> Iterator[str]:
    """The lines of the report."""
    yield "# Evaluation\n"
    yield f"`{evaluation.command}`: {evaluation.recordings} recordings of `{evaluation.split}`."
    yield ""
    for name, sha256 in evaluation.models:
        yield f"- `{name}`, sha256 {sha256}"
    yield ""
    yield (
        "Each figure is a mean over `n` queries with its 95 % bootstrap interval over them; chance "
        "is what a random order is expected to reach. What each one means: docs/evaluation.md."
    )
    if evaluation.unreadable:
        yield f"\n{len(evaluation.unreadable)} recordings could not be read and are left out:\n"
        yield from (f"- {lost.recording}: {lost.reason}" for lost in evaluation.unreadable)
    if evaluation.notes:
        yield "\nNot asked:\n"
        yield from (f"- {note}" for note in evaluation.notes)
    for data_set in dict.fromkeys(figure.key.data_set for figure in evaluation.figures):
        yield f"\n## {data_set}\n"
        yield _figure_table(evaluation, data_set)
    if evaluation.comparisons:
        yield from _comparison_tables(evaluation)


def number(value: float, *, signed: bool = False) -> str:
    """Three decimals without the leading zero: ``.752``, ``-.012``."""
    text = f"{value:+.3f}" if signed else f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 1.0 - 5e-4 else text


def _figure_table(evaluation: Evaluation, data_set: str) -> str:
    several = len(evaluation.results) > 1
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    for figure in evaluation.figures:
        if figure.key.data_set == data_set:
            model = (f"`{figure.model}`",) if several else ()
            row = (*_label(figure.key), *model, str(figure.n), number(figure.chance))
            span = _span(figure.low, figure.high, signed=False)
            cells.setdefault(row, {})[figure.key.condition] = f"{number(figure.mean)}{span}"
    head = ("asked", "language", *(("model",) if several else ()), "n", "chance")
    return _table(head, cells)


def _comparison_tables(evaluation: Evaluation) -> Iterator[str]:
    made = len(evaluation.comparisons)
    yield "\n## Differences\n"
    yield (
        f"Paired, query by query; p of a permutation test, adjusted by Holm over all {made} "
        f"comparisons. **Bold**: below {LEVEL:g}. Below that the model differs, above it nothing "
        "is known; that is no proof that it does not."
    )
    for against in dict.fromkeys(gap.against for gap in evaluation.comparisons):
        own = [gap for gap in evaluation.comparisons if gap.against == against]
        for data_set in dict.fromkeys(gap.key.data_set for gap in own):
            yield f"\n### {data_set}: `{own[0].model}` less `{against}`\n"
            cells: dict[tuple[str, ...], dict[str, str]] = {}
            for change in own:
                if change.key.data_set == data_set:
                    row = (*_label(change.key), str(change.n))
                    cells.setdefault(row, {})[change.key.condition] = _difference(change)
            yield _table(("asked", "language", "n"), cells)


def _difference(comparison: Comparison) -> str:
    text = number(comparison.difference, signed=True) + _span(
        comparison.low, comparison.high, signed=True
    )
    if comparison.p_holm is None:
        return text
    text += f" p {number(comparison.p_holm)}"
    return f"**{text}**" if comparison.p_holm < LEVEL else text


def _label(key: Key) -> tuple[str, str]:
    apart = "" if key.classes == "all" else f" ({key.classes})"
    return f"{key.task}, {key.direction}, {key.metric}{apart}", key.language


def _span(low: float | None, high: float | None, *, signed: bool) -> str:
    if low is None or high is None:
        return ""
    return f" [{number(low, signed=signed)}, {number(high, signed=signed)}]"


def _table(head: tuple[str, ...], cells: dict[tuple[str, ...], dict[str, str]]) -> str:
    conditions = list(dict.fromkeys(name for row in cells.values() for name in row))
    rows = ([*row, *(own.get(name, "") for name in conditions)] for row, own in cells.items())
    return table([*head, *conditions], rows)
