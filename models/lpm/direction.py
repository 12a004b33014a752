"""Reading a direction: English text becomes a few concepts of a closed lexicon, each with a strength."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from models.lpm.lexicon import (
    ALIASES,
    BREAKS,
    CONCEPTS,
    FILLERS,
    INTENSITIES,
    LINKS,
    NEGATIONS,
    SILENT,
    USUAL_STRENGTH,
    Concept,
)

__all__ = [
    "CONCEPTS",
    "CONCEPT_IDS",
    "MAX_ITEMS",
    "Concept",
    "Item",
    "Reading",
    "encode_items",
    "read_direction",
]

MAX_ITEMS: Final = 8
CONCEPT_IDS: Final[Mapping[str, int]] = {concept.name: i + 1 for i, concept in enumerate(CONCEPTS)}

Words = tuple[str, ...]

_WORD: Final = re.compile(r"[^\W_]+")
_CLAUSE_END: Final = re.compile(r"[.,;:!?\n]")
_APOSTROPHES: Final = re.compile("['\u2018\u2019\u02bc]")
_ENDINGS: Final = (
    *(("iness", "y"), ("ness", ""), ("ily", "y"), ("ly", ""), ("ies", "y"), ("ied", "y"), ("ier", "y")),
    *(("s", ""), ("es", ""), ("d", ""), ("ed", ""), ("ing", ""), ("ing", "e")),
)
_SHORTEST_STEM: Final = 3
_MOST_ENDINGS: Final = 3  # excit-ed-ly


@dataclass(frozen=True, slots=True)
class Item:
    """A concept by its id, and how strongly it is to be played, in (0, 1]."""

    concept: int
    strength: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text asks for, in the order it is named, and its words that nobody understood."""

    items: tuple[Item, ...]
    unknown: tuple[str, ...]


def read_direction(text: str) -> Reading:
    """Read a direction. Never fails; an empty text, or one without known words, has no items.

    A word of intensity counts for the concept that follows it, or at the end of a clause for the one before.
    A negated concept is left out wherever else it is named. Of a concept named twice the stronger one counts.
    Past `MAX_ITEMS` concepts, those named first count.
    """
    reader = _Reader()
    for clause in _clauses(text):
        reader.read(clause)
    return Reading(items=tuple(reader.items()[:MAX_ITEMS]), unknown=tuple(dict.fromkeys(reader.unknown)))


def encode_items(items: Iterable[Item]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return concept ids [8] in ascending order and their strengths [8], padded with zeros.

    Of a concept given twice the stronger one counts; past `MAX_ITEMS` concepts, the first ones count.
    """
    strengths: dict[int, float] = {}
    for item in items:
        strengths[item.concept] = max(item.strength, strengths.get(item.concept, 0.0))
    chosen = sorted([*strengths.items()][:MAX_ITEMS])
    ids, values = np.zeros(MAX_ITEMS, np.int64), np.zeros(MAX_ITEMS, np.float32)
    ids[: len(chosen)] = [concept for concept, _ in chosen]
    values[: len(chosen)] = [strength for _, strength in chosen]
    return ids, values


@dataclass(slots=True)
class _Mention:
    """A phrase that was found: what it names, how strongly if it says so, and where it ends."""

    concepts: tuple[int, ...]
    strength: float | None
    end: int
    negated: bool = False


class _Reader:
    """Collects what is mentioned, clause by clause."""

    def __init__(self) -> None:
        self._mentions: list[_Mention] = []
        self.unknown: list[str] = []

    def items(self) -> list[Item]:
        """Return what was asked for so far, in the order of its first mention."""
        refused = {concept for mention in self._mentions if mention.negated for concept in mention.concepts}
        strengths: dict[int, float] = {}
        for mention in self._mentions:
            for concept in mention.concepts:
                strength = USUAL_STRENGTH if mention.strength is None else mention.strength
                strengths[concept] = max(strength, strengths.get(concept, 0.0))
        return [Item(concept, strength) for concept, strength in strengths.items() if concept not in refused]

    def read(self, clause: Sequence[str]) -> None:
        """Read the words of one clause."""
        roots = [_root(word) for word in clause]
        intensity: float | None = None
        negates = False
        last: _Mention | None = None
        at = 0
        while at < len(roots):
            mention = _mention(roots, at)
            if mention is not None:
                mention.negated = negates
                mention.strength = mention.strength or intensity
                self._mentions.append(mention)
                intensity, negates, last, at = None, False, mention, mention.end
                continue
            root = roots[at]
            if root in BREAKS:
                _intensify(last, intensity)
                intensity, negates, last = None, False, None
            elif root in INTENSITIES:
                intensity = INTENSITIES[root]
            elif root in NEGATIONS or (root in LINKS and last is not None and last.negated):
                negates = True
            elif root not in SILENT:
                self.unknown.append(clause[at])
            at += 1
        _intensify(last, intensity)


def _intensify(last: _Mention | None, intensity: float | None) -> None:
    """A word of intensity that no concept follows belongs to the concept before it."""
    if last is not None and intensity is not None and last.strength is None:
        last.strength = intensity


def _mention(roots: Sequence[str], start: int) -> _Mention | None:
    """Return the longest phrase of the lexicon that begins at `start`."""
    for phrase, concepts in _lexicon().get(roots[start], ()):
        at, strength = start, None
        for wanted in phrase:
            while at < len(roots) and roots[at] != wanted and roots[at] in _SKIPPED:
                strength = INTENSITIES.get(roots[at], strength)
                at += 1
            if at == len(roots) or roots[at] != wanted:
                break
            at += 1
        else:
            return _Mention(concepts, strength, at)
    return None


_SKIPPED: Final = FILLERS | INTENSITIES.keys()


@cache
def _lexicon() -> dict[str, list[tuple[Words, tuple[int, ...]]]]:
    """The phrases and the concepts they name, by first word, longest first."""
    named: dict[Words, list[int]] = {}
    for i, concept in enumerate(CONCEPTS):
        for phrase in concept.words:
            words = tuple(ALIASES.get(word, word) for word in phrase.split())
            named.setdefault(words, []).append(i + 1)
    by_first: dict[str, list[tuple[Words, tuple[int, ...]]]] = {}
    for words in sorted(named, key=len, reverse=True):
        by_first.setdefault(words[0], []).append((words, tuple(named[words])))
    return by_first


@cache
def _vocabulary() -> frozenset[str]:
    inside = {word for phrases in _lexicon().values() for words, _ in phrases for word in words}
    return frozenset(inside | SILENT | LINKS | BREAKS | NEGATIONS | INTENSITIES.keys() | ALIASES.keys())


def _clauses(text: str) -> Iterator[list[str]]:
    """Lower-case words, clause by clause; hyphens and underscores part words, apostrophes vanish."""
    plain = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", text).casefold())
    for clause in _CLAUSE_END.split(plain):
        yield _WORD.findall(clause)


def _root(word: str) -> str:
    """The dictionary form of an inflected word of the vocabulary; any other word as it is."""
    forms = [word]
    for _ in range(_MOST_ENDINGS + 1):
        for form in forms:
            if form in _vocabulary():
                return ALIASES.get(form, form)
        forms = [stem for form in forms for stem in _stems(form)]
    return word


def _stems(word: str) -> Iterator[str]:
    """What a word may be an inflection of: without its ending, and without the consonant it doubled."""
    for ending, replacement in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST_STEM:
            yield stem + replacement
            if stem[-1] == stem[-2] and not replacement:
                yield stem[:-1]
