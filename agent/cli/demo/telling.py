"""The demo's view as people read it, in their language."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from agent.cli.levels import bar
from agent.cli.reasons import told
from agent.cli.words import Words, texts_of

if TYPE_CHECKING:
    from rich.console import Console

    from agent.capture.scene import Scene, SceneEvent
    from agent.cli.demo.view import ShownAlert, View
    from agent.cli.words import Language

FOLDER = Path(__file__).parent / "texts"
# An alert belongs to an event if its first window overlaps it: a window is 2 s long.
_BEFORE_S, _BEHIND_S = 2.5, 2.5
_COLOURS = {"CRITICAL": "bold red", "MAJOR": "red", "MINOR": "yellow", "WARNING": "cyan"}
_SEVERITY_CELLS = 9


class Telling:
    """Tells it in one language."""

    def __init__(self, language: Language) -> None:
        """Read the language's words.

        Raises:
            ConfigError: the package's file is missing or damaged.
        """
        self._language = language
        self.words = Words(language, texts_of(FOLDER, language))

    def line(self, alert: ShownAlert, started_at: float) -> Text:
        """A new alert; times are UTC in seconds since the epoch."""
        after = f"{alert.arrived_at - started_at:6.1f}"
        text = Text(self.words("after", seconds=after) + "  ")
        severity = self._word(f"severity_{alert.severity}", alert.severity)
        padding = " " * max(1, _SEVERITY_CELLS - cell_len(severity))
        text.append(severity + padding, _COLOURS.get(alert.severity, ""))
        text.append(alert.description, "bold")
        score, threshold = f"{alert.score:.1f}", f"{alert.threshold:.1f}"
        reached = self.words("reached", score=score, threshold=threshold)
        text.append(f"  {alert.error_id} {reached}")
        return text

    def status(self, view: View, elapsed_s: float, limit_s: float | None) -> Group:
        """The lines that are drawn again and again under the alerts."""
        elapsed = f"{elapsed_s:5.1f}"
        if limit_s is None:
            clock = self.words("after", seconds=elapsed)
        else:
            clock = self.words("after_of", seconds=elapsed, limit=f"{limit_s:.0f}")
        level = view.level_dbfs
        shown = self.words("silence") if level is None else f"{level:6.1f} dBFS"
        meter = Text(f"{clock}  {shown}  ")
        meter.append_text(bar(level))
        source = self._word(f"source_{view.source_state}", view.source_state)
        health = self._word(f"box_{view.health}", view.health)
        count = len(view.alerts)
        meter.append("  " + self.words("status", source=source, health=health, count=count))
        trouble = [
            Text(f"{part}: {told(reason, self._language)}", "yellow")
            for part, reason in view.reasons.items()
        ]
        return Group(meter, *trouble)

    def summary(
        self, console: Console, scene: Scene, view: View, started_at: float, *, interrupted: bool
    ) -> bool:
        """Print what arrived beside what is in the scene; whether just that has arrived."""
        say = self.words
        table = Table(title=say("title"), title_justify="left")
        for key in ("column_scene", "column_at", "column_alert", "column_score", "column_after"):
            table.add_column(say(key), no_wrap=key in {"column_scene", "column_alert"})
        table.add_column(say("column_also"))
        others = list(view.alerts)
        missed = 0
        for event in scene.events:
            near = [alert for alert in view.alerts if _belongs(alert, event, started_at)]
            right = [alert for alert in near if set(view.heard(alert)) & set(event.error_ids)]
            heard = dict.fromkeys(name for alert in near for name in view.heard(alert))
            others = [alert for alert in others if alert not in near]
            missed += not right
            first = right[0] if right else None
            delay_s = None if first is None else first.arrived_at - started_at - event.starts_s
            table.add_row(
                event.error_ids[0],
                say("after", seconds=f"{event.starts_s:.1f}"),
                Text(say("missed"), "red") if first is None else Text(first.error_id, "green"),
                "" if first is None else f"{first.score:.1f}",
                "" if delay_s is None else say("after", seconds=f"{delay_s:.1f}"),
                ", ".join(name for name in heard if first is None or name != first.error_id),
            )
        console.print(table)
        for alert in others:
            name, score = alert.error_id, f"{alert.score:.1f}"
            console.print(Text(say("false_alarm", error_id=name, score=score), "red"))
        if interrupted:
            console.print(say("stopped"))
        total = len(scene.events)
        console.print(say("found", found=total - missed, total=total, others=len(others)))
        for key in ("own_sound", "own_descriptions", "start_from"):
            console.print(say(key), markup=False, highlight=False)
        return not missed and not others and not interrupted

    def _word(self, key: str, untold: str) -> str:
        """A text, or what came where there is none for it."""
        return self.words.texts.get(key, untold)


def _belongs(alert: ShownAlert, event: SceneEvent, started_at: float) -> bool:
    starts_s = alert.starts_at - started_at
    return event.starts_s - _BEFORE_S <= starts_s <= event.ends_s + _BEHIND_S
