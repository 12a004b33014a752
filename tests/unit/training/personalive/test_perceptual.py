"""A distance of features: none between equals, and read from files as they are published."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from training.personalive import perceptual
from training.personalive.perceptual import DISTANCES_FILE, FEATURES_FILE, FeatureConfig, PerceptualDistance

# The convolutions of VGG16 as torchvision numbers them.
PUBLISHED = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


def pictures() -> Tensor:
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_equals_have_no_distance_and_it_grows_with_noise() -> None:
    distance = perceptual.draw(perceptual.tiny(), 0)
    noise = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    none, small, large = (distance(pictures(), pictures() + share * noise) for share in (0, 0.05, 0.5))
    assert none.abs().max() == 0
    assert (small > 0).all()
    assert (large > 2 * small).all()


def test_pictures_learn_from_it_and_it_does_not() -> None:
    distance = perceptual.draw(perceptual.tiny(), 0)
    made = (pictures() * 0.5).requires_grad_()
    distance(made, pictures()).sum().backward()
    assert made.grad is not None
    assert made.grad.abs().max() > 0
    assert not any(parameter.requires_grad for parameter in distance.parameters())


def test_features_go_by_torchvisions_names() -> None:
    with torch.device("meta"):
        names = PerceptualDistance(FeatureConfig()).state_dict()
    found = {name for name in names if name.startswith("features.")}
    assert found == {f"features.{i}.{part}" for i in PUBLISHED for part in ("weight", "bias")}


def publish(folder: Path) -> PerceptualDistance:
    """Write a small network in the layout of the published files; the classifier is not read."""
    network = perceptual.draw(perceptual.tiny(), 3)
    state = network.state_dict()
    features = {name: tensor for name, tensor in state.items() if name.startswith("features.")}
    torch.save({**features, "classifier.0.weight": torch.zeros(1)}, folder / FEATURES_FILE)
    distances = {f"lin{i}.model.1.weight": state[f"distances.{i}.weight"] for i in range(2)}
    torch.save(distances, folder / DISTANCES_FILE)
    return network


def test_published_files_are_read(tmp_path: Path) -> None:
    written = publish(tmp_path)
    read = perceptual.load(tmp_path, perceptual.tiny())
    assert torch.equal(read(pictures(), -pictures()), written(pictures(), -pictures()))


def test_tensors_that_do_not_fit_are_named(tmp_path: Path) -> None:
    publish(tmp_path)
    torch.save({"lin0.model.1.weight": torch.zeros(1, 8, 1, 1)}, tmp_path / DISTANCES_FILE)
    with pytest.raises(ValueError, match=r"lin1\.model\.1\.weight \[1, 16, 1, 1\] is missing"):
        perceptual.load(tmp_path, perceptual.tiny())
