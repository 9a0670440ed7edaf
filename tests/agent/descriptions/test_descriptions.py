"""Descriptions: parsing, every way to get them wrong, differences, and the watched file."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.config.reader import By, bare, hints_of
from agent.core.errors import DescriptionsError
from agent.core.records import Severity
from agent.descriptions import (
    Changed,
    DescriptionSet,
    DescriptionsFile,
    DetectionPolicy,
    ErrorDescription,
    Example,
    Hits,
    Rejected,
    diff,
    load,
    parse,
)
from agent.descriptions.reading import MAX_DESCRIPTIONS, MAX_TEXTS
from agent.descriptions.watching import REREAD_S, SETTLE_S
from tests.fakes import FakeClock

# A loaded machine is no fault of the code under test.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CONFIGS = Path(__file__).resolve().parents[3] / "configs"

DESIGN = """version: 1
defaults: {severity: minor, false_alarms_per_day: 1, hits: 2 of 3, cooldown: 30s}
errors:
  - id: metal_part_dropped
    text: 金属部品が床に落ちた音
    paraphrases: [metal part dropped on a concrete floor]
    unlike: [hammering, プレス機の動作音]      # sounds that resemble it and are normal here
    examples: [clips/drop-01.flac]            # optional recordings of it
    severity: major
    threshold: auto                           # calibrated on this site; or a number
  - {id: air_leak, text: 空気の漏れる音, threshold: 3.5, hits: 4 of 6, cooldown: 2m}
