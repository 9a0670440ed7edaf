"""The study's report: what was learned from, what it reached, and what that can show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.data.files import write_text
from training.data.markdown import document, table
from training.data.records import Split
from training.studies.comparison import DIFFERENCE_HEADS, Difference, Reached
from training.studies.graded_relevance.text_head import ARMS, JOINT, FitConfig

REPORT = "graded-relevance.md"
_SURE = 0.05


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that the report says."""

    command: str
    seeds: int
    lists: Mapping[Split, int]
    recordings: int
    """Whose captions are learned from as pairs."""
    reached: tuple[Reached, ...]
    differences: tuple[Difference, ...]


def write(findings: Findings, folder: Path) -> None:
    """Write ``graded-relevance.md``."""
    write_text(folder / REPORT, document(_blocks(findings)))


def _blocks(findings: Findings) -> Iterator[str]:
    config = FitConfig()
    learned, chosen, judged = (findings.lists[split] for split in Split)
    yield "# People's graded ratings in the text head"
    yield f"Made by `{findings.command}`; do not edit."
    yield """\
The ratings are by **people**: TAU Audio-Text Graded Relevances 2023, a caption of Clotho
and 17 recordings each, 0 to 100. The recordings themselves are not at hand. Each has
five captions by people who heard it, and those stand for it here; the rated caption is
never among them. Method: arXiv 2408.14939, InfoNCE on pairs and ListNet on ratings, on
the same head."""
    yield f"""\
The head is a linear layer over the frozen text tower. It learns from the captions of
{findings.recordings} recordings (a caption and the others of the same recording are a pair)
and from {learned} rated lists, {config.steps} steps at most. The step is chosen on {chosen}
lists, and every figure is of {judged} others. Sounds that lie in two splits were left
out."""
    yield "## Arms"
    rows = [("start", "nothing: the tower's own cosine, centred")]
    yield table(("arm", "learns from"), [*rows, *((arm.name, arm.told) for arm in ARMS)])
    yield "## What they reach"
    yield f"""\
Mean over {findings.seeds} seeds with its 95 % bootstrap interval over lists; ± is the standard
deviation over seeds. *Of others* leaves out the recording that the caption was written
for."""
    measures = list(dict.fromkeys(one.measure for one in findings.reached))
    cells: dict[str, dict[str, str]] = {}
    for one in findings.reached:
        cells.setdefault(one.arm, {})[one.measure] = one.cell()
    yield table(
        ("arm", *measures),
        [(arm, *(own[measure] for measure in measures)) for arm, own in cells.items()],
    )
    yield "## Differences"
    yield """\
Paired over lists: 95 % bootstrap interval, permutation test, Holm over all rows. *Seeds*:
in how many the first is better."""
    yield table(DIFFERENCE_HEADS, (gap.row(findings.seeds) for gap in findings.differences))
    yield "## What it shows"
    yield "\n".join(_shown(findings))
    sure = [gap for gap in findings.differences if gap.p_holm < _SURE]
    rest = ", ".join(dict.fromkeys(f"{gap.arm} against {gap.against}" for gap in sure)) or "none"
    yield f"""\
These are the intervals of single comparisons. Of all {len(findings.differences)} together,
corrected by Holm, {len(sure)} stay below {_SURE}: {rest}."""
    yield """\
It cannot show how well sound is ordered: captions tell of a recording what somebody
found worth telling, and one head reads both sides. Ratings are in English, of field
recordings rather than of factory sounds, one number for each pair, and their slider
stood at 0 until it was moved ([ratings.md](ratings.md))."""


def _shown(findings: Findings) -> Iterator[str]:
    """Sentences that follow from the numbers, whichever way these turn out."""
    for arm in dict.fromkeys(gap.arm for gap in findings.differences):
        told = [
            f"{gap.verdict()} than {gap.against} by {gap.measure} ({gap.interval.mean:+.3f})"
            for gap in findings.differences
            if gap.arm == arm and gap.measure in {"nDCG@10", "nDCG@10 of others"}
        ]
        name = f"**{arm}**" if arm in JOINT else arm
        yield f"- {name} is " + "; ".join(told) + "."
