"""MQTT: paho lives here and nowhere else."""

from agent.mqtt.follower import Follower
from agent.mqtt.link import Link
from agent.mqtt.messages import Incoming, LinkStatus, Reply
from agent.mqtt.probe import LoginError, Rights, Step, ask_rights, log_in

__all__ = [
    "Follower",
    "Incoming",
    "Link",
    "LinkStatus",
    "LoginError",
    "Reply",
    "Rights",
    "Step",
    "ask_rights",
    "log_in",
]
