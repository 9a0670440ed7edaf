"""What an update leaves behind: one report for programs, tables for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from training.data.files import write_json
from training.data.readers.labels import LabelSet
from training.update.gates import Answered, Gate

SCHEMA = 1
REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class Try:
    """One candidate: how far it is from the old model towards the trained one, and its gates."""

    share: float
    gates: tuple[Gate, ...]

    @property
    def passed(self) -> bool:
        """Whether all gates are open."""
        return all(gate.open for gate in self.gates)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement with the answers of one split, before and after."""

    split: str
    before: Answered
    after: Answered


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the command."""

    command: str
    start: str
    start_sha256: str
    model_sha256: str | None
    """Of the accepted model; ``None`` where there is none."""
    labels: LabelSet
    weight: float
    """Of people's yes and no in the loss."""
    tries: tuple[Try, ...]
    answers: tuple[Agreement, ...]
    """Of the last candidate."""

    @property
    def accepted(self) -> Try | None:
        """The candidate that passed."""
        return self.tries[-1] if self.tries[-1].passed else None


def write(report: Report, folder: Path) -> None:
    """Write ``report.json``."""
    accepted = report.accepted
    content = {
        "schema": SCHEMA,
        "command": report.command,
        "start": report.start,
        "start_sha256": report.start_sha256,
        "model_sha256": report.model_sha256,
        "accepted_share": None if accepted is None else accepted.share,
        "labels": {
            "read": report.labels.labels,
            "without_clip": report.labels.without_clip,
            "unsure": report.labels.unsure,
            "changed": report.labels.changed,
            "disputed": [str(clip) for clip in report.labels.disputed],
        },
        "answers_weight": report.weight,
        "tries": [
            {
                "share": tried.share,
                "passed": tried.passed,
                "gates": [asdict(g) for g in tried.gates],
            }
            for tried in report.tries
        ],
        "answers": [asdict(answer) for answer in report.answers],
    }
    write_json(folder / REPORT, content)


def gates_table(tried: Try) -> Table:
    """The gates of one candidate."""
    table = Table(
        *("old set", "figure", "queries", "before", "after", "change", "at worst", "gate"),
        title=f"{tried.share:.4g} of the way from the old model to the new one",
        box=None,
    )
    for opened in tried.gates:
        worst = "few" if opened.low is None else f"{opened.low:+.2f}"
        numbers = (f"{opened.before:.1f}", f"{opened.after:.1f}", f"{opened.change:+.2f}", worst)
        gate = ("open" if opened.open else "shut") + ("" if opened.sure else ", unsure")
        table.add_row(opened.data_set, opened.figure, str(opened.queries), *numbers, gate)
    return table


def answers_lines(report: Report) -> Iterator[str]:
    """Lines that tell how the last candidate agrees with people's answers."""
    for answer in report.answers:
        yield (
            f"answers of {answer.split} clips: {answer.after.confirmed} confirmed "
            f"(cosine {_moved(answer.before.cosine_confirmed, answer.after.cosine_confirmed)}), "
            f"{answer.after.rejected} rejected "
            f"(cosine {_moved(answer.before.cosine_rejected, answer.after.cosine_rejected)}); "
            f"in the right order {_moved(answer.before.ordered, answer.after.ordered)}"
        )


def _moved(before: float | None, after: float | None) -> str:
    return "-" if before is None or after is None else f"{before:.3f} → {after:.3f}"
