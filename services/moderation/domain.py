"""The rules of moderation: what is found against a portrait, a consent or a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

__all__ = [
    "Finding",
    "Pattern",
    "Policy",
    "PortraitRules",
    "TextRules",
    "judge_consent",
    "judge_faces",
    "judge_scores",
    "judge_size",
    "judge_text",
]

# Clocks differ; a consent a little ahead of the request is not from the future.
_CLOCK_SKEW: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that speaks against a subject; `score` is a classifier's, from 0 to 1."""

    code: str
    detail: str
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortraitRules:
    """What a portrait must be. `labels` are a classifier's, each with the highest score let through."""

    max_bytes: int = 32 << 20
    max_pixels: int = 50_000_000
    min_side: int = 128
    min_face_side: float = 48.0
    labels: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Words that are not to be performed."""

    code: str
    regex: re.Pattern[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRules:
    """What a text must not be. `labels` are a classifier's, each with the highest score let through."""

    max_characters: int = 20_000
    patterns: tuple[Pattern, ...] = ()
    labels: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules under the name that verdicts quote."""

    name: str
    version: str
    portrait: PortraitRules
    text: TextRules

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


def judge_consent(granted_by: str, granted_at: datetime, asked_at: datetime) -> Iterator[Finding]:
    """A consent names who gave it, and was given before it was used."""
    if not granted_by.strip():
        yield Finding(code="consent_missing", detail="the consent does not say who granted it")
    if granted_at > asked_at + _CLOCK_SKEW:
        yield Finding(
            code="consent_not_yet_granted",
            detail=f"the consent is granted at {granted_at.isoformat()}, after the character was created",
        )


def judge_size(width: int, height: int, rules: PortraitRules) -> Iterator[Finding]:
    """A picture is large enough to show a face and small enough to be decoded."""
    if width * height > rules.max_pixels:
        yield Finding(
            code="portrait_too_large",
            detail=f"the portrait is {width}x{height}, expected at most {rules.max_pixels} pixels",
        )
    if min(width, height) < rules.min_side:
        yield Finding(
            code="portrait_too_small",
            detail=f"the portrait is {width}x{height}, expected at least {rules.min_side} pixels a side",
        )


def judge_faces(sides: Sequence[float], wanted: int, rules: PortraitRules) -> Iterator[Finding]:
    """The wanted face is there and large enough; without a wish (0) there is exactly one.

    `sides` are those of the faces in pixels, the largest face first.
    """
    if not sides:
        yield Finding(code="no_face", detail="the portrait shows no face")
        return
    if wanted > len(sides):
        shown = "1 face" if len(sides) == 1 else f"{len(sides)} faces"
        yield Finding(
            code="face_not_there", detail=f"face {wanted} was asked for, but the portrait shows {shown}"
        )
        return
    if wanted == 0 and len(sides) > 1:
        yield Finding(
            code="several_faces", detail=f"the portrait shows {len(sides)} faces, and none was chosen"
        )
        return
    side = sides[max(wanted, 1) - 1]
    if side < rules.min_face_side:
        yield Finding(
            code="face_too_small",
            detail=f"the face is {side:.0f} pixels wide, expected at least {rules.min_face_side:.0f}",
        )


def judge_scores(what: str, scores: Mapping[str, float], labels: Mapping[str, float]) -> Iterator[Finding]:
    """No label's score is above its limit. Raises ValueError when a label was not scored."""
    for label, limit in labels.items():
        if label not in scores:
            raise ValueError(f"the classifier scored {sorted(scores)}, expected {label!r} among them")
        if not scores[label] <= limit:
            yield Finding(
                code=f"{what}_classified",
                detail=f"the {what} is classified as {label}, above the limit of {limit:g}",
                score=scores[label],
            )


def judge_text(what: str, text: str, rules: TextRules) -> Iterator[Finding]:
    """A text is not too long to be judged, and no pattern is found in it."""
    if len(text) > rules.max_characters:
        yield Finding(
            code="text_too_long",
            detail=f"the {what} has {len(text)} characters, expected at most {rules.max_characters}",
        )
        return
    plain = _plain(text)
    for code in dict.fromkeys(pattern.code for pattern in rules.patterns if pattern.regex.search(plain)):
        yield Finding(code=code, detail=f"the {what} matches the rule {code}")


def _plain(text: str) -> str:
    """A text without what hides words: odd letter forms, accents, unseen characters, line breaks."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    seen = (
        letter
        for letter in letters
        if unicodedata.category(letter) not in {"Cf", "Cc", "Mn", "Me"} or letter in "\t\n\r"
    )
    return " ".join("".join(seen).split())
