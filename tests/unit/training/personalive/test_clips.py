"""Batches are consecutive frames of a clip, beside another frame of the same clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.training.personalive.faces import SIZE, draw_clip
from training.personalive.clips import Clip, ClipSampler, load_clips, save_clip


def counted(frames: int) -> Clip:
    """Return a clip whose pictures hold the number of their frame."""
    pictures = np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None, None], (frames, 4, 4, 3))
    return Clip(pictures=pictures, regions=np.zeros((frames, 3, 4), np.int32))


def test_a_reference_is_none_of_its_targets() -> None:
    sampler = ClipSampler([counted(6)], batch=64, frames=4, seed=0)
    batch = sampler.draw()
    targets, references = batch.targets[:, :, 0, 0, 0], batch.references[:, 0, 0, 0]
    assert (targets.diff(dim=1) == 1).all()
    assert not (targets == references[:, None]).any()
    assert set(references.tolist()) == {0, 1, 4, 5}


def test_clips_without_a_frame_to_spare_are_refused() -> None:
    with pytest.raises(ValueError, match=r"longer than 6 frames; the longest has 6"):
        ClipSampler([counted(6)], batch=1, frames=6, seed=0)


def test_a_clip_comes_back_as_it_was_written(tmp_path: Path) -> None:
    clip = draw_clip(3, seed=0)
    save_clip(tmp_path / "clips" / "one.npz", clip)
    (loaded,) = load_clips(tmp_path / "clips", SIZE)
    assert np.array_equal(loaded.pictures, clip.pictures)
    assert np.array_equal(loaded.regions, clip.regions)


def test_a_clip_of_another_size_is_named(tmp_path: Path) -> None:
    save_clip(tmp_path / "one.npz", draw_clip(1, seed=0))
    with pytest.raises(ValueError, match=r"one\.npz has pictures of \(32, 32, 3\), expected \(64, 64, 3\)"):
        load_clips(tmp_path, 64)


def test_a_folder_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no clips"):
        load_clips(tmp_path, SIZE)
