"""The command on a real store: the numbers of the report are those that were put in."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import html5lib
import pytest

from agent import cli
from agent.cli.report import browser
from agent.cli.report.words import FOLDER, load
from agent.cli.words import Language
from agent.core.records import Verdict
from agent.store import FILE_NAME, Store
from tests.agent.cli.report.month import DAYS, DESCRIPTIONS, SHIFTS, SINCE, Month, empty, simulate

ROI = Path(__file__).resolve().parents[4] / "configs" / "roi.yaml"
PERIOD = ("--since", "2026-05-01", "--until", "2026-05-31")
EVIL = '<script>alert("x")</script>\'"><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Month]:
    """A site with a month in its store, and what is true of it."""
    folder = tmp_path_factory.mktemp("site")
    month = simulate(folder / "state")
    month.store.close()
    write_site(folder)
    return folder, month


def write_site(folder: Path) -> None:
    """Its agent.yaml and descriptions."""
    (folder / "descriptions.ja.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    (folder / "agent.yaml").write_text(
        "site: press-shop\nnode: press3\nstate_dir: state\n"
        "sources: [{name: mic1}, {name: mic2}]\n"
        f"report: {{timezone: Asia/Tokyo, shifts: [{SHIFTS}]}}\n",
        encoding="utf-8",
    )


def run(folder: Path, *arguments: object) -> int:
    """The command with the site's configuration."""
    return cli.main(["report", "--config", str(folder / "agent.yaml"), *map(str, arguments)])


def figures(folder: Path, capsys: pytest.CaptureFixture[str], *more: object) -> dict[str, Any]:
    """What ``--json`` prints."""
    capsys.readouterr()
    assert run(folder, *PERIOD, "--json", *more) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def parsed(page: str) -> Any:
    """The page as a strict parser reads it; any error of HTML fails."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)


def visible(tree: Any) -> str:
    """All that a reader sees of it, on one line."""
    return " ".join("".join(tree.itertext()).split())


def test_the_numbers_are_those_of_the_month(
    site: tuple[Path, Month], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of each description, day, shift and source, and of all."""
    folder, month = site
    found = figures(folder, capsys)
    kinds = ("confirmed", "rejected", "disputed", "unsure", "open")
    total = {kind: sum(n for (_, k), n in month.outcomes.items() if k == kind) for kind in kinds}
    assert {kind: found[kind] for kind in kinds} == total
    assert found["alerts"] == sum(total.values())
    for row in found["descriptions"]:
        for kind in kinds:
            assert row[kind] == month.outcomes[row["error_id"], kind], (row["error_id"], kind)
    sums = {one["name"]: sum(one[kind] for kind in kinds) for one in found["by_day"]}
    assert {name: n for name, n in sums.items() if n} == dict(month.days)
    for name, truth in (("by_source", month.sources), ("by_shift", month.shifts)):
        assert {one["name"]: sum(one[k] for k in kinds) for one in found[name]} == dict(truth)
    assert len(found["by_day"]) == DAYS
    assert found["people"]["answers"] == month.answers
    assert found["people"]["operators"] == 3
    assert found["days"] == pytest.approx(DAYS, abs=0.01)
    settled = total["confirmed"] + total["rejected"]
    assert found["precision"]["count"] == total["confirmed"]
    assert found["precision"]["of"] == settled
    low, high = found["possible"]
    assert low == pytest.approx(total["confirmed"] / found["alerts"])
    assert high == pytest.approx(1.0 - total["rejected"] / found["alerts"])
    delays = sorted(month.delays)
    middle = len(delays) // 2
    median = delays[middle] if len(delays) % 2 else sum(delays[middle - 1 : middle + 1]) / 2.0
    assert found["delays"]["median_s"] == pytest.approx(median)
    assert sum(found["delays"]["bins"]) == len(delays)


