"""The sound around each alert: remembered, cut, cleared of speech, kept for a while, handed out."""

from agent.clips.build import folder_of, recorder, writer
from agent.clips.memory import Cut, MemoryTally, SoundMemory
from agent.clips.parcel import ClipCommand
from agent.clips.recorder import Recorder
from agent.clips.retention import Limits, to_delete
from agent.clips.ring import ClipRing
from agent.clips.tally import ClipTally
from agent.clips.worker import ClipWorker

__all__ = [
    "ClipCommand",
    "ClipRing",
    "ClipTally",
    "ClipWorker",
    "Cut",
    "Limits",
    "MemoryTally",
    "Recorder",
    "SoundMemory",
    "folder_of",
    "recorder",
    "to_delete",
    "writer",
]
