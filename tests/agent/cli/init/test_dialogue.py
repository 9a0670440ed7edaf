"""``kikimimi init`` at a real terminal, with a real microphone and a real broker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.cli.check.checking import Probes, check
from agent.config import load_settings
from tests.integration.pulse import pulse_server
from tests.integration.scenes import write_siren
from tests.mosquitto import free_port, mosquitto
from tests.terminals import terminal

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.terminals import Person

ROOT = Path(__file__).resolve().parents[4]


def init(*arguments: object, more: dict[str, str] | None = None) -> AbstractContextManager[Person]:
    """The command, in Japanese by a locale that is not installed."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "ja_JP.UTF-8",
        "TERM": "xterm",
        **(more or {}),
    }
    return terminal([sys.executable, "-m", "agent", "init", *map(str, arguments)], environment)


@pytest.mark.broker
@pytest.mark.device
def test_five_questions_make_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers that make no sense are asked for again; a login is tried until it holds."""
    hush = "geheim-7"
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    command = ["mosquitto_passwd", "-b", str(passwords), "press3", hush]
    subprocess.run(command, check=True, capture_output=True)
    output = tmp_path / "site" / "agent.yaml"
    with (
        pulse_server(tmp_path / "pulse", monkeypatch) as server,
        mosquitto(tmp_path, f"allow_anonymous false\npassword_file {passwords}\n") as running,
        server.playing(write_siren(tmp_path / "siren.wav")),
        init("--output", output, more=server.environment) as person,
    ):
        for seen, typed in (
            ("1/5", "fr"),
            ("「fr」は選べません", ""),
            ("2/5", "第1 工場"),
            ("空白と / + # は使わないでください", "第1工場"),
            ("3/5", "press3"),
            ("4/5 マイクの番号", "9"),
            ("上の番号にありません", ""),
            ("棒が動くか見てください", None),
            ("dBFS", None),
            ("█", ""),
            ("でよいですか（y/n） [y]", ""),
            ("5/5", f"127.0.0.1:{free_port()}"),
            ("応答がありません", None),
            ("k：このまま使う [a]", ""),
            ("5/5", f"127.0.0.1:{running.port}"),
            ("ログインできません", None),
            ("k：このまま使う [l]", ""),
            ("ユーザー名 [press3]", ""),
            ("パスワード（表示されません）", hush),
            ("press3 でログインできました", None),
            ("書きました", None),
            ("聞いてみますか", "n"),
        ):
            person.sees(seen)
            if typed is not None:
                person.types(typed)
        assert person.status() == 0
        found = check(output, None, None, {}, Probes(online=True))
    assert found.problems == found.warnings == ()
    assert found.descriptions > 0
    settings = load_settings(output, {})
    assert (settings.site, settings.node) == ("第1工場", "press3")
    assert settings.mqtt.password() == hush
    assert (output.parent / "mqtt-password").stat().st_mode & 0o777 == 0o600
    text = output.read_text(encoding="utf-8")
    assert text.startswith("# この箱の設定です。")
    assert hush not in text + person.said
