from __future__ import annotations

import weakref
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.fantasytalking.checkpoint import stored_tensors
from models.fantasytalking.config import published, tiny
from models.fantasytalking.conversion import SHARD_BYTES, convert
from models.fantasytalking.names import file_name
from models.fantasytalking.network import FantasyTalking, without_weights
from models.fantasytalking.shards import INDEX_FILE, WEIGHTS_FILE, plan_shards, read_shards, write_shards
from models.fantasytalking.weights import check_folder, load_network, precision, save_published
from tests.unit.models.fantasytalking.scenes import make_network, make_scene, released

CONFIG = released(tiny())
SMALL = 20_000


@pytest.fixture
def network() -> FantasyTalking:
    return make_network(CONFIG)


def _download(folder: Path, network: FantasyTalking) -> Path:
    """Write what is published as users have it: the original layout, other networks beside it."""
    base = folder / "Wan2.1-I2V-14B-720P"
    base.mkdir(parents=True)
    save_published(network, folder / "all.safetensors", folder / "fantasytalking_model.ckpt")
    tensors = load_file(folder / "all.safetensors")
    (folder / "all.safetensors").unlink()
    for index, names in enumerate((sorted(tensors)[::2], sorted(tensors)[1::2]), 1):
        file = base / f"diffusion_pytorch_model-0000{index}-of-00002.safetensors"
        save_file({name: tensors[name] for name in names}, file)
    text_encoder = {"norm.weight": torch.ones(16), "blocks.0.attn.q.weight": torch.ones(2, 2)}
    torch.save(text_encoder, base / "models_t5_umt5-xxl-enc-bf16.pth")
    return folder


def _same(one: FantasyTalking, two: FantasyTalking) -> bool:
    first, second = one.state_dict(), two.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


def test_a_download_in_the_original_layout_becomes_one_folder(
    tmp_path: Path, network: FantasyTalking
) -> None:
    source = _download(tmp_path / "source", network)

    accounts = convert(source, tmp_path / "ours", CONFIG, torch.float32)

    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == ["config.json", WEIGHTS_FILE]
    assert _same(load_network(tmp_path / "ours"), network)
    assert [account.file for account in accounts] == [
        "Wan2.1-I2V-14B-720P/diffusion_pytorch_model-00001-of-00002.safetensors",
        "Wan2.1-I2V-14B-720P/diffusion_pytorch_model-00002-of-00002.safetensors",
        "fantasytalking_model.ckpt",
    ]
    assert sum(account.tensors for account in accounts) == len(network.state_dict())
    assert [account.dtypes for account in accounts] == [("F32",), ("F32",), ("float32",)]


