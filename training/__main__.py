"""``python -m training``: the offline side of Kikimimi."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from agent.core import commandline
from agent.core.errors import KikimimiError
from training.commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROGRAM = "python -m training"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 fine, 1 failed, 2 wrong usage."""
    given = sys.argv[1:] if argv is None else argv
    try:
        command, arguments = commandline.parse(_PROGRAM, str(__doc__), COMMANDS, given)
        return command.run(arguments)
    except (FileNotFoundError, ValueError, KikimimiError) as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
