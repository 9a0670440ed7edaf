"""What people confirmed, rejected or recorded joins the descriptions as prototypes."""

from agent.watchlist.examples.gathering import Gathered, Library
from agent.watchlist.examples.joining import Joined, join
from agent.watchlist.examples.records import Kind, Recording, SetAside

__all__ = ["Gathered", "Joined", "Kind", "Library", "Recording", "SetAside", "join"]
