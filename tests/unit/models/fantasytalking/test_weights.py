from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.fantasytalking.config import published, tiny
from models.fantasytalking.names import file_name, is_audio, is_published
from models.fantasytalking.network import FantasyTalking
from models.fantasytalking.weights import check, load_network, load_published, save_network, save_published
from tests.unit.models.fantasytalking.scenes import make_network, make_scene, released

CONFIG = released(tiny())


def _files(tmp_path: Path, network: FantasyTalking) -> tuple[Path, Path]:
    backbone, audio = tmp_path / "backbone.safetensors", tmp_path / "audio.ckpt"
    save_published(network, backbone, audio)
    return backbone, audio


def _published(network: FantasyTalking) -> dict[str, Tensor]:
    return {file_name(name): tensor for name, tensor in network.state_dict().items() if is_published(name)}


def _audio(network: FantasyTalking) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in _published(network).items() if is_audio(name)}


def _same(one: FantasyTalking, two: FantasyTalking) -> bool:
    first, second = one.state_dict(), two.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


def test_every_published_tensor_has_a_place_and_no_other() -> None:
    with torch.device("meta"):
        network = FantasyTalking(published())
    shapes = {name: tuple(tensor.shape) for name, tensor in _published(network).items()}

    check(network, shapes)

    counts = [sum(is_audio(name) is audio for name in shapes) for audio in (False, True)]
    numbers = [
        sum(tensor.numel() for name, tensor in _published(network).items() if is_audio(name) is audio)
        for audio in (False, True)
    ]
    assert counts == [1303, 83]
    assert numbers == [16_394_878_784, 840_437_760]


def test_published_files_come_back_bit_for_bit(tmp_path: Path) -> None:
    network = make_network(CONFIG)
    files = _files(tmp_path, network)
    again = tmp_path / "again"
    again.mkdir()

    loaded = load_published(CONFIG, files)

    assert _same(loaded, network)
    backbone, audio = _files(again, loaded)
    assert backbone.read_bytes() == files[0].read_bytes()
    first, second = (torch.load(path, weights_only=True) for path in (audio, files[1]))
    assert first.keys() == second.keys() == {"proj_model", "audio_processor"}
    assert all(torch.equal(first[k][n], second[k][n]) for k in first for n in first[k])


def test_a_loaded_network_computes_what_the_saved_one_does(tmp_path: Path) -> None:
    scene = make_scene(CONFIG)

    loaded = scene._replace(network=load_published(CONFIG, _files(tmp_path, scene.network)))

    assert torch.equal(loaded.velocity(loaded.speaking()), scene.velocity(scene.speaking()))


def test_the_backbone_may_be_in_shards_and_in_diffusers_names(tmp_path: Path) -> None:
    network = make_network(CONFIG)
    _, audio = _files(tmp_path, network)
    folder = tmp_path / "transformer"
    folder.mkdir()
    backbone = {n: t for n, t in network.backbone.state_dict().items() if ".processor." not in n}
    backbone["blocks.0.attn2.norm_added_q.weight"] = torch.ones(3)
    names = sorted(backbone)
    save_file({n: backbone[n] for n in names[:20]}, folder / "model-00001-of-00002.safetensors")
    save_file({n: backbone[n] for n in names[20:]}, folder / "model-00002-of-00002.safetensors")

    assert _same(load_published(CONFIG, (folder, audio)), network)


@pytest.mark.parametrize("layout", ["flat", "wrapper", "bare", "merged", "comfy"])
def test_repackaged_files_are_read(tmp_path: Path, layout: str) -> None:
    network = make_network(CONFIG)
    backbone, _ = _files(tmp_path, network)
    audio = _audio(network)
    other = tmp_path / "other.safetensors"
    files = [backbone, other]
    if layout == "flat":
        save_file({n if "proj_model" in n else f"audio_processor.{n}": t for n, t in audio.items()}, other)
    elif layout == "wrapper":
        save_file({n.replace(".processor.", "."): t for n, t in audio.items()}, other)
    elif layout == "bare":
        files.append(tmp_path / "projection.safetensors")
        save_file({n: t for n, t in audio.items() if "proj_model" not in n}, other)
        bare = {n.removeprefix("proj_model."): t for n, t in audio.items() if "proj_model" in n}
        save_file(bare, files[-1])
    elif layout == "merged":
        save_file(_published(network), other)
        files = [other]
    else:
        save_file({f"model.diffusion_model.{n}": t for n, t in _published(network).items()}, other)
        files = [other]

    assert _same(load_published(CONFIG, files), network)