background: [コンベアの運転音, factory machines humming]
"""
ONE = "version: 1\nerrors:\n  - id: a\n    text: alpha\n"


def _parse(text: str) -> DescriptionSet:
    return parse(text.encode(), Path("d.yaml"))


def _problems(text: str) -> list[str]:
    with pytest.raises(DescriptionsError) as caught:
        _parse(text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", ["descriptions.en.yaml", "descriptions.ja.yaml"])
def test_the_shipped_files_explain_every_field(name: str) -> None:
    """At their head, in the words of their language."""
    head = (CONFIGS / name).read_text(encoding="utf-8").partition("\nversion:")[0]
    notes = {field: bare(hint)[1] for field, hint in hints_of(DetectionPolicy).items()}
    policy = {(isinstance(note, By) and note.name) or field for field, note in notes.items()}
    own = {field.name for field in fields(ErrorDescription)} - {"error_id", "policy", "where"}
    assert {*re.findall(r"^#   (\w+)  ", head, re.MULTILINE)} == {"id", *own, *policy}


def test_the_documented_example_is_read() -> None:
    """Every field of the documented example arrives typed."""
    found = parse(DESIGN.encode(), Path("/site/d.yaml"))
    drop, leak = found.errors
    assert drop.error_id == "metal_part_dropped"
    assert drop.texts == ("金属部品が床に落ちた音", "metal part dropped on a concrete floor")
    assert drop.unlike == ("hammering", "プレス機の動作音")
    assert drop.examples == (Example(Path("/site/clips/drop-01.flac")),)
    assert drop.severity is Severity.MAJOR
    assert drop.policy == DetectionPolicy(None, 0.5, Hits(2, 3), 30.0, 1.0)
    assert drop.where == "/site/d.yaml:4 errors[0]"
    assert leak.severity is Severity.MINOR
    assert leak.policy == DetectionPolicy(3.5, 0.5, Hits(4, 6), 120.0, 1.0)
    assert found.background == ("コンベアの運転音", "factory machines humming")
    assert found.digest == f"sha256:{hashlib.sha256(DESIGN.encode()).hexdigest()}"


def test_an_example_may_say_which_channels_to_hear() -> None:
    """Beside the plain name; one in place of a list, and relative as that is."""
    found = parse(
        (
            ONE + "    examples: [one.wav, {file: clips/two.wav, channels: [2]}]\n"
            "  - {id: b, text: beta, examples: {file: /three.wav, channels: 1}}\n"
            "  - {id: c, text: gamma, examples: four.wav}\n"
        ).encode(),
        Path("/site/d.yaml"),
    )
    assert [error.examples for error in found.errors] == [
        (Example(Path("/site/one.wav")), Example(Path("/site/clips/two.wav"), (2,))),
        (Example(Path("/three.wav"), (1,)),),
        (Example(Path("/site/four.wav")),),
    ]


def test_what_is_wrong_with_an_example_is_told_with_its_place() -> None:
    """A field too many, none at all, and channels that are none."""
    assert _problems(
        ONE + "    examples:\n      - {file: a.wav, channel: 2}\n      - {channels: [1]}\n"
        "      - {file: b.wav, channels: [1, 1]}\n      - [c.wav]\n"
    ) == [
        "d.yaml:6 errors[0].examples[0].channel: is not a field; did you mean 'channels'?",
        "d.yaml:7 errors[0].examples[1].file: is missing; write 'file: …'",
        (
            "d.yaml:8 errors[0].examples[2].channels: does not name each channel once; "
            "write 1 or [1, 2]"
        ),
        "d.yaml:9 errors[0].examples[3]: is a list; write a single value",
    ]


def test_texts_come_once_and_in_the_order_of_the_file() -> None:
    """The list to embed does not depend on anything but the file."""
    assert _parse(DESIGN).texts() == (
        "金属部品が床に落ちた音",
        "metal part dropped on a concrete floor",
        "hammering",
        "プレス機の動作音",
        "空気の漏れる音",
        "コンベアの運転音",
        "factory machines humming",
    )
    shared = ONE + "    unlike: [x]\n  - {id: b, text: beta, unlike: [x]}\nbackground: [x]\n"
    assert _parse(shared).texts() == ("alpha", "x", "beta")


def test_a_description_may_say_otherwise_than_the_defaults() -> None:
    """`auto` takes back a number in the defaults; severity is read in any case."""
    found = _parse(
        "version: 1\ndefaults: {threshold: 4, severity: Critical, hysteresis: 1}\n"
        "errors:\n- {id: a, text: alpha, threshold: auto}\n- {id: b, text: beta, severity: MINOR}\n"
    )
    assert [error.policy.threshold for error in found.errors] == [None, 4.0]
    assert [error.severity for error in found.errors] == [Severity.CRITICAL, Severity.MINOR]
    assert found.policies()["b"].hysteresis == 1.0


def test_a_description_that_is_switched_off_counts_for_nothing() -> None:
    """It stays in the set, but is neither embedded nor detected."""
    found = _parse(ONE + "  - {id: b, text: beta, unlike: [gamma], enabled: false}\n")
    assert [error.error_id for error in found.errors] == ["a", "b"]
    assert [error.error_id for error in found.active] == ["a"]
    assert found.texts() == ("alpha",)
    assert list(found.policies()) == ["a"]


@pytest.mark.parametrize(
    ("text", "where", "found", "remedy"),
    [
        ("", "", "is empty", "write the fields that it needs"),
        ("errors: []", ":1 errors", "is an empty list", "write one or delete the line"),
        ("x: 1", ":1 errors", "is missing", "write at least one description under 'errors:'"),
        (ONE.replace("1", "2", 1), ":1 version", "is '2'", "write a whole number from 1 to 1"),
        (
            ONE + "    sevrity: major\n",
            ":5 errors[0].sevrity",
            "is not a field",
            "did you mean 'severity'?",
        ),
        (
            ONE + "    severity: majr\n",
            ":5 errors[0].severity",
            "is 'majr'",
            "write one of critical, major, minor, warning, indeterminate (did you mean 'major'?)",
        ),
        (
            ONE + "    text: beta\n",
            ":5",
            "field 'text' stands here again",
            "keep it once (also at d.yaml:4)",
        ),
        (
            ONE + "  - {id: a, text: beta}\n",
            ":5 errors[1].id",
            "is 'a' again (d.yaml:3 errors[0].id)",
            "choose another id",
        ),
        (ONE + "  - {text: beta}\n", ":5 errors[1].id", "is missing", "write 'id: …'"),
        (ONE + "  - id: b\n    text:\n", ":6 errors[1].text", "is empty", "write 'text: …'"),
        (ONE + "  - id: b\n    text: ' '\n", ":6 errors[1].text", "is empty", "write a text"),
        (
            ONE + "    paraphrases: [beta, '']\n",
            ":5 errors[0].paraphrases[1]",
            "is empty",
            "write a text",
        ),
        (
            ONE + "    paraphrases:\n      - beta\n      -\n",
            ":7 errors[0].paraphrases[1]",
            "is empty",
            "write a value or delete the line",
        ),
        (
            ONE + "    paraphrases: beta\n",
            ":5 errors[0].paraphrases",
            "is 'beta'",
            "write a list: [first, second]",
        ),
        (
            ONE + "    paraphrases: ['ALPHA ']\n",
            ":5 errors[0].paraphrases[0]",
            "'ALPHA' already describes a (d.yaml:4 errors[0].text)",
            "keep it in one place",
        ),
        (
            ONE + "  - {id: b, text: alpha}\n",
            ":5 errors[1].text",
            "'alpha' already describes a (d.yaml:4 errors[0].text)",
            "keep it in one place",
        ),
        (
            ONE + "    unlike: [Ａｌｐｈａ]\n",
            ":5 errors[0].unlike[0]",
            "'Ａｌｐｈａ' also describes a (d.yaml:4 errors[0].text)",
            "keep it there or in unlike",
        ),
        (
            ONE + "background: [alpha]\n",
            ":5 background[0]",
            "'alpha' also describes a (d.yaml:4 errors[0].text)",
            "keep it there or in background",
        ),
        (
            ONE + '    unlike: ["a\\u0007b"]\n',
            ":5 errors[0].unlike[0]",
            r"is 'a\x07b'",
            "delete the control character U+0007",
        ),
        (
            ONE + f"    unlike: [{'x' * 301}]\n",
            ":5 errors[0].unlike[0]",
            f"is '{'x' * 60}'…",
            "write at most 300 characters, not 301",
        ),
        (
            ONE + "    hits: 3 of 2\n",
            ":5 errors[0].hits",
            "is '3 of 2'",
            "write for example '2 of 3' (at most of 100)",
        ),
        (
            ONE + "    hits: 0 of 2\n",
            ":5 errors[0].hits",
            "is '0 of 2'",
            "write for example '2 of 3' (at most of 100)",
        ),
        (
            ONE + "    cooldown: soon\n",
            ":5 errors[0].cooldown",
            "is 'soon'",
            "write a duration such as 30s, 2m or 1h, from 0 to 86400 seconds",
        ),
        (
            ONE + "    threshold: high\n",
            ":5 errors[0].threshold",
            "is 'high'",
            "write auto, or a number from 0 to 100",
        ),
        (
            ONE + "    threshold: .nan\n",
            ":5 errors[0].threshold",
            "is '.nan'",
            "write auto, or a number from 0 to 100",
        ),
        (
            ONE + "    false_alarms_per_day: 0\n",
            ":5 errors[0].false_alarms_per_day",
            "is '0'",
            "write a number from 0.001 to 1000",
        ),
        (
            ONE + "defaults: {cooldwn: 3s}\n",
            ":5 defaults.cooldwn",
            "is not a field",
            "did you mean 'cooldown'?",
        ),
        (ONE + "backgrund: [x]\n", ":5 backgrund", "is not a field", "did you mean 'background'?"),
        (ONE + "  - alpha\n", ":5 errors[1]", "is 'alpha'", "write its fields as 'field: value'"),
    ],
)
def test_a_mistake_is_told_with_line_field_and_remedy(
    text: str, where: str, found: str, remedy: str
) -> None:
    """Each mistake is named where it stands."""
    assert f"d.yaml{where}: {found}; {remedy}" in _problems(text)


@pytest.mark.parametrize(
    "error_id", ["Air", "air-leak", "1st", "air leak", "a/b", "空気", "a" * 64]
)
def test_an_id_that_topics_or_dashboards_refuse_is_told(error_id: str) -> None:
    """Ids are lower snake case, so that MQTT and Home Assistant take them."""
    (problem,) = _problems(ONE.replace("id: a", f"id: {error_id}"))
    assert problem.startswith(f"d.yaml:3 errors[0].id: is '{error_id[:60]}'")
    assert "metal_part_dropped" in problem


def test_all_mistakes_are_told_at_once() -> None:
    """One look at the problems mends the whole file."""
    problems = _problems(ONE.replace("alpha", "''") + "    hits: x\n  - {id: a}\nbackground: 3\n")
    assert [problem.partition(": ")[0] for problem in problems] == [
        "d.yaml:4 errors[0].text",
        "d.yaml:5 errors[0].hits",
        "d.yaml:6 errors[1].text",
        "d.yaml:6 errors[1].id",
        "d.yaml:7 background",
    ]


@pytest.mark.parametrize(
    ("line", "where", "found", "remedy"),
    [
        (
            "    ｕｎｌｉｋｅ: [b]",
            "5 errors[0].ｕｎｌｉｋｅ",
            "is not a field and holds a full-width latin small letter u 'ｕ' (U+FF55)",
            "type 'unlike'",
        ),
        (
            "    \u3000unlike: [b]",
            "5 errors[0].'\\u3000unlike'",
            "is not a field and holds a full-width space (U+3000)",
            "indent by spaces alone",
        ),
        (
            "\xa0   unlike: [b]",
            "5 '\\xa0   unlike'",
            "is not a field and holds a no-break space (U+00A0)",
            "indent by spaces alone",
        ),
        (
            "    \u200bunlike: [b]",
            "5 errors[0].'\\u200bunlike'",
            "is not a field and holds a zero-width space (U+200B)",
            "type 'unlike'",
        ),
        (
            "    “unlike”: [b]",
            "5 errors[0].“unlike”",
            "is not a field and holds a left double quotation mark '“' (U+201C)",
            "type 'unlike'",
        ),
        (
            "    unlike: ［b, c］",
            "5 errors[0].unlike",
            "is '［b, c］' and begins with a full-width left square bracket '［' (U+FF3B)",
            "type '['",
        ),
        (
            "    unlike:\n      － b\n      － c",
            "6 errors[0].unlike",
            "is '－ b － c' and holds a full-width dash '－' (U+FF0D) where a list's item begins",
            "type '-' and a space",
        ),
        (
            "    cooldown: ３０s",
            "5 errors[0].cooldown",
            "is '３０s' and holds a full-width digit three '３' (U+FF13)",
            "type '30s'",
        ),
        (
            "    severity: “major”",
            "5 errors[0].severity",
            "is '“major”' and holds a left double quotation mark '“' (U+201C)",
            "type 'major'",
        ),
        (
            "    threshold: −1",
            "5 errors[0].threshold",
            "is '−1'",
            "write auto, or a number from 0 to 100",
        ),
        (
            "  - text：b",
            "5 errors[1]",
            "is 'text：b' and holds a full-width colon '：' (U+FF1A) behind 'text'",
            "type a colon and a space: 'text: …'",
        ),
        (
            "  - {id: b, text: }  #3",
            "5 errors[1].text",
            "is empty",
            "write 'text: …'",
        ),
        (
            "  - id: b\n    text: #3 drops",
            "6 errors[1].text",
            "is empty, since '#3 drops' is a comment",
            "put the text in quotes",
        ),
    ],
)
def test_a_look_alike_in_a_name_or_a_value_is_named_with_what_to_type(
    line: str, where: str, found: str, remedy: str
) -> None:
    """The character, its line and what to type; where another fault is nearer, that one."""
    told = _problems(f"{ONE}{line}\n")[-1]
    assert told.startswith(f"d.yaml:{where}: {found}; {remedy}")


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("unlike: [音A、音B]", "[音A, 音B]"),
        ("paraphrases: [カチカチ音、ガタガタ音, モーターの音]", "[カチカチ音, ガタガタ音]"),
        ("paraphrases: [hammering， drilling]", "[hammering, drilling]"),
        ("unlike: [叩く音､ 削る音､回る音]", "[叩く音, 削る音, 回る音]"),
        ("paraphrases: [金属が床に落ち、転がる音, がちゃん]", None),
        ('unlike: ["音A、音B"]', None),
        ("unlike:\n      - 音A、音B", None),
        ("unlike: [音A, 音B]", None),
    ],
)
def test_an_item_that_may_be_several_is_asked_about(line: str, asked: str | None) -> None:
    """In brackets only, where it stands alone or its parts end alike; quotes say that it is one."""
    below = line.replace("unlike", "background").replace("paraphrases", "background")
    for text in (f"{ONE}    {line}\n", f"{ONE}{below}\n"):
        notes = _parse(text).notes
        if asked is None:
            assert notes == ()
            continue
        (note,) = notes
        assert note.where.startswith("d.yaml:5 ")
        count = asked.count(",") + 1
        assert note.remedy.startswith(f"were {count} meant? Type ', ' to part them: {asked}, or")


def test_a_text_in_japanese_is_taken_as_it_is() -> None:
    """Full-width colons, commas, spaces and quotes belong to it."""
    text = "ボルト：落下　“カラン”、－強く－（床）"
    described = _parse(ONE.replace("alpha", text))
    assert described.errors[0].text == "ボルト：落下 “カラン”、－強く－（床）"
    assert described.notes == ()


def test_too_many_descriptions_and_texts_are_told() -> None:
    """The caps keep a slip from filling a small box's memory."""
    many = "".join(f"- {{id: e{i}, text: t{i}}}\n" for i in range(MAX_DESCRIPTIONS + 1))
    (problem,) = _problems(f"version: 1\nerrors:\n{many}")
    assert problem == "d.yaml:3 errors: has 1001 descriptions; write at most 1000"
    texts = ", ".join(f"t{i}" for i in range(MAX_TEXTS))
    (problem,) = _problems(ONE + f"    unlike: [{texts}]\n")
    assert problem == "d.yaml:3 errors: hold 10001 texts altogether; write at most 10000"


