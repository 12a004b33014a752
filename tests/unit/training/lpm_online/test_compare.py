"""Every kind of run is performed, and its figures and its cost are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.lpm.base import BaseConfig, Guidance
from models.lpm.model import Lpm
from models.lpm.online import OnlineLpm, Schedule
from models.lpm.weights import save_lpm, save_online
from training.lpm.loop import WEIGHTS
from training.lpm_motion.config import tiny_run
from training.lpm_motion.data import Scenes
from training.lpm_online.compare import HEADINGS, compare, read_performer, table
from training.lpm_online.figures import Turns

MODEL = tiny_run().model
SHORT = BaseConfig(levels=(1.0, 0.5))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    lpm = Lpm(MODEL)
    save_lpm(lpm, tmp_path / "single")
    save_online(OnlineLpm(lpm, Lpm(MODEL), Schedule()), tmp_path / "two" / WEIGHTS)
    return tmp_path


@pytest.mark.parametrize(
    ("run", "passes"), [("causal={}/single", 3), ("online={}/two", 4), ("base:whole={}/single", 2 * 25 / 20)]
)
def test_every_kind_of_run_is_performed(run: str, passes: float, folder: Path, data: Scenes) -> None:
    name, performer = read_performer(run.format(folder), SHORT)
    turns = Turns(listening=np.ones((2, data.num_frames), np.bool_), ends=((0, 10),))
    ticks = iter((1.0, 1.5))
    figures = compare(performer, data, turns, 2, clock=lambda: next(ticks))
    assert figures.keys() == HEADINGS.keys()
    assert figures["passes"] == passes
    assert figures["ms_per_chunk"] == pytest.approx(500 / 10)
    assert name in table({name: figures})


@pytest.mark.parametrize(("sound", "direction", "times"), [(1.5, 1.5, 2), (1.0, 2.0, 3)])
def test_guidance_costs_passes(sound: float, direction: float, times: int, folder: Path) -> None:
    plain, guided = (
        read_performer(f"base:whole={folder}/single", replace(SHORT, guidance=guidance))[1]
        for guidance in (Guidance(), Guidance(sound=sound, direction=direction))
    )
    assert guided.passes == times * plain.passes


def test_a_run_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="NAME=FOLDER"):
        read_performer("folder", SHORT)
