"""MQTT: paho lives here and nowhere else."""

from agent.mqtt.follower import Follower
from agent.mqtt.link import Link
from agent.mqtt.messages import Incoming, LinkStatus, Reply
from agent.mqtt.probe import log_in

__all__ = ["Follower", "Incoming", "Link", "LinkStatus", "Reply", "log_in"]
