"""Offline training of the dual encoder: audio tower, text tower, one embedding space."""

import agent  # noqa: F401 - first of all: it switches off the telemetry of libraries
