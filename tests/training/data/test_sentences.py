"""Sentences of several sounds: true to times and powers, in two languages."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.sentences import Order, Voice, compose, is_clause, order, plain


def _voice(start: int, end: int, power_db: float = 0.0) -> Voice:
    sounding = np.zeros(100, np.bool_)
    sounding[start:end] = True
    return Voice(sounding, power_db)


def test_sounds_after_one_another_are_told_in_the_order_of_time() -> None:
    """Whatever their powers."""
    how = order([_voice(60, 90, 10.0), _voice(0, 50)])
    assert how.foreground == ((1,), (0,))
    assert compose(["a cat meows", "a dog barks"], how, "en", 0) == "a dog barks, then a cat meows"
    assert compose(["猫が鳴く", "犬が吠える"], how, "ja", 0) == (
        "犬が吠えるのが聞こえ、その後、猫が鳴く"
    )


def test_sounds_at_once_are_told_the_stronger_first() -> None:
    """Joined by "while" before what surely is a clause."""
    how = order([_voice(0, 50), _voice(10, 60, 3.0)])
    assert how.foreground == ((1, 0),)
    assert compose(["a cat meows", "a dog barks"], how, "en", 0) == "a dog barks while a cat meows"
    assert compose(["metal hit", "a dog barks"], how, "en", 0) == (
        "a dog barks and at the same time metal hit"
    )


def test_weak_sound_under_a_strong_one_is_in_the_background() -> None:
    """Japanese says first what goes on; what is brief does not go on."""
    how = order([_voice(0, 100, -8.0), _voice(10, 80)])
    assert how == Order(((1,),), background=(0,), lasting=frozenset({0, 1}))
    texts = ["an engine runs", "a dog barks"]
    assert compose(texts, how, "en", 0) == "a dog barks while an engine runs in the background"
    assert compose(["エンジンがかかっている", "犬が吠える"], how, "ja", 0) == (
        "エンジンがかかっている中、犬が吠える"
    )
    brief = order([_voice(30, 40, -8.0), _voice(0, 100)])
    assert compose(["扉をたたく", "犬の声"], brief, "ja", 0) == ("犬の声が聞こえ、背景で扉をたたく")


def test_weak_sound_of_its_own_is_not_in_the_background() -> None:
    """It is heard well enough after the strong one."""
    how = order([_voice(0, 40), _voice(50, 90, -12.0)])
    assert how.background == ()
    assert how.foreground == ((0,), (1,))


def test_sound_along_with_two_others_is_told_once() -> None:
    """Those are after one another, which "while" between all three would deny."""
    how = order([_voice(0, 40), _voice(0, 100, 1.0), _voice(50, 90)])
    assert how.foreground == ((0,), (2,))
    assert how.meanwhile == (1,)
    texts = ["a dog barks", "an engine runs", "a cat meows"]
    assert compose(texts, how, "en", 0) == (
        "a dog barks, then a cat meows; meanwhile, an engine runs"
    )
    assert compose(["犬が吠える", "エンジンが回る", "猫が鳴く"], how, "ja", 1) == (
        "エンジンが回る中、最初に犬が吠えるのが聞こえ、続いて猫が鳴く"
    )


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("a cow moos in a field", True),
        ("somebody knocks on a wooden door", True),
        ("water is poured from a jug", True),
        ("a glass falls and breaks on the floor", True),
        ("a few quick clicks of a mouse button", False),
        ("the steady howl of a vacuum cleaner", False),
        ("a dry cough and a throat being cleared", False),
        ("a bell that is struck", False),
        ("three firm knocks on wood", False),
        ("metal hit", False),
    ],
)
def test_clauses_are_told_from_noun_phrases(text: str, clause: bool) -> None:
    """No noun phrase is taken for a clause."""
    assert is_clause(text) is clause


def test_captions_that_are_sentences_of_two_are_taken_last() -> None:
    """Twice "while" in a sentence is hard to follow."""
    texts = ["thunder rolls while rain falls", "lightning cracks close by"]
    assert plain(texts, "en") == ("lightning cracks close by",)
    assert plain(texts[:1], "en") == tuple(texts[:1])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_single_sound_is_put_in_two_ways(language: str) -> None:
    """A recording of it over noise is told with and without the noise."""
    how = order([_voice(0, 50)])
    first, second = (compose(["a dog barks"], how, language, way) for way in (0, 1))
    assert first != second
    assert "a dog barks" in first
    assert "a dog barks" in second
