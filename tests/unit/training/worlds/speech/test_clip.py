"""Clips: sound and face on one clock, made again from their seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.motion import INDEX, NUM_MOTION
from training.worlds.speech import Clip, ClipConfig, generate_clip, read_shards
from training.worlds.speech.clip import SAMPLES_PER_FRAME
from training.worlds.speech.shards import save_shard

CONFIG = ClipConfig(num_frames=100)


@pytest.fixture(name="clips", scope="module")
def fixture_clips() -> list[Clip]:
    return [generate_clip(seed, CONFIG) for seed in range(4)]


def test_every_frame_has_its_samples(clips: list[Clip]) -> None:
    for clip in clips:
        assert clip.motion.shape == (100, NUM_MOTION)
        assert clip.samples.shape == (100 * SAMPLES_PER_FRAME,)


def test_values_are_in_range(clips: list[Clip]) -> None:
    for clip in clips:
        assert np.isfinite(clip.samples).all()
        assert np.abs(clip.samples).max() <= 1.0
        assert clip.motion[:, : INDEX["headPitch"]].min() >= 0.0
        assert clip.motion[:, : INDEX["headPitch"]].max() <= 1.0


def test_phones_tile_the_clip(clips: list[Clip]) -> None:
    for clip in clips:
        assert clip.phones[0].start_s == 0.0
        assert clip.phones[-1].end_s == pytest.approx(4.0)
        assert all(
            a.end_s == pytest.approx(b.start_s) for a, b in zip(clip.phones, clip.phones[1:], strict=False)
        )


def test_a_seed_gives_the_same_clip_again(clips: list[Clip]) -> None:
    again = generate_clip(2, CONFIG)

    np.testing.assert_array_equal(again.samples, clips[2].samples)
    np.testing.assert_array_equal(again.motion, clips[2].motion)


def test_sound_without_words_leaves_the_mouth_shut() -> None:
    clip = generate_clip(3, replace(CONFIG, wordless_share=1.0))

    assert clip.motion[:, INDEX["jawOpen"]].max() < 1e-6


def test_a_clip_of_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match="at least a second"):
        ClipConfig(num_frames=0)


def test_shards_come_back_as_written(tmp_path: Path, clips: list[Clip]) -> None:
    save_shard(tmp_path / "shard-00000.npz", clips)

    (shard,) = read_shards(tmp_path)

    assert shard.voices == tuple(clip.voice for clip in clips)
    assert shard.motion.dtype == np.float16
    np.testing.assert_allclose(shard.samples[0] / 32767.0, clips[0].samples, atol=1e-4)
    assert [phone.symbol for phone in shard.phones[1]] == [phone.symbol for phone in clips[1].phones]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no shards"):
        read_shards(tmp_path)
