"""MQTT: paho lives here and nowhere else."""

from agent.mqtt.follower import Follower
from agent.mqtt.link import Link
from agent.mqtt.messages import Incoming, LinkStatus, Reply

__all__ = ["Follower", "Incoming", "Link", "LinkStatus", "Reply"]
