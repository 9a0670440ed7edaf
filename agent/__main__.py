"""``python -m agent``: the same as ``kikimimi``."""

import sys

from agent.cli import main

sys.exit(main())