def test_diffusers_layout_and_a_repackaged_audio_branch_become_the_same_folder(
    tmp_path: Path, network: FantasyTalking
) -> None:
    original = _download(tmp_path / "original", network)
    other = tmp_path / "other"
    (other / "transformer").mkdir(parents=True)
    state = network.state_dict()
    ours = {n.removeprefix("backbone."): t for n, t in state.items() if n.startswith("backbone.")}
    backbone = {n: t for n, t in ours.items() if ".processor." not in n}
    save_file(backbone, other / "transformer" / "diffusion_pytorch_model.safetensors")
    audio = stored_tensors(original / "fantasytalking_model.ckpt")
    flat = {name.removeprefix("audio_processor."): tensor.read() for name, tensor in audio.items()}
    wrapper = {name.replace(".processor.", "."): tensor.clone() for name, tensor in flat.items()}
    save_file(wrapper, other / "fantasytalking_fp32.safetensors")

    for source in (original, other):
        convert(source, tmp_path / f"{source.name}-ours", CONFIG, torch.float32)

    files = [tmp_path / f"{name}-ours" / WEIGHTS_FILE for name in ("original", "other")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_shards_load_as_one_file_does(tmp_path: Path, network: FantasyTalking) -> None:
    source, target = _download(tmp_path / "source", network), tmp_path / "ours"

    convert(source, target, CONFIG, torch.float32, shard_bytes=SMALL)

    shards = sorted(target.glob("*.safetensors"))
    assert len(shards) > 3
    assert shards[0].name == f"model-00001-of-0000{len(shards)}.safetensors"
    assert max(shard.stat().st_size for shard in shards) < SMALL + 8192
    check_folder(target)
    assert _same(load_network(target), network)


def test_halved_weights_keep_single_precision_where_the_reference_does(tmp_path: Path) -> None:
    scene = make_scene(CONFIG)
    source = _download(tmp_path / "source", scene.network)

    convert(source, tmp_path / "ours", CONFIG)

    types = {name: tensor.dtype for name, tensor in read_shards(tmp_path / "ours").items()}
    assert types["blocks.0.self_attn.q.weight"] == types["blocks.0.cross_attn.processor.k_proj.weight"]
    assert types["blocks.0.self_attn.q.weight"] == "BF16"
    assert types["blocks.0.modulation"] == types["proj_model.proj.weight"] == "F32"
    halved = scene._replace(network=load_network(tmp_path / "ours", torch.bfloat16))
    difference = halved.velocity(halved.speaking()).float() - scene.velocity(scene.speaking())
    assert difference.abs().max() < 0.05


def test_no_more_than_one_shard_is_held(tmp_path: Path) -> None:
    alive: list[weakref.ref[Tensor]] = []
    most = 0

    def read(_: str) -> Tensor:
        nonlocal most
        tensor = torch.zeros(10)
        alive.append(weakref.ref(tensor))
        most = max(most, sum(ref() is not None for ref in alive))
        return tensor

    names = [f"tensor{index}" for index in range(9)]
    plan = plan_shards(dict.fromkeys(names, (10,)), lambda _: torch.float32, limit_bytes=80)
    write_shards(tmp_path, plan, read)

    assert [len(held) for held in plan.values()] == [2, 2, 2, 2, 1]
    # The last shard may still be held while the first tensor of the next is read.
    assert most <= 3


def test_the_published_14b_fits_in_shards_of_four_gibibytes() -> None:
    network = without_weights(published())
    kept = {file_name(name): precision(name, torch.bfloat16) for name in network.state_dict()}
    shapes = {file_name(name): tuple(tensor.shape) for name, tensor in network.state_dict().items()}

    plan = plan_shards(shapes, kept.__getitem__, SHARD_BYTES)

    sizes = {name: torch.Size(shape).numel() * kept[name].itemsize for name, shape in shapes.items()}
    assert sorted(name for names in plan.values() for name in names) == sorted(shapes)
    assert len(shapes) == 1386
    assert 34.4e9 < sum(sizes.values()) < 34.7e9
    assert max(sum(sizes[name] for name in names) for names in plan.values()) <= SHARD_BYTES
    assert next(iter(plan)) == "model-00001-of-00009.safetensors"


def test_nothing_is_written_of_files_that_do_not_fit(tmp_path: Path, network: FantasyTalking) -> None:
    source = _download(tmp_path / "source", network)
    shard = next(source.rglob("*00001*"))
    tensors = load_file(shard)
    del tensors["blocks.0.cross_attn.k.bias"]
    save_file(tensors | {"blocks.0.extra": torch.ones(1)}, shard)

    with pytest.raises(
        ValueError, match=r"missing blocks\.0\.cross_attn\.k\.bias.*unexpected blocks\.0\.extra"
    ):
        convert(source, tmp_path / "ours", CONFIG)

    assert not (tmp_path / "ours").exists()


def test_a_source_without_the_network_is_refused(tmp_path: Path) -> None:
    save_file({"norm.weight": torch.ones(16), "encoder.weight": torch.ones(2)}, tmp_path / "a.safetensors")

    with pytest.raises(ValueError, match="no file holds tensors"):
        convert(tmp_path, tmp_path / "ours", CONFIG)
    with pytest.raises(ValueError, match="not a folder"):
        convert(tmp_path / "none", tmp_path / "ours", CONFIG)


def test_a_missing_shard_and_a_wrong_index_are_named(tmp_path: Path, network: FantasyTalking) -> None:
    convert(_download(tmp_path / "source", network), tmp_path / "ours", CONFIG, shard_bytes=SMALL)
    index = tmp_path / "ours" / INDEX_FILE
    text = index.read_text()

    index.write_text(text.replace('"head.head.bias"', '"head.head.bios"'))
    with pytest.raises(ValueError, match=r"disagree about head\.head\.bias, head\.head\.bios"):
        check_folder(tmp_path / "ours")

    index.write_text(text)
    next((tmp_path / "ours").glob("model-00001*")).unlink()
    with pytest.raises(ValueError, match=r"model-00001-of-\d+\.safetensors is missing"):
        load_network(tmp_path / "ours")


def test_an_index_of_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / INDEX_FILE).write_text("{}")

    with pytest.raises(ValueError, match="no index of tensors"):
        read_shards(tmp_path)
