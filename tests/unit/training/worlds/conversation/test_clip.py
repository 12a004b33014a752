"""Clips: two streams, a direction and a face on one clock, made again from their seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.lpm.direction import CONCEPT_IDS, Item
from models.motion import FRAME_RATE_HZ, INDEX, NUM_MOTION
from training.lpm_motion.lips import CLOSED, lip_opening
from training.worlds.conversation import Clip, SceneKind, WorldConfig, generate_clip, read_shards
from training.worlds.conversation.clip import encode_plan
from training.worlds.conversation.shards import save_shard
from training.worlds.direction import Directed

CONFIG = WorldConfig(num_frames=150)
KINDS: tuple[SceneKind, ...] = ("monologue", "conversation", "listening", "idle")


def make(kind: SceneKind, seed: int) -> Clip:
    return generate_clip(seed, replace(CONFIG, shares={kind: 1.0}))


@pytest.fixture(name="clips", scope="module")
def fixture_clips() -> list[Clip]:
    return [make(kind, seed) for seed, kind in enumerate(KINDS)]


def test_everything_is_on_one_clock(clips: list[Clip]) -> None:
    for clip in clips:
        assert clip.motion.shape == (150, NUM_MOTION)
        assert clip.speak.shape == clip.listen.shape == (150 * 640,)
        assert clip.present.shape == (30, 2)
        assert clip.concepts.shape == clip.strengths.shape == (30, 8)


def test_an_absent_stream_has_no_sound(clips: list[Clip]) -> None:
    for clip in clips:
        for samples, present in zip((clip.speak, clip.listen), clip.present.T, strict=True):
            assert not samples[np.repeat(~present, 3200)].any()


def test_values_are_in_range(clips: list[Clip]) -> None:
    for clip in clips:
        assert max(np.abs(clip.speak).max(), np.abs(clip.listen).max()) <= 1.0
        assert clip.motion[:, : INDEX["headPitch"]].min() >= 0.0
        assert clip.motion[:, : INDEX["headPitch"]].max() <= 1.0


@pytest.mark.parametrize("seed", [10, 11, 12])
@pytest.mark.parametrize("kind", ["conversation", "listening", "idle"])
def test_the_lips_stay_shut_while_the_character_is_silent(kind: SceneKind, seed: int) -> None:
    clip = make(kind, seed)
    times_s = np.arange(150) / FRAME_RATE_HZ
    silent = np.ones(150, dtype=bool)
    for phone in clip.phones:
        if phone.symbol != "sil":
            silent &= (times_s < phone.start_s - 0.25) | (times_s > phone.end_s + 0.25)

    assert (lip_opening(torch.from_numpy(clip.motion)).numpy()[silent] <= CLOSED).all()


def test_a_listener_hears_somebody_and_a_lonely_face_nobody(clips: list[Clip]) -> None:
    heard = {clip.kind: len(clip.heard) for clip in clips}

    assert heard["listening"] > 0
    assert heard["monologue"] == heard["idle"] == 0


def test_a_seed_gives_the_same_clip_again(clips: list[Clip]) -> None:
    again = make("conversation", 1)

    np.testing.assert_array_equal(again.speak, clips[1].speak)
    np.testing.assert_array_equal(again.listen, clips[1].listen)
    np.testing.assert_array_equal(again.motion, clips[1].motion)


def test_a_plan_is_in_force_in_its_own_chunks_only() -> None:
    nod, smile = CONCEPT_IDS["nod"], CONCEPT_IDS["smile"]
    plan = (
        Directed(first_chunk=1, end_chunk=3, items=(Item(concept=nod, strength=0.5),)),
        Directed(first_chunk=2, end_chunk=4, items=(Item(concept=smile, strength=1.0),)),
    )
    concepts, strengths = encode_plan(plan, 5)

    assert [set(row.tolist()) - {0} for row in concepts] == [set(), {nod}, {nod, smile}, {smile}, set()]
    assert strengths[1, concepts[1] == nod].tolist() == [0.5]


def test_a_clip_of_broken_chunks_and_shares_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="chunks of 5 frames"):
        WorldConfig(num_frames=151)
    with pytest.raises(ValueError, match=r"add up to 0\.5"):
        WorldConfig(shares={"idle": 0.5})


def test_shards_come_back_as_written(tmp_path: Path, clips: list[Clip]) -> None:
    save_shard(tmp_path / "shard-00000.npz", clips)

    (shard,) = read_shards(tmp_path)

    assert shard.kinds == KINDS
    assert shard.voices == tuple(clip.voices for clip in clips)
    np.testing.assert_allclose(shard.listen[1] / 32767.0, clips[1].listen, atol=1e-4)
    np.testing.assert_array_equal(shard.present[1], clips[1].present)
    np.testing.assert_array_equal(shard.concepts[2], clips[2].concepts)
    assert [p.is_question for p in shard.heard[2]] == [p.is_question for p in clips[2].heard]
    assert [p.symbol for p in shard.phones[1]] == [p.symbol for p in clips[1].phones]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no shards"):
        read_shards(tmp_path)
