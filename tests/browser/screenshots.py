"""Makes the pictures of docs/console.md from the running console: agent, broker and Chromium.

python -m tests.browser.screenshots docs/images
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import soundfile
from PIL import Image

from agent.capture.scene import RATE_HZ, Scene, build_scene
from tests.browser.stage import PATIENCE_MS, chromium, stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.stage import Stage

_CONFIGS = Path(__file__).resolve().parents[2] / "configs"
_PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
_DESKTOP = {"viewport": {"width": 1200, "height": 800}}
_SCALE = {"phone": 1.5, "desktop": 1}
_SENTENCES = {
    "ja": ("金属部品が床に落ちてガシャンと鳴る", "ガラスが割れて飛び散る"),
    "en": ("a metal part drops on the floor with a clang", "a pane of glass breaks and shatters"),
}
_LOOK = {"ja": "直前の数分を見る", "en": "Show the last minutes"}
# Page, device, scheme: each is taken in both languages, the schemes the other way round in one.
_SHOTS = (
    ("alerts", "phone", "dark"),
    ("alerts", "desktop", "light"),
    ("teach", "phone", "light"),
    ("rate", "phone", "light"),
    ("descriptions", "desktop", "dark"),
    ("health", "phone", "dark"),
)


def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    scene = build_scene()
    with chromium() as browser:
        for language in ("ja", "en"):
            with tempfile.TemporaryDirectory() as name:
                settings = _settings(Path(name), language, scene)
                with stage(Path(name), settings) as running:
                    for what, device, scheme in _SHOTS:
                        other = "light" if scheme == "dark" else "dark"
                        shown = scheme if language == "ja" else other
                        page = _open(browser, running, language, device, shown)
                        _prepare(page, running, what, language)
                        path = folder / f"console-{what}-{device}-{shown}-{language}.png"
                        _save(page.screenshot(), path)
                        print(path)  # noqa: T201
                        page.context.close()


def _settings(folder: Path, language: str, scene: Scene) -> dict[str, Any]:
    recording = folder / "factory.wav"
    soundfile.write(recording, scene.samples, RATE_HZ, subtype="PCM_16")
    described = (_CONFIGS / f"descriptions.{language}.yaml").read_text(encoding="utf-8")
    (folder / "descriptions.yaml").write_text(described, encoding="utf-8")
    with (folder / "selected.jsonl").open("w", encoding="utf-8") as file:
        for group, text in enumerate(_SENTENCES[language], start=1):
            for number, event in enumerate(scene.events):
                name = f"{number}.flac"
                start, end = (round(one * RATE_HZ) for one in (event.starts_s, event.ends_s))
                soundfile.write(folder / name, scene.samples[start:end], RATE_HZ)
                pair = {
                    "list": group, "caption": str(group), "text": text, "language": language,
                    "recording": str(number), "path": name, "score": 50.0, "why": "",
                }  # fmt: skip
                file.write(f"{json.dumps(pair, ensure_ascii=False)}\n")
    return {
        "site": "plant",
        "descriptions": str(folder / "descriptions.yaml"),
        "sources": [{"name": "mic1", "kind": "file", "path": str(recording), "loop": True}],
        "publish": {"scores": True},
        "console": {"tasks": str(folder / "selected.jsonl")},
    }


def _open(browser: Browser, running: Stage, language: str, device: str, scheme: str) -> Page:
    shape = _PHONE if device == "phone" else _DESKTOP
    context = browser.new_context(
        locale=language,
        color_scheme=scheme,
        device_scale_factor=_SCALE[device],
        timezone_id="Asia/Tokyo",
        **shape,
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(running.address)
    name = "夜勤 A班" if language == "ja" else "night shift"
    page.evaluate("(name) => localStorage.setItem('kikimimi.operator', name)", name)
    page.reload()
    return page


def _prepare(page: Page, running: Stage, what: str, language: str) -> None:
    """Bring a page to what its picture is to show."""
    if what == "teach":
        page.locator(".card").nth(2).wait_for()  # there are minutes to look back on
    if what != "alerts":
        page.goto(f"{running.address}/{what}")
    if what == "alerts":
        page.locator(".card").nth(2).wait_for()
        _open_last(page)
        page.locator(".card[aria-current] .picture img").wait_for()
        page.wait_for_function("() => document.querySelector('.picture img')?.complete")
        if page.viewport_size and page.viewport_size["width"] < 600:
            page.locator(".card[aria-current] .answer.confirm").click()
            page.locator(".given[data-state='fine']").wait_for()
            _open_last(page)
    elif what == "teach":
        page.locator("#missed-what option").first.wait_for(state="attached")
        page.wait_for_selector("#missed-where option", state="attached")
        page.get_by_text(_LOOK[language]).click()
        page.locator(".timeline .curve polyline").wait_for()
    elif what == "rate":
        page.locator(".play").click()
        page.wait_for_selector("#slider:enabled")
        page.locator(".scale .markbutton").nth(3).click()
    elif what == "descriptions":
        page.locator(".bar:nth-child(-n + 6)[data-heard]").first.wait_for()
    else:
        page.locator(".source .level").first.wait_for()
        page.wait_for_selector("div.state[data-state='ok']")
    page.evaluate("document.activeElement?.blur()")
    page.evaluate("window.scrollTo(0, 0)")
    if what == "teach":
        page.locator(".timeline").evaluate("(one) => one.scrollIntoView({block: 'end'})")


def _open_last(page: Page) -> None:
    head = page.locator(".card .head").last
    if head.get_attribute("aria-expanded") == "false":
        head.click()
    page.locator(".card[aria-current] .answer").first.wait_for()


def _save(png: bytes, path: Path) -> None:
    """As small as it goes without losing a colour."""
    Image.open(io.BytesIO(png)).convert("RGB").save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