def test_as_many_descriptions_as_allowed_are_read() -> None:
    """A thousand descriptions with their texts are a valid file."""
    many = "".join(f"- {{id: e{i}, text: t{i}, paraphrases: [p{i}, q{i}]}}\n" for i in range(1_000))
    assert len(_parse(f"version: 1\nerrors:\n{many}").texts()) == 3_000


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """No file, no set."""
    with pytest.raises(DescriptionsError, match=r"none\.yaml: cannot be read \(no such file"):
        load(tmp_path / "none.yaml")


def test_differences_are_told_apart() -> None:
    """What needs new prototypes is kept apart from what only needs new thresholds."""
    old = _parse("version: 1\nerrors:\n- {id: a, text: alpha}\n- {id: b, text: beta}\n"
                 "- {id: c, text: gamma}\n- {id: d, text: delta}\nbackground: [x]\n")  # fmt: skip
    new = _parse("# moved\nversion: 1\nerrors:\n- {id: e, text: eta}\n- {id: a, text: alpha}\n"
                 "- {id: b, text: beta, unlike: [iota]}\n- {id: c, text: gamma, hits: 1 of 1}\n"
                 "background: [x, y]\n")  # fmt: skip
    found = diff(old, new)
    assert found.added == ("e",)
    assert found.removed == ("d",)
    assert found.reworded == ("b",)
    assert found.retuned == ("c",)
    assert found.background_changed
    assert not diff(new, new)
    assert diff(None, old).added == ("a", "b", "c", "d")


