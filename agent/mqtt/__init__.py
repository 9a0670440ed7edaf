"""MQTT: paho lives here and nowhere else."""

from agent.mqtt.link import Link, LinkStatus

__all__ = ["Link", "LinkStatus"]
