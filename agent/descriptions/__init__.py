"""``descriptions.yaml``: what a site listens for, in the operator's own words."""

from agent.descriptions.reading import load, parse
from agent.descriptions.records import (
    Defaults,
    DescriptionSet,
    DetectionPolicy,
    Difference,
    ErrorDescription,
    Example,
    Hits,
    diff,
)
from agent.descriptions.watching import Changed, DescriptionsFile, Rejected

__all__ = [
    "Changed",
    "Defaults",
    "DescriptionSet",
    "DescriptionsFile",
    "DetectionPolicy",
    "Difference",
    "ErrorDescription",
    "Example",
    "Hits",
    "Rejected",
    "diff",
    "load",
    "parse",
]
