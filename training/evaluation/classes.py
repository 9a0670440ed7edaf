"""The classes of data sets, and the texts that a recording's class is told by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent import descriptions
from agent.config.values import nearest
from agent.core import shipped
from training.data.readers.classes import class_caption
from training.data.readers.registry import data_sets
from training.data.records import Caption, Manifest

TEXTS = shipped.config("evaluation")
"""Class names as one would say them, one file a data set and language."""
_CLASS, _NAME, _ONOMATOPOEIA = "class", "name", "onomatopoeia"
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class ClassText:
    """One text of one class."""

    id: str
    text: str
    class_name: str


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of one data set: those that its captions ``{set}/class/{name}`` name."""

    data_set: str
    recordings: Mapping[str, frozenset[str]]
    """Of each class, in all splits."""

    @classmethod
    def of(cls, manifest: Manifest, positives: Mapping[str, frozenset[str]], name: str) -> Classes:
        """The classes of a set; none where it has no class captions.

        Args:
            manifest: what there is.
            positives: recordings that fit, by caption.
            name: of the set.
        """
        prefix = class_caption(name, "")
        return cls(
            name,
            {
                caption.id.removeprefix(prefix): positives.get(caption.id, frozenset())
                for caption in manifest.captions
                if caption.id.startswith(prefix)
            },
        )

    def of_caption(self, fitting: frozenset[str]) -> tuple[str, ...]:
        """The classes that a caption with such recordings is about."""
        return tuple(name for name, own in self.recordings.items() if own & fitting)

    def names(
        self, captions: Iterable[Caption], positives: Mapping[str, frozenset[str]], language: str
    ) -> tuple[ClassText, ...]:
        """What the classes are called in a language.

        From ``configs/evaluation`` where there is a file, as in docs/benchmarks.md; else the
        captions ``{set}/class/...`` and ``{set}/name/...``.
        """
        path = TEXTS / f"{self.data_set}.{language}.yaml"
        if self.recordings and path.is_file():
            return tuple(
                ClassText(
                    f"{path.name}/{error.error_id}", error.text, self._class_of(error.error_id)
                )
                for error in descriptions.load(path).errors
            )
        return self._texts((_CLASS, _NAME), captions, positives, language)

    def onomatopoeia(
        self, captions: Iterable[Caption], positives: Mapping[str, frozenset[str]], language: str
    ) -> tuple[ClassText, ...]:
        """How the classes sound, imitated: the captions ``{set}/onomatopoeia/...``."""
        return self._texts((_ONOMATOPOEIA,), captions, positives, language)

    def _texts(
        self,
        kinds: tuple[str, ...],
        captions: Iterable[Caption],
        positives: Mapping[str, frozenset[str]],
        language: str,
    ) -> tuple[ClassText, ...]:
        prefixes = tuple(f"{self.data_set}/{kind}/" for kind in kinds)
        return tuple(
            ClassText(caption.id, caption.text, name)
            for caption in captions
            if caption.language == language and caption.id.startswith(prefixes)
            for name in self.of_caption(positives.get(caption.id, frozenset()))
        )

    def _class_of(self, error_id: str) -> str:
        """The class that a text of ``configs/evaluation`` is about."""
        known = data_sets().get(self.data_set)
        return error_id.replace("_", " ") if known is None else known.class_name(error_id)


def parse_classes(given: Sequence[str], known: Iterable[Classes]) -> frozenset[tuple[str, str]]:
    """Classes by name, as (data set, class): ``glass breaking``, ``esc50-40/glass breaking``.

    Args:
        given: names, or one file with a name a line; ``_`` counts as a space, and what follows
            ``#`` in a file is a remark.
        known: the classes that there are.

    Raises:
        ValueError: a name is no class's.
    """
    where = "--classes"
    if len(given) == 1 and Path(given[0]).is_file():
        where = given[0]
        lines = Path(where).read_text(encoding="utf-8-sig").splitlines()
        given = [text for line in lines if (text := line.partition("#")[0].strip())]
    by_name: dict[str, set[tuple[str, str]]] = {}
    for classes in known:
        for name in classes.recordings:
            for written in (name, f"{classes.data_set}/{name}"):
                by_name.setdefault(_plain(written), set()).add((classes.data_set, name))
    found: set[tuple[str, str]] = set()
    for name in given:
        if _plain(name) not in by_name:
            near = nearest(_plain(name), by_name)
            some = ", ".join(list(by_name)[:_SHOWN]) or "none"
            remedy = f"did you mean {near!r}?" if near else f"there are {some} ..."
            raise ValueError(f"{where}: {name!r} is no class of these data sets; {remedy}")
        found |= by_name[_plain(name)]
    if not found:
        raise ValueError(f"{where}: names no class; write one a line, or leave --classes out")
    return frozenset(found)


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())
