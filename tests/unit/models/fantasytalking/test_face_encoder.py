from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.fantasytalking.face_encoder import (
    FaceEncoder,
    FaceEncoderConfig,
    face_encoder_50,
    face_encoder_100,
    load_face_encoder,
    tiny_face_encoder,
)

FACES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture
def encoder() -> FaceEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FaceEncoder(tiny_face_encoder()).eval()


def _names(config: FaceEncoderConfig) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in FaceEncoder(config).state_dict().items()}


@pytest.mark.parametrize(
    ("config", "layers"), [(face_encoder_50(), (3, 4, 14, 3)), (face_encoder_100(), (3, 13, 30, 3))]
)
def test_names_and_shapes_are_those_of_the_published_files(
    config: FaceEncoderConfig, layers: tuple[int, ...]
) -> None:
    expected: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 3, 3, 3), "prelu.weight": (64,)}
    expected |= _norm("bn1", 64) | _norm("bn2", 512) | _norm("features", 512)
    expected |= {"fc.weight": (512, 25088), "fc.bias": (512,)}
    width = 64
    for stage, (count, channels) in enumerate(zip(layers, (64, 128, 256, 512), strict=True), 1):
        for index in range(count):
            name = f"layer{stage}.{index}"
            expected |= _norm(f"{name}.bn1", width)
            expected |= _norm(f"{name}.bn2", channels) | _norm(f"{name}.bn3", channels)
            expected[f"{name}.conv1.weight"] = (channels, width, 3, 3)
            expected[f"{name}.conv2.weight"] = (channels, channels, 3, 3)
            expected[f"{name}.prelu.weight"] = (channels,)
            if index == 0:
                expected[f"{name}.downsample.0.weight"] = (channels, width, 1, 1)
                expected |= _norm(f"{name}.downsample.1", channels)
            width = channels
    assert _names(config) == expected


def _norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    each = {f"{name}.{leaf}": (channels,) for leaf in ("weight", "bias", "running_mean", "running_var")}
    return {**each, f"{name}.num_batches_tracked": ()}


def test_a_saved_encoder_is_loaded_and_sees_the_same(encoder: FaceEncoder, tmp_path: Path) -> None:
    torch.save(encoder.state_dict(), tmp_path / "backbone.pth")

    loaded = load_face_encoder(tmp_path / "backbone.pth", tiny_face_encoder())

    assert loaded(FACES).shape == (2, 8)
    assert torch.equal(loaded(FACES), encoder(FACES))
    assert not torch.allclose(loaded(FACES)[0], loaded(FACES)[1])


def test_files_may_lack_counters_but_nothing_else(encoder: FaceEncoder, tmp_path: Path) -> None:
    tensors: dict[str, Tensor] = {n: t for n, t in encoder.state_dict().items() if "num_batches" not in n}
    torch.save(tensors, tmp_path / "backbone.pth")
    assert torch.equal(
        load_face_encoder(tmp_path / "backbone.pth", tiny_face_encoder())(FACES), encoder(FACES)
    )

    del tensors["layer2.0.bn3.running_mean"]
    torch.save(tensors | {"extra": torch.ones(1)}, tmp_path / "backbone.pth")
    with pytest.raises(ValueError, match=r"missing layer2\.0\.bn3\.running_mean \(8,\); unexpected extra"):
        load_face_encoder(tmp_path / "backbone.pth", tiny_face_encoder())


def test_a_block_adds_to_its_input_and_halves_at_the_beginning_of_a_stage(encoder: FaceEncoder) -> None:
    x = torch.rand(1, 4, 8, 8)
    first = encoder.get_submodule("layer2.0")
    for name in ("bn3.weight", "bn3.bias"):
        torch.nn.init.zeros_(first.get_parameter(name))

    assert torch.equal(first(x), first.get_submodule("downsample")(x))
    assert first(x).shape == (1, 8, 4, 4)


def test_a_size_that_does_not_halve_so_often_is_refused() -> None:
    with pytest.raises(ValueError, match="do not divide 20 pixels"):
        FaceEncoderConfig(blocks=(1, 1, 1), channels=(4, 4, 4), side=20)
