"""The model card: what was heard, how long, how well."""

from __future__ import annotations

from pathlib import Path

from training.lpm_motion.card import describe, write_card
from training.lpm_motion.config import tiny_run
from training.lpm_motion.data import Scenes
from training.lpm_motion.evaluation import Figures

FIGURES = Figures(closure=0.914, opening_r=0.8, silent_opening=0.01, takes_mouth_r=0.99, takes_head_r=0.2)


def test_a_card_names_steps_and_minutes(data: Scenes, tmp_path: Path) -> None:
    write_card(tmp_path, tiny_run(), data, steps=1234, elapsed_s=3600)
    card = (tmp_path / "README.md").read_text()
    assert "1234 steps" in card
    assert "60 minutes" in card


def test_figures_follow_the_card(data: Scenes, tmp_path: Path) -> None:
    write_card(tmp_path, tiny_run(), data, steps=1, elapsed_s=60, figures=describe(FIGURES))
    assert "| 91.4% |" in (tmp_path / "README.md").read_text()
