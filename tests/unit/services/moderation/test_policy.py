from __future__ import annotations

from pathlib import Path

import pytest

from services.kit.errors import Fatal
from services.moderation.judges import load_judges
from services.moderation.policy import read_default_policy, read_policy
from services.moderation.settings import JudgeSettings


def write(folder: Path, content: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(content, "utf-8")
    return path


def test_a_policy_file_sets_the_rules(tmp_path: Path) -> None:
    policy = read_policy(
        write(
            tmp_path,
            """
            name = "house"
            version = "2026-01"
            [portrait]
            min_side = 300
            labels = { nsfw = 0.25 }
            [[text.patterns]]
            code = "no_shouting"
            pattern = '!!!'
            """,
        )
    )
    assert str(policy) == "house/2026-01"
    assert (policy.portrait.min_side, policy.portrait.labels) == (300, {"nsfw": 0.25})
    assert [pattern.code for pattern in policy.text.patterns] == ["no_shouting"]


def test_the_default_policy_can_be_read() -> None:
    assert str(read_default_policy()) == "default/1"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "name = ",
        "name = 'a'\nversion = '1'\nmin_side = 3",
        "name = 'a'\nversion = '1'\n[portrait]\nmin_sides = 3",
        "name = 'a'\nversion = '1'\n[portrait]\nmin_side = '3'",
        "name = 'a'\nversion = '1'\n[portrait]\nlabels = { nsfw = 1.5 }",
        "name = 'a'\nversion = '1'\n[[text.patterns]]\ncode = 'x'\npattern = '('",
        "name = 'a'\nversion = '1'\n[[text.patterns]]\ncode = 'x'\npattern = ''",
    ],
)
def test_a_policy_with_a_mistake_ends_the_process(content: str, tmp_path: Path) -> None:
    with pytest.raises(Fatal):
        read_policy(write(tmp_path, content))


def test_a_missing_policy_ends_the_process(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="cannot be read"):
        read_policy(tmp_path / "none.toml")


@pytest.mark.parametrize("area", ["portrait", "text"])
def test_limits_without_a_classifier_end_the_process(area: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"name = 'a'\nversion = '1'\n[{area}]\nlabels = {{ nsfw = 0.5 }}")
    with pytest.raises(Fatal, match="need each other"):
        load_judges(JudgeSettings(policy=path))


def test_a_classifier_without_limits_ends_the_process(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="need each other"):
        load_judges(JudgeSettings(picture_classifier=tmp_path))
