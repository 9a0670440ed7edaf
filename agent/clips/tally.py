"""What became of the clips since the start, for health."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClipTally:
    """Counters, and what is wrong now."""

    written: int = 0
    scrambled: int = 0
    """Written clips in which speech was made unintelligible."""
    withheld: int = 0
    """Clips whose sound was not written: by the policy ``drop``, or unsearched for speech."""
    failed: int = 0
    """Clips that could not be written."""
    missed: int = 0
    """Alerts whose sound was gone already, or that came faster than clips can be written."""
    deleted: int = 0
    """For the quota, their age or room on the disk."""
    trouble: str = ""
    """Why the last one was not written as it should be, and what to do; empty if it was."""

    def counters(self) -> dict[str, int]:
        """By their names in health."""
        names = (name for name in ClipTally.__dataclass_fields__ if name != "trouble")
        return {f"clips_{name}": getattr(self, name) for name in names}
