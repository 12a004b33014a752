"""A run is told everything on its command line, and what is missing there is named."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from models.personalive.weights import load
from tests.unit.training.personalive.faces import draw_clip
from training.lpm.loop import WEIGHTS
from training.personalive import main
from training.personalive.clips import save_clip
from training.personalive.config import tiny_run


def test_a_run_on_a_folder_of_clips_leaves_weights(tmp_path: Path) -> None:
    save_clip(tmp_path / "clips" / "one.npz", draw_clip(4, seed=0))
    config, clock = tiny_run("pictures"), count()
    job = main.train(
        config,
        clips=tmp_path / "clips",
        start=None,
        output=tmp_path / "out",
        duration_s=1,
        frozen=main.tiny_frozen(config),
        clock=lambda: float(next(clock)),
    )
    assert job.steps == 1
    assert load(tmp_path / "out" / WEIGHTS)[0] == config.model


def test_the_published_size_needs_what_others_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(tmp_path)
    given = ["--stage", "pictures", "--clips", folder, "--output", folder, "--perceptual", folder]
    monkeypatch.setattr("sys.argv", ["main", *given])
    with pytest.raises(ValueError, match=r"published needs folders of autoencoder, image_encoder$"):
        main.main()
