"""What ``agent.yaml`` may say of clips."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import ClipSettings, load_settings
from agent.config.speech import SpeechPolicy
from agent.core.errors import ConfigError

SHIPPED = Path(__file__).resolve().parents[3] / "configs" / "agent.yaml"


def read(folder: Path, text: str) -> ClipSettings:
    """The clips of a file with this section."""
    path = folder / "agent.yaml"
    path.write_text(f"clips:\n  {text}\n", encoding="utf-8")
    return load_settings(path, {}).clips


def test_the_shipped_file_states_the_defaults() -> None:
    """Speech is scrambled unless somebody decides otherwise."""
    assert load_settings(SHIPPED, {}).clips == ClipSettings()
    assert ClipSettings().speech is SpeechPolicy.SCRAMBLE


def test_sizes_are_written_as_people_do(tmp_path: Path) -> None:
    """With a unit."""
    assert read(tmp_path, "quota: 500MB").quota_bytes == 500_000_000
    assert read(tmp_path, "quota: 1.5 gb").quota_bytes == 1_500_000_000


def test_the_memory_is_switched_off_by_one_word(tmp_path: Path) -> None:
    """Or lasts as long as is written."""
    assert ClipSettings().memory_s == 600.0
    assert read(tmp_path, "memory: 5min").memory_s == 300.0
    for word in ("off", "false", "OFF"):
        assert read(tmp_path, f"memory: {word}").memory_s == 0.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("quota: 2", "write a size such as 500MB or 2GB"),
        ("quota: 1MB", "from 10MB"),
        ("speech: skramble", "did you mean 'scramble'?"),
        ("pre_roll_s: 90", "write a number from 0 to 60"),
        ("longest_s: 4", "write more, so that the event itself is in the clip"),
        ("memory: 2h", "from 60 to 1800 seconds; or off"),
        ("memory: on", "write a duration such as 30s, 2m or 1h"),
        ("keep_day: 3", "did you mean 'keep_days'?"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(tmp_path: Path, text: str, told: str) -> None:
    """And with its line."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    (problem,) = caught.value.problems
    assert told in str(problem)
    assert "agent.yaml:2 clips." in str(problem)
