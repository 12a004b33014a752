from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.personalive.config import tiny
from models.personalive.weights import SOURCES, Account, convert, load, networks, restore
from tests.unit.models.personalive.drawing import drawn

FILES = (
    "denoising_unet",
    "temporal_module",
    "reference_unet",
    "motion_encoder",
    "motion_extractor",
    "pose_guider",
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six files as they are published, of a tiny PersonaLive in half precision."""
    folder = tmp_path_factory.mktemp("published")
    files: dict[str, dict[str, Tensor]] = {stem: {} for stem in FILES}
    for network, module in networks(tiny(), torch.device("cpu")).named().items():
        for name, tensor in drawn(module).half().state_dict().items():
            published_name = SOURCES[network].published(name)
            stem = "temporal_module" if "temporal_modules" in published_name else network
            files[stem][published_name] = tensor
    for stem, tensors in files.items():
        torch.save(tensors, folder / f"{stem}.pth")
    return folder


@pytest.fixture(scope="module")
def conversion(published: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Account]]:
    folder = tmp_path_factory.mktemp("converted")
    return folder, convert(published, folder, tiny())


def _read(folder: Path, stem: str) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = torch.load(folder / f"{stem}.pth", weights_only=True)
    return tensors


def _changed(published: Path, folder: Path, stem: str, tensors: dict[str, Tensor]) -> Path:
    """Return a folder with the published files, one of which holds other tensors."""
    for other in FILES:
        (folder / f"{other}.pth").symlink_to(published / f"{other}.pth")
    (folder / f"{stem}.pth").unlink()
    torch.save(tensors, folder / f"{stem}.pth")
    return folder


def test_published_files_come_back_bit_for_bit(
    published: Path, conversion: tuple[Path, list[Account]], tmp_path: Path
) -> None:
    restore(conversion[0], tmp_path)

    for stem in FILES:
        before, after = _read(published, stem), _read(tmp_path, stem)
        assert before.keys() == after.keys()
        assert all(before[name].dtype == after[name].dtype for name in before)
        assert all(torch.equal(before[name], after[name]) for name in before)


def test_converted_files_fill_the_networks(published: Path, conversion: tuple[Path, list[Account]]) -> None:
    config, filled = load(conversion[0])

    assert config == tiny()
    state = filled.denoising_unet.state_dict()
    table = _read(published, "temporal_module")[
        "mid_block.temporal_modules.0.temporal_transformer.transformer_blocks.0"
        ".attention_blocks.1.pos_encoder.pe"
    ]
    assert torch.equal(state["trunk.mid.layers.0.temporal.attentions.1.positions"], table)
    assert not any(tensor.is_meta for module in filled.named().values() for tensor in module.buffers())


def test_an_account_tells_what_each_file_holds(
    published: Path, conversion: tuple[Path, list[Account]]
) -> None:
    accounts = {account.file: account for account in conversion[1]}

    tensors = _read(published, "pose_guider")
    guider = accounts["pose_guider.pth"]
    assert sorted(accounts) == sorted(f"{stem}.pth" for stem in FILES)
    assert (guider.tensors, guider.dtypes) == (len(tensors), ("float16",))
    assert guider.numbers == sum(tensor.numel() for tensor in tensors.values())


def test_everything_that_does_not_fit_is_named(published: Path, tmp_path: Path) -> None:
    tensors = _read(published, "denoising_unet")
    del tensors["conv_in.bias"]
    tensors |= {"conv_in.weight": torch.zeros(2, 3), "conv_over.bias": torch.zeros(4)}
    folder = _changed(published, tmp_path, "denoising_unet", tensors)

    with pytest.raises(ValueError, match=r"denoising_unet\.pth: 3 tensors do not fit") as error:
        convert(folder, tmp_path / "ours", tiny())

    assert "conv_in.bias [16] is missing" in str(error.value)
    assert "conv_in.weight is [2, 3], expected [16, 4, 3, 3]" in str(error.value)
    assert "conv_over.bias [4] is unknown" in str(error.value)


def test_a_tensor_in_the_wrong_file_is_refused(published: Path, tmp_path: Path) -> None:
    name, tensor = next(iter(_read(published, "temporal_module").items()))
    tensors = _read(published, "denoising_unet") | {name: tensor}
    folder = _changed(published, tmp_path, "denoising_unet", tensors)

    with pytest.raises(ValueError, match=r"denoising_unet\.pth: 1 tensors do not fit: .* is unknown"):
        convert(folder, tmp_path / "ours", tiny())


def test_a_table_that_the_network_computes_may_lack(published: Path, tmp_path: Path) -> None:
    tensors = _read(published, "motion_extractor")
    table = tensors.pop("idx_tensor")
    folder = _changed(published, tmp_path, "motion_extractor", tensors)

    convert(folder, tmp_path / "ours", tiny())

    _, filled = load(tmp_path / "ours")
    assert filled.motion_extractor.idx_tensor.tolist() == list(range(len(table)))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"denoising_unet\.pth is missing"):
        convert(tmp_path, tmp_path / "ours", tiny())


def test_a_file_with_more_than_tensors_is_refused(published: Path, tmp_path: Path) -> None:
    strange: dict[str, object] = {"epoch": 3}
    folder = _changed(published, tmp_path, "denoising_unet", strange)  # type: ignore[arg-type]  # that is the point

    with pytest.raises(ValueError, match=r"more than tensors: \['epoch'\]"):
        convert(folder, tmp_path / "ours", tiny())


def test_a_file_that_would_run_code_is_refused(published: Path, tmp_path: Path) -> None:
    folder = _changed(published, tmp_path, "denoising_unet", {"run": Path("x")})  # type: ignore[dict-item]  # as above

    with pytest.raises(ValueError, match="not a file of tensors"):
        convert(folder, tmp_path / "ours", tiny())


def test_a_folder_that_was_not_converted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no converted PersonaLive"):
        load(tmp_path)
