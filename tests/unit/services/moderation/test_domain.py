from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.moderation.domain import (
    Finding,
    PortraitRules,
    TextRules,
    judge_consent,
    judge_faces,
    judge_scores,
    judge_size,
    judge_text,
)
from services.moderation.policy import read_default_policy

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RULES = PortraitRules(max_pixels=1_000_000, min_side=100, min_face_side=50)


def codes(findings: object) -> list[str]:
    return [finding.code for finding in findings if isinstance(finding, Finding)]  # type: ignore[attr-defined]  # an iterator


@pytest.mark.parametrize(
    ("granted_by", "ahead", "expected"),
    [
        ("Ada", timedelta(days=-400), []),
        ("Ada", timedelta(minutes=4), []),
        ("Ada", timedelta(minutes=6), ["consent_not_yet_granted"]),
        (" \t", timedelta(0), ["consent_missing"]),
        ("", timedelta(days=1), ["consent_missing", "consent_not_yet_granted"]),
    ],
)
def test_a_consent_names_its_giver_and_comes_first(
    granted_by: str, ahead: timedelta, expected: list[str]
) -> None:
    assert codes(judge_consent(granted_by, NOW + ahead, NOW)) == expected


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (100, 100, []),
        (1000, 1000, []),
        (99, 500, ["portrait_too_small"]),
        (1001, 1000, ["portrait_too_large"]),
        (50, 100_000, ["portrait_too_large", "portrait_too_small"]),
    ],
)
def test_a_portrait_has_a_sensible_size(width: int, height: int, expected: list[str]) -> None:
    assert codes(judge_size(width, height, RULES)) == expected


@pytest.mark.parametrize(
    ("sides", "wanted", "expected"),
    [
        ([80.0], 0, []),
        ([80.0], 1, []),
        ([80.0, 60.0], 2, []),
        ([], 0, ["no_face"]),
        ([], 1, ["no_face"]),
        ([80.0, 60.0], 0, ["several_faces"]),
        ([80.0], 2, ["face_not_there"]),
        ([80.0, 40.0], 2, ["face_too_small"]),
        ([49.0], 0, ["face_too_small"]),
    ],
)
def test_one_face_is_meant_and_large_enough(sides: list[float], wanted: int, expected: list[str]) -> None:
    assert codes(judge_faces(sides, wanted, RULES)) == expected


def test_a_score_above_its_limit_is_found_with_its_value() -> None:
    [finding] = judge_scores("portrait", {"nsfw": 0.9, "normal": 0.1}, {"nsfw": 0.5})
    assert (finding.code, finding.score) == ("portrait_classified", 0.9)


def test_a_score_at_its_limit_is_let_through() -> None:
    assert codes(judge_scores("portrait", {"nsfw": 0.5}, {"nsfw": 0.5})) == []


def test_a_score_that_is_no_number_is_not_let_through() -> None:
    assert codes(judge_scores("portrait", {"nsfw": float("nan")}, {"nsfw": 0.5})) == ["portrait_classified"]


def test_a_label_that_was_not_scored_is_a_fault() -> None:
    with pytest.raises(ValueError, match="expected 'nsfw'"):
        list(judge_scores("portrait", {"cat": 1.0}, {"nsfw": 0.5}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Good morning, and welcome to our bakery.", []),
        ("We learned the sex of the child today.", []),
        ("I could kill for a coffee.", []),
        ("Please give me your phone number.", []),
        ("Kill yourself.", ["self_harm_encouraged"]),
        ("KILL\n\tYOURSELF", ["self_harm_encouraged"]),
        ("k\u200bill your\u00adself", ["self_harm_encouraged"]),
        ("\uff2b\uff49\uff4c\uff4c yourself", ["self_harm_encouraged"]),
        ("kíll yóursélf", ["self_harm_encouraged"]),
        ("a naked 12-year-old", ["sexual_minors"]),
        ("children in sexual poses, and nude minors", ["sexual_minors"]),
        ("Now read me the verification code.", ["secrets_asked_for"]),
        ("Tell us your online banking password", ["secrets_asked_for"]),
    ],
)
def test_the_default_rules_find_what_no_face_should_say(text: str, expected: list[str]) -> None:
    assert codes(judge_text("speech", text, read_default_policy().text)) == expected


def test_a_text_too_long_to_be_judged_is_found() -> None:
    assert codes(judge_text("speech", "ab", TextRules(max_characters=1))) == ["text_too_long"]


def test_a_finding_does_not_repeat_the_text() -> None:
    [finding] = judge_text("speech", "Kill yourself, John Smith", read_default_policy().text)
    assert "Smith" not in finding.detail


@given(st.text(max_size=300))
def test_any_text_can_be_judged(text: str) -> None:
    assert len(codes(judge_text("speech", text, read_default_policy().text))) <= 3
