"""What a run begins with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.fantasytalking.config import published
from models.fantasytalking.names import is_audio, published_name
from models.fantasytalking.network import without_weights
from models.fantasytalking.weights import save_network
from tests.unit.training.fantasytalking.people import run_of
from training.fantasytalking.config import Stage, TrainingConfig, whole_run
from training.fantasytalking.starting import checkpoint_blocks, start_network, taught


@pytest.mark.parametrize("stage", ["clip", "frame"])
def test_the_stages_of_speech_teach_what_was_published_with_fantasytalking(stage: Stage) -> None:
    network = without_weights(published())
    names = {id(parameter): published_name(name) for name, parameter in network.named_parameters()}
    learns = [names[id(parameter)] for parameter in taught(network, stage)]
    assert len(learns) == 83
    assert all(is_audio(name) for name in learns)


def test_a_network_begins_alike_for_a_seed_and_in_single_precision_where_it_learns(tmp_path: Path) -> None:
    config = replace(run_of("clip"), precision="bfloat16")
    save_network(start_network(config, None), tmp_path)
    one, two = (start_network(config, tmp_path) for _ in range(2))
    assert all(torch.equal(value, two.state_dict()[name]) for name, value in one.state_dict().items())
    types = {name: parameter.dtype for name, parameter in one.named_parameters()}
    assert types["backbone.blocks.0.attn2.processor.speech.k_proj.weight"] is torch.float32
    assert types["backbone.blocks.0.attn1.to_q.weight"] is torch.bfloat16


def test_the_release_grows_the_branches_that_nobody_published(tmp_path: Path) -> None:
    config = run_of("identity")
    plain = replace(config.model, identity=None, intensity=None)
    save_network(start_network(replace(run_of("clip"), model=plain), None), tmp_path)
    one, two = (start_network(config, tmp_path) for _ in range(2))
    assert one.config == config.model
    assert all(torch.equal(value, two.state_dict()[name]) for name, value in one.state_dict().items())
    assert not any(block.attn2.processor.identity.v_proj.weight.any() for block in one.backbone.blocks)


def test_a_folder_with_another_network_is_refused(tmp_path: Path) -> None:
    config = run_of("clip")
    save_network(start_network(config, None), tmp_path)
    other = replace(config, model=replace(config.model, audio=replace(config.model.audio, expansion=2)))
    with pytest.raises(ValueError, match="another size"):
        start_network(other, tmp_path)


def test_a_stage_without_its_branch_is_refused() -> None:
    config = run_of("clip")
    with pytest.raises(ValueError, match="needs a model with an identity branch"):
        replace(config, stage="identity", model=replace(config.model, identity=None))
    with pytest.raises(ValueError, match="needs a model with a motion-intensity network"):
        replace(config, stage="intensity", model=replace(config.model, intensity=None))
    with pytest.raises(ValueError, match="lacks the branch"):
        list(taught(without_weights(published()), "intensity"))


@pytest.mark.parametrize("frames", [1, 8])
def test_frames_that_fill_no_latents_are_refused(frames: int) -> None:
    with pytest.raises(ValueError, match="one frame more than a multiple of 4"):
        replace(run_of("clip"), frames=frames)


def test_a_face_encoder_of_another_width_is_refused() -> None:
    wide: TrainingConfig = whole_run("identity")
    with pytest.raises(ValueError, match="reads 8 numbers of a face, got 512"):
        replace(run_of("identity"), face=wide.face)


def test_blocks_that_forget_compute_the_same() -> None:
    network = start_network(run_of("base"), None)
    block = network.backbone.blocks[0]
    hidden = torch.randn(1, 4, 24)
    plain = block.ffn(hidden)
    checkpoint_blocks(network)
    assert torch.equal(block.ffn(hidden), plain)
    assert block.forward.func is torch.utils.checkpoint.checkpoint
