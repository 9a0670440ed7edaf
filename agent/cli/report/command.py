"""``kikimimi report``: reads the store and writes the page."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent import descriptions as descriptions_file
from agent.cli.report import browser, cases, roi
from agent.cli.report.plain import to_json
from agent.cli.report.summary import Setting, summarise
from agent.cli.report.words import load
from agent.cli.words import Language
from agent.config import load_settings, moments, shifts
from agent.core import files
from agent.core.errors import (
    ConfigError,
    DescriptionsError,
    Problem,
    StoreError,
    failing_as,
)
from agent.store import FILE_NAME, Store

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from datetime import tzinfo
    from typing import TypeVar

    from agent.cli.report.cases import Cases
    from agent.config import Settings

    T = TypeVar("T")

_FINE, _FOUND_PROBLEMS = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="agent.yaml")
    parser.add_argument(
        "--descriptions", type=Path, metavar="FILE", help="what is listened for, instead of its own"
    )
    parser.add_argument(
        "--since",
        default="30d",
        metavar="30d|DATE",
        help="how far back, or the first day (2026-05-01) on the site's clock; default 30d",
    )
    parser.add_argument(
        "--until", metavar="DATE", help="the day after the last (2026-06-01); default now"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the page, replaced if it is there; default report.html, none with --json",
    )
    parser.add_argument(
        "--language",
        choices=[language.value for language in Language],
        default="ja",
        help="default ja",
    )
    parser.add_argument(
        "--shifts",
        metavar="SHIFTS",
        help="'day 06:00-14:00, night 22:00-06:00', instead of report.shifts of agent.yaml",
    )
    parser.add_argument(
        "--timezone",
        metavar="ZONE",
        help="such as Asia/Tokyo, instead of report.timezone; default that of the machine",
    )
    parser.add_argument(
        "--roi", type=Path, metavar="FILE", help="your own numbers (configs/roi.yaml): does it pay?"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--pdf", action="store_true", help="also print the page to PDF, by this machine's Chromium"
    )


def run(arguments: argparse.Namespace, now: float | None = None) -> int:
    """Write the report.

    Args:
        arguments: as parsed.
        now: UTC, seconds since the epoch; the machine's where ``None``.

    Returns:
        0, or 1 where something is missing in it that was asked for.

    Raises:
        ConfigError: an option, a setting or the numbers of ``--roi`` are wrong.
        StoreError: there is no store, or it cannot be read or the page not be written.
    """
    at = datetime.now().timestamp() if now is None else now  # noqa: DTZ005 - seconds have no zone
    settings = load_settings(arguments.config, os.environ)
    setting = _setting(settings, arguments)
    since, until = _period(arguments, setting.zone, at)
    assumptions = roi.load(arguments.roi) if arguments.roi else None
    found = _cases(settings.state_dir, since, until)
    status = _FINE
    described = None
    try:
        described = descriptions_file.load(arguments.descriptions or settings.descriptions)
    except DescriptionsError as error:
        for problem in error.problems:
            print(f"kikimimi: {problem}; the report goes without it", file=sys.stderr)
        status = _FOUND_PROBLEMS
    summary = summarise(found, setting, described, assumptions)
    if arguments.json:
        print(json.dumps(to_json(summary), ensure_ascii=False))
    output = arguments.output
    if output is None and (arguments.pdf or not arguments.json):
        output = Path("report.html")
    if output is not None:
        from agent.cli.report.page import render

        words = load(Language(arguments.language))
        write(output, render(summary, words, at, descriptions_known=described is not None))
        stream = sys.stderr if arguments.json else sys.stdout
        print(f"{output}: {summary.total.alerts} alerts", file=stream)
        if arguments.pdf:
            pdf = output.with_suffix(".pdf")
            try:
                browser.print_to_pdf(output, pdf)
                print(f"{pdf}: printed", file=stream)
            except browser.BrowserError as error:
                print(f"kikimimi: {error}", file=sys.stderr)
                status = _FOUND_PROBLEMS
    return status


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        StoreError: the folder cannot be written to.
    """
    remedy = "name a file that you may write"
    with failing_as(StoreError, path, remedy), files.replacing(path, shared=True) as file:
        file.write(text.encode())


def _setting(settings: Settings, arguments: argparse.Namespace) -> Setting:
    report = settings.report
    given = report.shifts
    if arguments.shifts is not None:
        given = _option("--shifts", arguments.shifts, shifts.shifts)
    wanted = arguments.timezone or report.timezone
    variable = os.environ.get(shifts.TZ)
    if wanted:
        zone, name = _option("--timezone", wanted, shifts.zone_named), wanted
    elif variable is not None:
        where = f"environment variable {shifts.TZ}"
        zone, name = _option(where, variable, shifts.zone_of_variable)
    else:
        zone, name = shifts.zone_of_machine()
    return Setting(
        site=settings.site,
        node=settings.node,
        zone=zone,
        zone_name=name,
        shifts=given,
        sources=tuple(source.name for source in settings.sources),
        hours_per_day=report.hours_per_day,
    )


def _period(arguments: argparse.Namespace, zone: tzinfo, now: float) -> tuple[float, float]:
    """From when to when, UTC."""

    def moment(raw: str) -> float:
        return moments.moment(raw, zone, now)

    since = _option("--since", arguments.since, moment)
    until = now if arguments.until is None else _option("--until", arguments.until, moment)
    until = min(until, now)
    if since >= until:
        problem = Problem("--since", f"is {arguments.since!r}", "write a time before --until")
        raise ConfigError([problem])
    return since, until


def _cases(folder: Path, since: float, until: float) -> Cases:
    """The alerts of the store in a folder; none is made where there is none."""
    path = folder / FILE_NAME
    if not path.is_file():
        raise StoreError(
            f"{path}: there is none; name the box's agent.yaml with --config, or set "
            "KIKIMIMI_STATE_DIR to the folder that holds it"
        )
    with closing(Store.reading(folder)) as store:
        return cases.read(store, since, until)


def _option(name: str, raw: str, convert: Callable[[str], T]) -> T:
    """The value of an option.

    Raises:
        ConfigError: it is wrong.
    """
    try:
        return convert(raw)
    except ValueError as error:
        raise ConfigError([Problem(name, f"is {raw!r}", str(error))]) from error
