"""Reasons and refusals: one code, one wording in each language."""

from __future__ import annotations

import ast
import copy
import pickle
import string
from pathlib import Path

import pytest

from agent.core.errors import CaptureError
from agent.core.reason_texts import ENGLISH
from agent.core.reasons import MOST_CHARACTERS, Reason
from tests.words import table

AGENT = Path(__file__).resolve().parents[3] / "agent"
JAPANESE = table("REASONS_JA")


def named(text: str) -> set[str]:
    """The parameters that a wording names."""
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


def emitted() -> dict[str, list[tuple[set[str], str]]]:
    """By code: the parameters of each place of the agent that makes a reason of it, and where."""
    found: dict[str, list[tuple[set[str], str]]] = {}
    for path in sorted(AGENT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) != "Reason.of":
                continue
            whole = all(keyword.arg for keyword in node.keywords)
            names = {keyword.arg for keyword in node.keywords if keyword.arg}
            codes = [one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)]
            for code in codes:
                where = f"{path.relative_to(AGENT)}:{node.lineno}"
                given = names if whole else named(ENGLISH[str(code)])
                found.setdefault(str(code), []).append((given, where))
    return found


def test_each_code_has_a_wording_in_both_languages() -> None:
    """With the same parameters, so that neither tells less than the other."""
    assert {code: named(text) for code, text in JAPANESE.items()} == {
        code: named(text) for code, text in ENGLISH.items()
    }
    assert not [code for code, text in JAPANESE.items() if text.isascii() and code != "other"]


def test_what_the_agent_emits_is_in_the_table() -> None:
    """Every code with exactly the parameters that its wordings name."""
    wrong = [
        f"{where}: {code} with {sorted(given)}"
        for code, places in emitted().items()
        for given, where in places
        if code not in ENGLISH or given != named(ENGLISH[code])
    ]
    assert wrong == []


def test_no_wording_is_left_over() -> None:
    """Each code of the table is named somewhere in the agent."""
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for path in AGENT.rglob("*.py")
        if path.name != "reason_texts.py"
    )
    assert [code for code in ENGLISH if f'"{code}"' not in sources and code != "other"] == []


def test_an_error_still_knows_the_codes_of_its_reason() -> None:
    """Its text is what it was, and parameters come along as numbers."""
    error = CaptureError(Reason.of("source_quiet", seconds=5.0))
    assert str(error) == "no sound for 5 s; check the sender"
    reason = Reason.given(str(error), "source_failed")
    assert reason.to_list() == [{"code": "source_quiet", "parameters": {"seconds": 5.0}}]


def test_a_text_of_others_is_the_detail_of_a_code() -> None:
    """As a whole in the text, cut as a parameter."""
    reason = Reason.given("x" * 2 * MOST_CHARACTERS, "source_failed")
    assert reason == "x" * 2 * MOST_CHARACTERS
    parameters = {"detail": "x" * MOST_CHARACTERS}
    assert reason.to_list() == [{"code": "source_failed", "parameters": parameters}]


def test_several_are_joined_by_semicolons() -> None:
    """Empty ones are left out."""
    reason = Reason.joined([Reason.of("channels_dead"), "", "a file is odd"])
    assert reason == "the other channels have no sound; a file is odd"
    assert [part.code for part in reason.parts] == ["channels_dead", "other"]
    assert Reason.joined([]) == ""


def test_a_copy_knows_the_codes_too() -> None:
    """Records that hold a reason are copied and sent between processes."""
    reason = Reason.of("source_quiet", seconds=5.0)
    for copied in (copy.deepcopy(reason), pickle.loads(pickle.dumps(reason))):  # noqa: S301
        assert (copied, copied.parts) == (reason, reason.parts)


def test_what_cannot_be_printed_is_escaped_in_parameters() -> None:
    """A name that breaks a line does not break the message."""
    assert Reason.of("device_none", device="a\nb").startswith("device 'a\\nb' not found")


def test_a_code_that_nobody_worded_is_a_mistake_of_ours() -> None:
    """It fails at once instead of showing a bare code."""
    with pytest.raises(KeyError):
        Reason.of("no_such_code")
