"""What runs on the box: from a microphone's samples to a question for a person."""

from agent.core import telemetry

telemetry.switch_off()