def test_an_audit_names_every_tensor_that_does_not_fit(tmp_path: Path) -> None:
    backbone, audio = _files(tmp_path, make_network(CONFIG))
    tensors = load_file(backbone)
    del tensors["head.head.bias"]
    tensors["blocks.1.modulation"] = torch.zeros(1, 6, 5)
    tensors["blocks.7.norm3.bias"] = torch.zeros(2)
    save_file(tensors, backbone)

    with pytest.raises(ValueError, match="3 tensors do not fit") as refusal:
        load_published(CONFIG, (backbone, audio))

    assert "missing head.head.bias (64,)" in str(refusal.value)
    assert "misshaped blocks.1.modulation: found (1, 6, 5), expected (1, 6, 24)" in str(refusal.value)
    assert "unexpected blocks.7.norm3.bias (2,)" in str(refusal.value)


def test_the_same_tensor_in_two_files_is_refused(tmp_path: Path) -> None:
    backbone, audio = _files(tmp_path, make_network(CONFIG))
    twice = tmp_path / "twice.safetensors"
    save_file(_audio(make_network(CONFIG)), twice)

    with pytest.raises(ValueError, match="both"):
        load_published(CONFIG, (backbone, audio, twice))


def test_a_pickle_with_more_than_tensors_is_refused(tmp_path: Path) -> None:
    backbone, audio = _files(tmp_path, make_network(CONFIG))
    torch.save({"proj_model": {"step": 7}}, audio)

    with pytest.raises(ValueError, match=r"expected tensors in audio.ckpt, got a int at proj_model.step"):
        load_published(CONFIG, (backbone, audio))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "weights.onnx"
    other.write_bytes(b"")

    with pytest.raises(ValueError, match=r"expected .safetensors or one of"):
        load_published(CONFIG, (other,))
    with pytest.raises(ValueError, match="no weights at"):
        load_published(CONFIG, (tmp_path / "none.ckpt",))


def test_the_release_loads_into_a_network_with_more_branches_and_does_not_change(tmp_path: Path) -> None:
    scene = make_scene(CONFIG)

    whole = scene._replace(network=load_published(tiny(), _files(tmp_path, scene.network)))

    context = whole.speaking()._replace(
        identity=whole.network.read_face(torch.ones(1, 8)),
        intensity=whole.network.read_intensity(torch.tensor([0.5]), torch.tensor([0.5])),
    )
    assert torch.equal(whole.velocity(context), scene.velocity(scene.speaking()))


def test_a_saved_network_is_loaded_with_all_its_branches(tmp_path: Path) -> None:
    network = make_network(tiny())

    save_network(network, tmp_path)

    loaded = load_network(tmp_path)
    assert loaded.config == tiny()
    assert _same(loaded, network)


def test_a_saved_network_that_lacks_a_part_of_a_branch_is_refused(tmp_path: Path) -> None:
    save_network(make_network(tiny()), tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["face_queries.norm.bias"]
    save_file(tensors, tmp_path / "model.safetensors")

    with pytest.raises(ValueError, match=r"missing face_queries.norm.bias"):
        load_network(tmp_path)


def test_a_folder_without_a_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no FantasyTalking in"):
        load_network(tmp_path)


def test_half_precision_keeps_what_the_reference_computes_in_single(tmp_path: Path) -> None:
    scene = make_scene(CONFIG)

    halved = load_published(CONFIG, _files(tmp_path, scene.network), torch.bfloat16)

    single = {name for name, tensor in halved.state_dict().items() if tensor.dtype is torch.float32}
    assert "backbone.blocks.0.scale_shift_table" in single
    assert "backbone.condition_embedder.time_embedder.linear_1.weight" in single
    assert "audio_projection.proj.weight" in single
    assert "backbone.blocks.0.attn1.to_q.weight" not in single


def test_every_branch_computes_in_half_precision(tmp_path: Path) -> None:
    scene = make_scene()
    save_network(scene.network, tmp_path)
    halved = scene._replace(network=load_network(tmp_path, torch.bfloat16))
    half, face = torch.tensor([0.5]), torch.ones(1, 8)

    one, two = (
        each.velocity(
            each.speaking()._replace(
                identity=each.network.read_face(face), intensity=each.network.read_intensity(half, half)
            )
        ).float()
        for each in (scene, halved)
    )

    assert (one - two).abs().amax() < 0.05 * one.abs().amax()


def test_half_precision_computes_about_the_same(tmp_path: Path) -> None:
    scene = make_scene(CONFIG)
    files = _files(tmp_path, scene.network)
    halved = scene._replace(network=load_published(CONFIG, files, torch.bfloat16))

    velocity = halved.velocity(halved.speaking())

    expected = scene.velocity(scene.speaking())
    assert velocity.dtype is torch.bfloat16
    assert (velocity.float() - expected).abs().amax() < 0.05 * expected.abs().amax()
