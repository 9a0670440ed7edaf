"""``python -m release``: what belongs to a package beside the program, made of the program."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from agent.cli.commands import COMMANDS
from agent.core import shipped
from agent.core.errors import KikimimiError, failing_as
from release import licences, manual, sbom
from release.parsers import whole_parser

_PROGRAM = "python -m release"
_SHELLS = ("bash", "zsh", "fish")


def main(argv: list[str] | None = None) -> int:
    """Make one thing; 0 fine, 1 failed, 2 wrong usage."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (KikimimiError, ModuleNotFoundError) as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_PROGRAM, description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    completion = commands.add_parser("completion", help="print what has a shell complete kikimimi")
    completion.add_argument("shell", choices=_SHELLS)
    completion.set_defaults(run=_completion)
    man = commands.add_parser("man", help="write the manual pages")
    man.add_argument("folder", type=Path, metavar="FOLDER", help="takes them; is made")
    man.set_defaults(run=_man)
    texts = commands.add_parser("licences", help="print the licences of an environment")
    texts.add_argument("environment", type=Path, metavar="FOLDER", help="a virtual environment")
    texts.set_defaults(run=_licences)
    bill = commands.add_parser("sbom", help="write the bill of materials of an environment")
    bill.add_argument("environment", type=Path, metavar="FOLDER", help="a virtual environment")
    bill.add_argument("output", type=Path, metavar="FILE", help="in CycloneDX, as JSON")
    bill.set_defaults(run=_sbom)
    return parser


def _completion(arguments: argparse.Namespace) -> None:
    from release.completion import completion  # the one part that needs shtab

    print(completion(whole_parser(), arguments.shell), end="")


def _man(arguments: argparse.Namespace) -> None:
    built_at = float(os.environ.get("SOURCE_DATE_EPOCH") or datetime.now(UTC).timestamp())
    date = datetime.fromtimestamp(built_at, UTC).date().isoformat()
    edition = manual.Edition(metadata.version(shipped.DISTRIBUTION), date)
    with failing_as(KikimimiError, arguments.folder, "name a folder that can be written"):
        arguments.folder.mkdir(parents=True, exist_ok=True)
        for name, page in manual.pages(whole_parser(), COMMANDS, edition).items():
            (arguments.folder / name).write_text(page, encoding="utf-8")


def _licences(arguments: argparse.Namespace) -> None:
    print(licences.text(licences.licensed(arguments.environment)), end="")


def _sbom(arguments: argparse.Namespace) -> None:
    count = sbom.write_sbom(arguments.environment, arguments.output)
    print(f"{arguments.output}: {count} distributions")


if __name__ == "__main__":
    sys.exit(main())