def test_a_comment_changes_nothing_that_matters() -> None:
    """The digest changes, the difference is empty."""
    old, new = _parse(ONE), _parse("# note\n\n" + ONE)
    assert old.digest != new.digest
    assert not diff(old, new)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_shipped_descriptions_are_valid(language: str) -> None:
    """They load, and each says enough to be told from its neighbours."""
    found = load(CONFIGS / f"descriptions.{language}.yaml")
    assert len(found.active) >= 25
    assert len(found.background) >= 10
    for error in found.errors:
        assert 2 <= len(error.paraphrases) <= 4
    assert sum(bool(error.unlike) for error in found.errors) >= len(found.errors) - 1
    describing = [text for error in found.errors for text in error.texts]
    assert len(set(describing)) == len(describing)
    assert not set(describing) & {text for error in found.errors for text in error.unlike}


def test_both_languages_describe_the_same_errors() -> None:
    """A site can change its language and keep its ids, severities and policies."""
    japanese, english = (load(CONFIGS / f"descriptions.{name}.yaml") for name in ("ja", "en"))
    assert [e.error_id for e in japanese.errors] == [e.error_id for e in english.errors]
    assert [e.severity for e in japanese.errors] == [e.severity for e in english.errors]
    assert japanese.policies() == english.policies()
    assert japanese.defaults == english.defaults


