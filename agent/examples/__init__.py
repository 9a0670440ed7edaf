"""What people confirmed, rejected or recorded joins the descriptions as prototypes."""

from agent.examples.gathering import Gathered, Library
from agent.examples.joining import Joined, join
from agent.examples.records import Kind, Recording, SetAside

__all__ = ["Gathered", "Joined", "Kind", "Library", "Recording", "SetAside", "join"]
