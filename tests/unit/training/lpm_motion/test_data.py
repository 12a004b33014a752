"""Crops of the speech world: aligned, and heard as a session would hear them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.audio.logmel import Array, decibels, log_mel
from models.lpm.config import tiny
from models.lpm.windows import SpeakWindows
from training.lpm_motion.config import tiny_run
from training.lpm_motion.data import (
    PHONES,
    CropSampler,
    SpeechData,
    clean_features,
    clip_levels,
    motion_statistics,
    phone_labels,
)
from training.worlds.speech import Phone

MODEL = tiny()


def as_sound(samples: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> Array:
    return samples.astype(np.float32) / np.float32(32768)


def a_clip(seconds: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    return (3000 * np.random.default_rng(0).standard_normal(seconds * 16_000)).astype(np.int16)


def test_a_batch_has_the_context_that_the_network_needs(data: SpeechData) -> None:
    config = tiny_run()
    batch = CropSampler(data, config, seed=0).draw()
    frames = config.chunks * MODEL.cache.chunk
    context = MODEL.left_context + MODEL.look_ahead
    assert batch.speak.shape == (config.batch, frames * MODEL.mels_per_frame + context, MODEL.logmel.channels)
    assert batch.motion.shape[:2] == (config.batch, frames)
    assert batch.phones.shape == (config.batch, frames * MODEL.tokens_per_frame)


def test_sound_and_motion_of_a_crop_belong_together(data: SpeechData) -> None:
    config = tiny_run()
    quiet = replace(
        config.augmentation, noise_share=0, notch_share=0, low_pass_share=0, equaliser_db=0, warp=0
    )
    batch = CropSampler(data, replace(config, augmentation=quiet), seed=0).draw()
    heard = batch.speak[:, MODEL.left_context :][:, :: MODEL.mels_per_frame, -2][:, : batch.motion.shape[1]]
    for row, motion in zip(heard, batch.motion[..., 0], strict=True):
        assert np.corrcoef(row, motion)[0, 1] > 0.9


def test_training_hears_what_a_session_hears() -> None:
    samples = a_clip()
    windows = SpeakWindows(MODEL)
    session = [*windows.push(as_sound(samples)), *windows.flush()]
    training = clean_features(clip_levels(samples, MODEL.logmel)[None], MODEL)[0]
    for n, window in enumerate(session[:-1]):
        heard = training[n * MODEL.chunk_mels :][: MODEL.window_mels]
        np.testing.assert_allclose(heard, window, atol=0.05)


def test_the_end_of_a_clip_is_levelled_like_a_stream() -> None:
    samples = as_sound(a_clip())
    levels = decibels(np.pad(samples, MODEL.logmel.margin), len(samples) // 160, MODEL.logmel)
    assert levels.shape[0] == log_mel(samples, MODEL.logmel).shape[0]


def test_a_token_is_labelled_with_the_phone_at_its_middle() -> None:
    phones = (Phone(symbol="sil", start_s=0, end_s=0.05), Phone(symbol="a", start_s=0.05, end_s=0.2))
    labels = phone_labels(phones, 10, MODEL)
    assert [PHONES[label] for label in labels] == ["sil"] * 3 + ["a"] * 7


def test_numbers_that_never_move_do_not_blow_up(data: SpeechData) -> None:
    still = replace(data, motion=np.zeros_like(data.motion))
    statistics = motion_statistics(still, tiny_run())
    assert statistics.std.tolist() == [np.float32(0.02)] * len(statistics.std)
    assert statistics.change.min() > 0
