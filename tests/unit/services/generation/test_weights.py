from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from models.fantasytalking import config as fantasytalking_config
from models.fantasytalking.network import FantasyTalking
from models.fantasytalking.weights import save_network
from models.lpm.config import tiny
from models.lpm.model import Lpm
from models.lpm.weights import save_lpm
from services.generation.settings import WeightFolders
from services.generation.weights import convert_personalive, places, verify
from services.kit.errors import BadInput
from tests.unit.services.generation.published import publish


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def converted(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("personalive") / "converted"
    convert_personalive(published, folder, "tiny")
    return folder


def test_what_was_converted_is_whole(converted: Path) -> None:
    report = verify(converted)

    assert report.system == "personalive"
    assert report.numbers > report.tensors > 100
    assert report.size_bytes == sum(file.stat().st_size for file in converted.glob("*.safetensors"))


def test_every_missing_file_is_named(converted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(converted, folder)
    for network in ("pose_guider", "motion_encoder"):
        (folder / f"{network}.safetensors").unlink()

    with pytest.raises(
        BadInput, match=r"whole weights: motion_encoder\.safetensors, pose_guider\.safetensors missing"
    ):
        verify(folder)


def test_a_truncated_file_is_refused(converted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(converted, folder)
    file = folder / "denoising_unet.safetensors"
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(BadInput, match="whole weights"):
        verify(folder)


def test_a_conversion_that_fails_leaves_nothing(published: Path, tmp_path: Path) -> None:
    source = tmp_path / "published"
    shutil.copytree(published, source)
    tensors = torch.load(source / "reference_unet.pth", weights_only=True)
    name = min(tensors)
    del tensors[name]
    torch.save(tensors, source / "reference_unet.pth")

    with pytest.raises(BadInput, match=rf"reference_unet\.pth: 1 tensors do not fit: {name} .* is missing"):
        convert_personalive(source, tmp_path / "converted", "tiny")

    assert [path.name for path in tmp_path.iterdir()] == ["published"]


def test_a_folder_that_exists_is_not_overwritten(converted: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="exists already"):
        convert_personalive(tmp_path, converted, "tiny")


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"denoising_unet\.pth is missing"):
        convert_personalive(tmp_path, tmp_path / "converted", "tiny")


def test_an_lpm_is_known_by_its_configuration(tmp_path: Path) -> None:
    save_lpm(Lpm(tiny()), tmp_path)

    assert verify(tmp_path).system == "lpm"


def test_names_of_fantasytalking_are_compared(tmp_path: Path) -> None:
    save_network(FantasyTalking(fantasytalking_config.tiny()), tmp_path)
    assert verify(tmp_path).system == "fantasytalking"

    config = json.loads((tmp_path / "config.json").read_text())
    config["backbone"]["layers"] += 1
    (tmp_path / "config.json").write_text(json.dumps(config))

    with pytest.raises(BadInput, match=r"missing .*blocks\.2"):
        verify(tmp_path)


@pytest.mark.parametrize("config", ["{}", "[]", "{", '{"unet": 1, "backbone": 2}'])
def test_a_configuration_of_nothing_known_is_refused(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config)

    with pytest.raises(BadInput, match="whole weights"):
        verify(tmp_path)


def test_a_folder_of_anything_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"config\.json is missing"):
        verify(tmp_path)


def test_places_are_shipped_or_configured(tmp_path: Path) -> None:
    found = {place.system: place for place in places(WeightFolders(personalive=tmp_path))}

    assert found["lpm"].is_shipped
    assert found["lpm"].folder is not None
    assert (found["personalive"].is_shipped, found["personalive"].folder) == (False, tmp_path)
    assert found["fantasytalking"].folder is None
