"""Clips lie in files, and only what is drawn is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.fantasytalking.geometry import num_samples
from tests.unit.training.fantasytalking.people import CLIP, draw_clip, draw_clips
from training.fantasytalking.clips import Clip, ClipSampler, find_clips, read_points, save_clip


def test_a_clip_comes_back_from_its_file(tmp_path: Path) -> None:
    clip = draw_clip(6, seed=1)
    save_clip(tmp_path / "one.npz", clip)
    (tmp_path / "two.partial.npz").write_bytes(b"")
    (entry,) = find_clips(tmp_path)
    assert (entry.frames, entry.size) == (6, (32, 32))
    found, points = entry.read(), read_points(entry)
    for name in ("pictures", "sound", "landmarks", "joints"):
        assert np.array_equal(getattr(found, name), getattr(clip, name))
    assert found.prompt == clip.prompt
    assert np.array_equal(points.joints, clip.joints)


def test_a_part_has_the_sound_of_its_frames() -> None:
    clip = draw_clip(20, seed=0)
    part = clip.part(5, 9, CLIP)
    first = num_samples(5, CLIP)
    assert len(part) == len(part.landmarks) == len(part.joints) == 9
    assert np.array_equal(part.sound, clip.sound[first : first + num_samples(9, CLIP)])


def test_a_batch_holds_clips_of_one_size_and_enough_frames(tmp_path: Path) -> None:
    draw_clips(tmp_path)
    wide = draw_clip(12, seed=4)
    pictures = np.repeat(wide.pictures, 2, axis=2)
    save_clip(
        tmp_path / "wide.npz",
        Clip(pictures=pictures, sound=wide.sound, landmarks=wide.landmarks, joints=wide.joints),
    )
    save_clip(tmp_path / "short.npz", draw_clip(4, seed=5))
    sampler = ClipSampler(find_clips(tmp_path), CLIP, batch=3, frames=9, seed=0)
    batches = [sampler.draw() for _ in range(12)]
    sizes = [{clip.pictures.shape for clip in batch} for batch in batches]
    assert all(len(each) == 1 for each in sizes)
    assert set.union(*sizes) == {(9, 32, 32, 3), (9, 32, 64, 3)}


def test_clips_that_are_all_too_short_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no clip has 81 frames; the longest has 14"):
        ClipSampler(draw_clips(tmp_path), CLIP, batch=1, frames=81, seed=0)


def test_a_folder_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no clips"):
        find_clips(tmp_path)