def test_what_is_wrong_with_the_month_is_found(
    site: tuple[Path, Month], capsys: pytest.CaptureFixture[str]
) -> None:
    """The threshold between, the words of the operators, the pair that is one sound."""
    folder, month = site
    found = figures(folder, capsys)
    advice = {(one["kind"], one["error_id"]): one for one in found["advice"]}
    proposed = advice["raise", "metal_part_dropped"]["best"]
    false = month.scores["metal_part_dropped", "rejected"]
    true = month.scores["metal_part_dropped", "confirmed"]
    assert max(false) < proposed["threshold"] <= min(true)
    assert (proposed["removed"], proposed["lost"]) == (len(false), 0)
    assert ("reword", "air_leak") in advice
    labels = {one["label"] for one in found["advice"] if one["kind"] == "unlike"}
    assert {"エアブローの音", "部品を箱に投げ入れる音"} <= {one.replace(" ", "") for one in labels}
    assert advice["apart", "press_misfire"]["other"] == "metal_part_dropped"
    assert ("answer", "belt_squeal") in advice
    assert advice["look", ""]["count"] == 3
    assert advice["silent", ""]["error_ids"] == ["glass_broken", "steam_leak"]
    first = found["confusions"][0]
    assert {first["first"], first["second"]} == {"metal_part_dropped", "press_misfire"}
    assert first["together"] >= 12
    assert first["only_first"] == 12
    assert found["change"]["sure"]
    assert found["change"]["after"] < found["change"]["before"]
    verdicts = {row["error_id"]: row["verdict"] for row in found["descriptions"]}
    assert verdicts["air_leak"] == "over"
    assert verdicts["vehicle_horn"] == "within"


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_page_is_valid_and_whole_in_itself(
    site: tuple[Path, Month], capsys: pytest.CaptureFixture[str], language: str
) -> None:
    """A strict parser accepts it, nothing is fetched, and it shows the numbers."""
    folder, _ = site
    output = folder / f"{language}.html"
    assert run(folder, *PERIOD, "--roi", ROI, "--output", output, "--language", language) == 0
    page = output.read_text(encoding="utf-8")
    tree = parsed(page)
    assert tree.get("lang") == language
    names = {one.tag for one in tree.iter() if isinstance(one.tag, str)}
    assert not names & {"script", "link", "img", "iframe", "object", "form"}
    assert not re.search(r"https?://(?!www\.w3\.org)|url\((?!#)|@import|\son\w+=", page)
    ids = [one.get("id") for one in tree.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    pictures = [one for one in tree.iter() if str(one.tag).endswith("svg")]
    assert len([one for one in pictures if one.get("role") == "img"]) == 3
    for svg in pictures:
        if svg.get("role") == "img":
            assert set(svg.get("aria-labelledby").split()) <= set(ids)
        else:
            assert svg.get("focusable") == "false"
    for row in figures(folder, capsys)["descriptions"]:
        assert row["description"] in visible(tree)
    for name in ("佐藤", "鈴木", "Tanaka"):
        assert name not in page


def test_what_people_wrote_stays_text(tmp_path: Path) -> None:
    """Scripts in a description, a source's label, a shift and an answer do nothing."""
    month = empty(tmp_path / "state")
    for i in range(5):
        at = SINCE + i * 7_200.0
        month.judged("vehicle_horn", Verdict.REJECT, at, 5.0, label=EVIL, operator=EVIL)
    first = month.store.alert(month.store.answers_since()[0].alert_id)
    assert first is not None
    month.store.record(replace(first, alert_id="01KE0000000000000000000000", description=EVIL), [])
    month.store.close()
    write_site(tmp_path)
    broken = tmp_path / "descriptions.ja.yaml"
    broken.write_text(
        f"version: 1\nerrors:\n  - {{id: vehicle_horn, text: {json.dumps(EVIL)}}}\n",
        encoding="utf-8",
    )
    output = tmp_path / "report.html"
    shift = f"{EVIL[:25]} 06:00-14:00"
    assert run(tmp_path, *PERIOD, "--output", output, "--shifts", shift) == 0
    page = output.read_text(encoding="utf-8")
    tree = parsed(page)
    assert not list(tree.iter("script"))
    assert not list(tree.iter("img"))
    assert EVIL in visible(tree)
    assert "<script" not in page


def test_nothing_and_nothing_answered_are_said_plainly(tmp_path: Path) -> None:
    """No alert at all, and alerts without an answer: no precision is made up."""
    month = empty(tmp_path / "state")
    write_site(tmp_path)
    output = tmp_path / "report.html"
    options = (*PERIOD, "--output", output, "--language", "en", "--roi", ROI)
    assert run(tmp_path, *options) == 0
    text = visible(parsed(output.read_text(encoding="utf-8")))
    assert "raised no alert in this period" in text
    assert "not known yet" in text
    for i in range(4):
        month.judged("vehicle_horn", None, SINCE + i * 86_400.0, 5.0)
    month.store.close()
    assert run(tmp_path, *options) == 0
    text = visible(parsed(output.read_text(encoding="utf-8")))
    assert "how often they are right cannot be said" in text
    assert "Counted from the first alert" not in text  # it came at the very start
    assert "a precision of" not in text


def test_few_answers_are_called_few(tmp_path: Path) -> None:
    """Three confirmed alerts are 100 %, and no reason to rely on it."""
    month = empty(tmp_path / "state")
    for i in range(3):
        month.judged("vehicle_horn", Verdict.CONFIRM, SINCE + (10 + i) * 86_400.0, 5.0)
    month.store.close()
    write_site(tmp_path)
    output = tmp_path / "report.html"
    assert run(tmp_path, *PERIOD, "--output", output, "--language", "en") == 0
    text = visible(parsed(output.read_text(encoding="utf-8")))
    assert "between 44% and 100%" in text
    assert "too few to rely on" in text
    assert "Counted from the first alert that the box knows of, 11 May 2026" in text


def test_without_descriptions_it_says_what_is_missing(
    site: tuple[Path, Month], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report is written, and the status tells that something is wrong."""
    folder, _ = site
    output = tmp_path / "report.html"
    status = run(folder, *PERIOD, "--descriptions", tmp_path / "no.yaml", "--output", output)
    assert status == 1
    assert "no.yaml" in capsys.readouterr().err
    assert "記述ファイルを読めなかった" in output.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--since", "soon"), "--since: is 'soon'; write a duration"),
        (("--since", "2026-13-01"), "write a day such as 2026-05-01"),
        (("--since", "05/01/2026"), "--since: is '05/01/2026'; write a day such as 2026-05-01"),
        (("--until", "30"), "--until: is '30'; write a duration such as 30d or 12h"),
        (("--since", "2026-05-02", "--until", "2026-05-01"), "write a time before --until"),
        (("--timezone", "Tokio"), "--timezone: is 'Tokio'; write a time zone such as"),
        (("--shifts", "early"), "--shifts: is 'early'; write a name and two times"),
        (("--roi", "no-such.yaml"), "no-such.yaml"),
        (("--output", "/no/such/folder/r.html"), "/no/such/folder/r.html: No such file"),
    ],
)
def test_wrong_options_are_refused(
    site: tuple[Path, Month],
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    """With what to write instead."""
    assert run(site[0], *arguments) == 2
    assert message in capsys.readouterr().err


def test_the_variable_tz_is_the_site_s_clock(
    site: tuple[Path, Month], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the notation of POSIX too; a wrong one is named as what it is."""
    config = site[0] / "machine.yaml"
    config.write_text("state_dir: state\nsources: [{name: mic1}, {name: mic2}]\n")
    report = ["report", "--config", str(config), *PERIOD, "--json"]
    monkeypatch.setenv("TZ", "JST-9")
    assert cli.main(report) == 0
    found, known = json.loads(capsys.readouterr().out), figures(site[0], capsys)
    assert found["time_zone"] == "JST-9"
    assert found["by_day"] == known["by_day"]
    monkeypatch.setenv("TZ", "JST")
    assert cli.main(report) == 2
    assert "environment variable TZ: is 'JST'; write a time zone" in capsys.readouterr().err


def test_no_store_is_made_by_looking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong folder is named and left as it is; a newer store is refused."""
    write_site(tmp_path)
    assert run(tmp_path) == 2
    assert "state/kikimimi.sqlite3: there is none; name the box's agent.yaml" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "state").exists()
    Store.open(tmp_path / "state").close()
    with sqlite3.connect(tmp_path / "state" / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert run(tmp_path) == 2
    assert "written by a newer version" in capsys.readouterr().err


def test_both_languages_say_the_same() -> None:
    """The same keys with the same places, and every key that the templates and the code use."""
    texts = {one: load(one).texts for one in Language}
    place = re.compile(r"\{(\w+)\}")
    assert texts[Language.JA].keys() == texts[Language.EN].keys()
    for key, text in texts[Language.EN].items():
        assert set(place.findall(text)) == set(place.findall(texts[Language.JA][key])), key
    used = set()
    for path in (*FOLDER.parent.rglob("*.html"), *FOLDER.parent.glob("*.py")):
        used |= set(re.findall(r"\b(?:t|words|self)\(\s*\"(\w+)\"", path.read_text("utf-8")))
    assert used <= texts[Language.EN].keys()


def test_without_a_browser_it_says_what_to_do(
    site: tuple[Path, Month],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The page is there all the same."""
    monkeypatch.setenv("PATH", str(tmp_path))
    output = tmp_path / "report.html"
    assert run(site[0], *PERIOD, "--output", output, "--pdf") == 1
    assert "apt install chromium" in capsys.readouterr().err
    assert output.is_file()
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho it does not start >&2\nexit 3\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert run(site[0], *PERIOD, "--output", output, "--pdf") == 1
    assert "ended with 3: it does not start" in capsys.readouterr().err


@pytest.mark.skipif(browser.find() is None, reason="no Chromium on the PATH: apt install chromium")
def test_a_real_browser_prints_it(site: tuple[Path, Month], tmp_path: Path) -> None:
    """To a PDF of a few pages of A4."""
    output = tmp_path / "report.html"
    assert run(site[0], *PERIOD, "--output", output, "--pdf") == 0
    data = output.with_suffix(".pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", data)) <= 10
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", data)
    assert {tuple(round(float(one)) for one in box) for box in boxes} == {(595, 842)}
