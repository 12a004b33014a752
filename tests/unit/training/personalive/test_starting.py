"""Networks as runs begin with them, what each stage teaches of them, and how they are written."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.personalive.attention import Attention
from models.personalive.config import tiny
from models.personalive.temporal_module import TemporalModule
from models.personalive.weights import Networks, load
from training.personalive.config import Ablation, Stage, tiny_run
from training.personalive.starting import ChunkAttention, draw_networks, save_networks, start_networks, taught

CONFIG = tiny_run("sliding")


def names_taught(networks: Networks, stage: Stage) -> set[str]:
    chosen = {id(parameter) for parameter in taught(networks, stage)}
    return {
        f"{network}.{name}"
        for network, module in networks.named().items()
        for name, parameter in module.named_parameters()
        if id(parameter) in chosen
    }


def test_fresh_networks_come_of_their_seed_alone() -> None:
    torch.manual_seed(3)
    one, other = (draw_networks(CONFIG.model, 0).named()["pose_guider"].state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_temporal_modules_begin_by_changing_nothing() -> None:
    networks = draw_networks(CONFIG.model, 0)
    module = next(m for m in networks.denoising_unet.modules() if isinstance(m, TemporalModule))
    x = torch.randn(8, 16, 2, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(module(x, 4), x)


def test_the_sliding_stage_teaches_temporal_modules_alone() -> None:
    names = names_taught(draw_networks(CONFIG.model, 0), "sliding")
    assert names
    assert all(name.startswith("denoising_unet.") and ".temporal." in name for name in names)


def test_the_other_stages_teach_neither_them_nor_the_extractor_nor_the_references_end() -> None:
    networks = draw_networks(tiny(), 0)
    names = names_taught(networks, "pictures")
    assert names == names_taught(networks, "few-steps")
    assert {name.split(".")[0] for name in names} == set(networks.named()) - {"motion_extractor"}
    assert not any(".temporal." in name or name.startswith("reference_unet.trunk.up.3") for name in names)
    assert any(name.startswith("reference_unet.trunk.up.2") for name in names)


def test_networks_come_back_as_they_were_written(tmp_path: Path) -> None:
    networks = draw_networks(CONFIG.model, 0)
    save_networks(CONFIG.model, networks, tmp_path)
    config, loaded = load(tmp_path)
    assert config == CONFIG.model
    for one, other in zip(networks.named().values(), loaded.named().values(), strict=True):
        written, read = one.state_dict(), other.state_dict()
        assert all(torch.equal(written[name], read[name]) for name in written)


def test_a_start_of_another_size_is_refused(tmp_path: Path) -> None:
    save_networks(tiny(), draw_networks(tiny(), 0), tmp_path)
    with pytest.raises(ValueError, match="of another size"):
        start_networks(CONFIG, tmp_path)


def test_an_ablation_may_begin_with_other_chunks(tmp_path: Path) -> None:
    save_networks(CONFIG.model, draw_networks(CONFIG.model, 0), tmp_path)
    config = tiny_run("sliding", Ablation(chunk_frames=2, keeps_keyframes=False))
    assert config.model.keyframes.limit == 0
    assert start_networks(config, tmp_path).denoising_unet.config.frames in {8, 16}


def test_attention_by_chunks_sees_no_later_chunk() -> None:
    torch.manual_seed(0)
    plain = Attention(width=8, context_width=8, heads=2)
    chunked = ChunkAttention.of(plain, 2)
    tokens = torch.randn(3, 6, 8)
    later = torch.cat([tokens[:, :4], torch.randn(3, 2, 8)], dim=1)
    one, other = (chunked(each, chunked.project(each)) for each in (tokens, later))
    assert torch.equal(one[:, :4], other[:, :4])
    alone = plain(tokens[:, :4], plain.project(tokens[:, :4]))
    assert torch.allclose(one[:, 2:4], alone[:, 2:], atol=1e-6)
    assert not torch.allclose(one[:, :2], alone[:, :2], atol=1e-3)


def test_an_ablation_gives_every_temporal_attention_chunks() -> None:
    networks = start_networks(tiny_run("sliding", Ablation(chunk_attention=True)), None)
    plain = draw_networks(CONFIG.model, 0).denoising_unet
    chunked = networks.denoising_unet
    assert sum(isinstance(m, ChunkAttention) for m in chunked.modules()) == sum(
        2 * isinstance(m, TemporalModule) for m in plain.modules()
    )
    assert chunked.state_dict().keys() == plain.state_dict().keys()
