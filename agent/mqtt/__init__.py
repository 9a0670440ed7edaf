"""MQTT: paho lives here and nowhere else."""

from agent.mqtt.link import Link
from agent.mqtt.messages import Incoming, LinkStatus, Reply

__all__ = ["Incoming", "Link", "LinkStatus", "Reply"]
