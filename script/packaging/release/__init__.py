"""What a box is installed and released with: completion, manual pages, licences."""

import agent  # noqa: F401 - first of all: it switches off the telemetry of libraries
