"""Crops of the speech world: aligned, and heard as a session would hear them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.audio.logmel import Array, decibels, log_mel
from models.lpm.config import tiny
from models.lpm.model import mouth_columns
from models.lpm.windows import ListenWindows, SpeakWindows
from models.motion import CHUNK_FRAMES, INDEX
from training.lpm_motion.config import tiny_run
from training.lpm_motion.crops import CropSampler, crop, hear
from training.lpm_motion.data import PHONES, Scenes, clip_levels, lull_labels, motion_statistics, phone_labels
from training.worlds.speech import Phone
from training.worlds.speech.life import Phrase

MODEL = tiny()


def as_sound(samples: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> Array:
    return samples.astype(np.float32) / np.float32(32768)


def a_clip(seconds: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    return (3000 * np.random.default_rng(0).standard_normal(seconds * 16_000)).astype(np.int16)


def test_a_batch_has_the_context_that_the_network_needs(data: Scenes) -> None:
    config = tiny_run()
    batch = CropSampler(data, config, seed=0).draw()
    frames = config.chunks * MODEL.cache.chunk
    speak, listen = batch.inputs.speak, batch.inputs.listen
    assert speak.shape[1] == frames * MODEL.mels_per_frame + MODEL.left_context + MODEL.look_ahead
    assert listen.shape[1] == frames * MODEL.mels_per_frame + MODEL.listen_context - 1
    assert batch.inputs.concepts.shape == (config.batch, config.chunks, MODEL.direction.items)
    assert batch.motion.shape[:2] == (config.batch, frames)
    assert batch.phones.shape == (config.batch, frames * MODEL.tokens_per_frame)


def test_sound_and_motion_of_a_crop_belong_together(data: Scenes) -> None:
    config = tiny_run()
    quiet = replace(
        config.augmentation, noise_share=0, notch_share=0, low_pass_share=0, equaliser_db=0, warp=0
    )
    batch = CropSampler(data, replace(config, augmentation=quiet), seed=0).draw()
    heard = batch.inputs.speak[:, MODEL.left_context :][:, :: MODEL.mels_per_frame, -2][
        :, : batch.motion.shape[1]
    ]
    for row, motion in zip(heard, batch.motion[..., 0], strict=True):
        assert np.corrcoef(row, motion)[0, 1] > 0.9


def test_training_hears_what_a_session_hears() -> None:
    samples = a_clip()
    levels = clip_levels(samples, MODEL.logmel)
    chunks = len(levels) // MODEL.chunk_mels
    heard = hear(np.stack((levels, levels))[None], np.zeros(1, np.int64), chunks, MODEL)
    for stream, windows in zip(heard, (SpeakWindows(MODEL), ListenWindows(MODEL)), strict=True):
        session = [*windows.push(as_sound(samples)), *windows.flush()]
        assert len(session) == chunks
        for n, window in enumerate(session[:-1]):
            np.testing.assert_allclose(stream[0, n * MODEL.chunk_mels :][: len(window)], window, atol=0.05)


def test_a_crop_from_the_middle_is_the_middle_of_a_crop_of_everything(data: Scenes) -> None:
    rows, levels = np.arange(2), data.levels[:2].astype(np.float32)
    everything = crop(data, levels, rows, np.array([0, 0]), MODEL, 10)
    middle = crop(data, levels, rows, np.array([4, 4]), MODEL, 3)
    assert torch.equal(middle.motion, everything.motion[:, 20:35])
    assert torch.equal(middle.inputs.concepts, everything.inputs.concepts[:, 4:7])
    first, length = 4 * MODEL.chunk_mels, middle.inputs.listen.shape[1]
    assert torch.equal(middle.inputs.listen, everything.inputs.listen[:, first : first + length])


def test_the_end_of_a_clip_is_levelled_like_a_stream() -> None:
    samples = as_sound(a_clip())
    levels = decibels(np.pad(samples, MODEL.logmel.margin), len(samples) // 160, MODEL.logmel)
    assert levels.shape[0] == log_mel(samples, MODEL.logmel).shape[0]


def test_a_token_is_labelled_with_the_phone_at_its_middle() -> None:
    phones = (Phone(symbol="sil", start_s=0, end_s=0.05), Phone(symbol="a", start_s=0.05, end_s=0.2))
    labels = phone_labels(phones, 10, MODEL)
    assert [PHONES[label] for label in labels] == ["sil"] * 3 + ["a"] * 7


def test_a_lull_is_told_by_its_length() -> None:
    heard = [
        Phrase(start_s=0.2, end_s=0.6, is_question=False),
        Phrase(start_s=1.0, end_s=1.2, is_question=True),
    ]
    labels = lull_labels(heard, 75)
    assert labels[:5].tolist() == [0] * 5
    assert set(labels[5:15]) == {1}
    assert labels[15] == 2
    assert (np.diff(labels[15:25].astype(int)) >= 0).all()
    assert set(labels[25:30]) == {1}
    assert labels[-1] == 0


def test_numbers_that_never_move_do_not_blow_up(data: Scenes) -> None:
    still = replace(data, motion=np.zeros_like(data.motion))
    statistics = motion_statistics(still, tiny_run())
    run = tiny_run()
    assert set(statistics.std[mouth_columns()].tolist()) == {np.float32(run.least_std)}
    assert set(statistics.std[~mouth_columns()].tolist()) == {np.float32(run.least_spread)}
    assert statistics.change.min() > 0


def test_a_head_that_drifts_far_is_measured_by_what_it_does_in_a_chunk(data: Scenes) -> None:
    drift = np.linspace(0, 6, data.num_frames, dtype=np.float16)[None, :, None]
    drifting = replace(data, motion=np.broadcast_to(drift, data.motion.shape))
    std = motion_statistics(drifting, tiny_run()).std
    in_a_chunk = CHUNK_FRAMES * 6 / (data.num_frames - 1)
    assert std[INDEX["headPitch"]] == pytest.approx(in_a_chunk, rel=0.01)
    assert std[INDEX["jawOpen"]] == pytest.approx(6 / 12**0.5, rel=0.05)
    assert in_a_chunk < std[INDEX["browInnerUp"]] < std[INDEX["jawOpen"]]