class _Watched:
    """A file under watch, and a clock that the test turns."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "d.yaml"
        self.path.write_text(ONE, encoding="utf-8")
        self.clock = FakeClock()
        self.file = DescriptionsFile(self.path, self.clock, load(self.path))

    def settle(self) -> Changed | Rejected | None:
        """Poll until a stable content would have been reported."""
        assert self.file.poll() is None
        self.clock.advance(SETTLE_S)
        return self.file.poll()


@pytest.fixture
def watched(tmp_path: Path) -> _Watched:
    """A watched file whose content is in force."""
    return _Watched(tmp_path)


def _texts(outcome: Changed | Rejected | None) -> tuple[str, ...]:
    assert isinstance(outcome, Changed), outcome
    return outcome.descriptions.texts()


def test_a_save_is_reported_once(watched: _Watched) -> None:
    """Nothing, then the new set, then nothing again."""
    assert watched.settle() is None
    watched.path.write_text(ONE.replace("alpha", "beta"), encoding="utf-8")
    assert _texts(watched.settle()) == ("beta",)
    assert watched.settle() is None


def test_a_half_written_save_is_left_alone(watched: _Watched) -> None:
    """While the content changes from poll to poll, nothing is reported."""
    whole = ONE.replace("alpha", "beta") + "    severity: major\n"
    for end in range(0, len(whole), 7):
        watched.path.write_text(whole[:end], encoding="utf-8")
        watched.clock.advance(SETTLE_S)
        assert watched.file.poll() is None
    watched.path.write_text(whole, encoding="utf-8")
    assert _texts(watched.settle()) == ("beta",)


def test_fast_polls_wait_for_the_content_to_settle(watched: _Watched) -> None:
    """Two polls in quick succession do not make a content stable."""
    watched.path.write_text(ONE.replace("alpha", "beta"), encoding="utf-8")
    for _ in range(5):
        assert watched.file.poll() is None
    watched.clock.advance(SETTLE_S)
    assert _texts(watched.file.poll()) == ("beta",)


def test_a_save_by_rename_is_reported(watched: _Watched) -> None:
    """Editors write a new file and move it over the old one."""
    fresh = watched.path.with_suffix(".new")
    fresh.write_text(ONE.replace("alpha", "omega"), encoding="utf-8")
    # Same size and dates as before: only the inode tells.
    status = watched.path.stat()
    os.utime(fresh, ns=(status.st_atime_ns, status.st_mtime_ns))
    fresh.replace(watched.path)
    assert _texts(watched.settle()) == ("omega",)


def test_a_turned_symbolic_link_is_reported(tmp_path: Path) -> None:
    """Kubernetes turns a link to a folder, not the file itself."""
    for name, text in (("v1", ONE), ("v2", ONE.replace("alpha", "omega"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "d.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "data").symlink_to("v1")
    path = tmp_path / "d.yaml"
    path.symlink_to("data/d.yaml")
    clock = FakeClock()
    file = DescriptionsFile(path, clock, load(path))
    assert file.poll() is None
    (tmp_path / "turned").symlink_to("v2")
    (tmp_path / "turned").replace(tmp_path / "data")
    assert file.poll() is None
    clock.advance(SETTLE_S)
    assert _texts(file.poll()) == ("omega",)


def test_a_broken_save_is_rejected_once_and_mended(watched: _Watched) -> None:
    """The reason comes once; undoing the mistake is reported, so that the reason can go."""
    watched.path.write_text(ONE + "    hits: x\n", encoding="utf-8")
    outcome = watched.settle()
    assert isinstance(outcome, Rejected)
    assert [p.where for p in outcome.problems] == [f"{watched.path}:5 errors[0].hits"]
    assert watched.settle() is None
    watched.path.write_text(ONE, encoding="utf-8")
    assert _texts(watched.settle()) == ("alpha",)


def test_a_file_that_goes_and_comes_back(watched: _Watched) -> None:
    """Its absence is told once; its return is told even with the same content."""
    watched.path.unlink()
    outcome = watched.settle()
    assert isinstance(outcome, Rejected)
    assert "no such file" in str(outcome.problems[0])
    assert watched.settle() is None
    watched.path.write_text(ONE, encoding="utf-8")
    assert _texts(watched.settle()) == ("alpha",)


def test_a_file_that_is_gone_for_a_moment_is_not_told(watched: _Watched) -> None:
    """Editors that delete and write anew cause no alarm."""
    assert watched.settle() is None
    watched.path.unlink()
    assert watched.file.poll() is None
    watched.path.write_text(ONE, encoding="utf-8")
    assert watched.settle() is None


def test_a_change_that_the_dates_hide_is_found_later(watched: _Watched) -> None:
    """Same inode, size and date: the content is read again from time to time."""
    assert watched.settle() is None
    status = watched.path.stat()
    watched.path.write_text(ONE.replace("alpha", "omega"), encoding="utf-8")
    os.utime(watched.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert watched.file.poll() is None
    watched.clock.advance(REREAD_S)
    assert _texts(watched.settle()) == ("omega",)


def test_a_jump_of_the_wall_clock_changes_nothing(watched: _Watched) -> None:
    """Only monotonic time counts."""
    watched.path.write_text(ONE.replace("alpha", "beta"), encoding="utf-8")
    assert watched.file.poll() is None
    watched.clock.jump(3_600)
    assert watched.file.poll() is None
    watched.clock.jump(-7_200)
    watched.clock.advance(SETTLE_S)
    assert _texts(watched.file.poll()) == ("beta",)


def test_reload_reports_at_once(watched: _Watched) -> None:
    """A person who asks gets an answer, whether the file has changed or not."""
    assert _texts(watched.file.reload()) == ("alpha",)
    watched.path.write_text("version: [", encoding="utf-8")
    assert isinstance(watched.file.reload(), Rejected)
    assert watched.settle() is None


def _outcome(data: bytes) -> DescriptionSet | tuple[str, ...]:
    """The set, or the lines that tell why there is none."""
    try:
        return parse(data, Path("d.yaml"))
    except DescriptionsError as error:
        return tuple(str(problem) for problem in error.problems)


@_PATIENT
@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_pass_nor_crash(data: bytes) -> None:
    """Bytes that no one meant as descriptions are refused with a reason."""
    outcome = _outcome(data)
    assert isinstance(outcome, tuple)
    assert outcome


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
_ERROR = st.dictionaries(
    st.sampled_from([
        "id", "text", "paraphrases", "unlike", "examples", "severity", "threshold", "hits",
        "cooldown", "false_alarms_per_day", "hysteresis", "enabled", "other",
    ]),
    _VALUES | st.lists(st.text(max_size=30), max_size=3),
    max_size=6,
)  # fmt: skip
_FILE = st.fixed_dictionaries(
    {"version": st.just(1) | _VALUES, "errors": st.lists(_ERROR, max_size=4) | _VALUES},
    optional={"defaults": _ERROR, "background": st.lists(st.text(max_size=30)) | _VALUES},
)


@_PATIENT
@given(_FILE)
def test_arbitrary_values_are_read_or_told_on_one_line_each(raw: object) -> None:
    """Whatever stands in a field, the outcome is a set or problems."""
    # JSON is YAML; it also writes control characters and lone surrogates as escapes.
    outcome = _outcome(json.dumps(raw).encode())
    if isinstance(outcome, tuple):
        assert outcome
        assert all(len(problem.splitlines()) == 1 for problem in outcome)
    else:
        assert outcome.errors


@_PATIENT
@given(st.text(min_size=1, max_size=40))
def test_any_readable_text_can_be_a_description(text: str) -> None:
    """A text in whatever script is kept as it is, apart from white space."""
    raw = {"version": 1, "errors": [{"id": "a", "text": text}]}
    outcome = _outcome(json.dumps(raw, ensure_ascii=False).encode())
    if isinstance(outcome, DescriptionSet):
        assert outcome.texts() == (" ".join(text.split()),)
    else:
        assert not text.strip() or not text.isprintable()
