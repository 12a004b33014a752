"""The streaming LPM: what goes in, what comes out, on disk and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models.lpm.config import SamplerConfig, tiny
from models.lpm.model import MAX_ROTATION, MAX_TRANSLATION, Lpm, LpmChunk, homing_ramp, mouth_columns
from models.lpm.weights import CONFIG_FILE, load_lpm, load_streaming, save_lpm
from models.motion import CHUNK_FRAMES, INDEX, NUM_BLENDSHAPES, NUM_MOTION
from models.registry import WEIGHTS, weights_folder
from tests.unit.models.lpm.drawing import draw_chunk


@pytest.fixture
def lpm() -> Lpm:
    torch.manual_seed(0)
    lpm = Lpm(tiny()).eval().requires_grad_(requires_grad=False)
    nn.init.normal_(lpm.network.head.weight, std=2.0)
    for name, parameter in lpm.named_parameters():
        if "items_out" in name:
            nn.init.normal_(parameter, std=0.2)
    return lpm


def a_chunk(lpm: Lpm, slots: int = 2) -> LpmChunk:
    return draw_chunk(lpm.config, slots)


def test_a_step_gives_one_chunk_of_motion_per_slot(lpm: Lpm) -> None:
    motion, _ = lpm.step(lpm.init_state(2), a_chunk(lpm), torch.ones(2, dtype=torch.bool))
    assert motion.shape == (2, CHUNK_FRAMES, NUM_MOTION)


def test_motion_stays_within_what_a_face_can_do(lpm: Lpm) -> None:
    motion, _ = lpm.step(lpm.init_state(2), a_chunk(lpm), torch.ones(2, dtype=torch.bool))
    shapes, pose = motion[..., :NUM_BLENDSHAPES], motion[..., NUM_BLENDSHAPES:]
    assert shapes.min() == 0
    assert shapes.max() <= 1
    limits = torch.tensor((*[MAX_ROTATION] * 3, *MAX_TRANSLATION))
    assert (pose.abs() <= limits).all()


def test_the_same_noise_gives_the_same_motion(lpm: Lpm) -> None:
    chunk, active = a_chunk(lpm), torch.ones(2, dtype=torch.bool)
    first, _ = lpm.step(lpm.init_state(2), chunk, active)
    second, _ = lpm.step(lpm.init_state(2), chunk, active)
    assert torch.equal(first, second)


def test_the_mouth_starts_from_less_noise_than_the_rest(lpm: Lpm) -> None:
    assert lpm.temperature[INDEX["jawOpen"]] < lpm.temperature[INDEX["headYaw"]]


def test_the_mouth_is_jaw_lips_and_tongue() -> None:
    mouth = mouth_columns()
    assert mouth[INDEX["jawOpen"]]
    assert mouth[INDEX["mouthClose"]]
    assert not mouth[INDEX["eyeBlinkLeft"]]
    assert not mouth[INDEX["headYaw"]]


def test_without_items_a_slot_moves_as_if_none_of_its_items_asked_for_anything(lpm: Lpm) -> None:
    chunk = a_chunk(lpm)
    unasked = chunk._replace(concepts=chunk.concepts * 0, strengths=chunk.strengths * 0)
    empty = chunk._replace(concepts=chunk.concepts[:, :0], strengths=chunk.strengths[:, :0])
    assert torch.equal(first_motion(lpm, unasked), first_motion(lpm, empty))


def test_a_directed_neighbour_changes_no_bit_of_an_undirected_slot(lpm: Lpm) -> None:
    chunk = a_chunk(lpm)
    alone = chunk.concepts.clone()
    alone[0] = 0
    directed = first_motion(lpm, chunk._replace(concepts=alone))
    undirected = first_motion(lpm, chunk._replace(concepts=alone[:, :0], strengths=chunk.strengths[:, :0]))
    assert torch.equal(directed[0], undirected[0])
    assert not torch.equal(directed[1], undirected[1])


def test_guidance_leads_all_but_the_mouth_further_towards_what_is_asked_for(lpm: Lpm) -> None:
    guided, unguided = (first_motion(guided_by(lpm, scale), a_chunk(lpm)) for scale in (3.0, 1.0))
    mouth = mouth_columns()
    assert torch.equal(guided[..., mouth], unguided[..., mouth])
    assert (guided - unguided)[..., ~mouth].abs().max() > 1e-3


def guided_by(lpm: Lpm, scale: float) -> Lpm:
    other = Lpm(replace(lpm.config, sampler=replace(lpm.config.sampler, direction_guidance=scale))).eval()
    other.load_state_dict(lpm.state_dict())
    return other


def first_motion(lpm: Lpm, chunk: LpmChunk) -> Tensor:
    slots = len(chunk.noise)
    motion, _ = lpm.step(lpm.init_state(slots), chunk, torch.ones(slots, dtype=torch.bool))
    return motion


def test_homing_bends_the_head_only_and_more_towards_the_end_of_a_chunk() -> None:
    ramp = homing_ramp(SamplerConfig(homing=0.1))
    assert torch.equal(ramp[:, : INDEX["headPitch"]], torch.ones(CHUNK_FRAMES, NUM_BLENDSHAPES))
    assert ramp[-1, INDEX["headYaw"]].item() == pytest.approx(0.9)
    assert (ramp[:, INDEX["headYaw"]].diff() < 0).all()


def test_saved_weights_load_to_the_same_model_within_half_precision(lpm: Lpm, tmp_path: Path) -> None:
    lpm.mean.fill_(0.1)
    save_lpm(lpm, tmp_path)
    loaded = load_lpm(tmp_path)
    assert loaded.config == lpm.config
    before = lpm.state_dict()
    for name, tensor in loaded.state_dict().items():
        torch.testing.assert_close(tensor, before[name], atol=1e-3, rtol=1e-3)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no LPM in"):
        load_lpm(tmp_path)


def test_weights_of_another_shape_are_refused(lpm: Lpm, tmp_path: Path) -> None:
    save_lpm(lpm, tmp_path)
    config = tmp_path / CONFIG_FILE
    config.write_text(config.read_text().replace('"hidden": 64', '"hidden": 32'))
    with pytest.raises(ValueError, match="do not fit"):
        load_lpm(tmp_path)


def test_a_variant_without_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="there are: lpm motion"):
        weights_folder("lpm", "17b")


@pytest.mark.parametrize("folder", sorted(WEIGHTS.values()))
def test_shipped_weights_load_and_are_small(folder: Path) -> None:
    load_streaming(folder)
    assert sum(path.stat().st_size for path in folder.rglob("*")) <= 20e6
