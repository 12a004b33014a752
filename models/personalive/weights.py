"""PersonaLive's networks on disk: the six published files, and the folder they are converted to once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from models.personalive import names
from models.personalive.audit import check
from models.personalive.config import PersonaLiveConfig, from_json, to_json
from models.personalive.denoising_unet import DenoisingUNet
from models.personalive.files import read_pickle
from models.personalive.filling import fill
from models.personalive.front_end.motion_encoder import MotionEncoder
from models.personalive.front_end.motion_extractor import MotionExtractor
from models.personalive.front_end.pose_guider import PoseGuider
from models.personalive.reference_unet import ReferenceUNet

CONFIG_FILE: Final = "config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """The networks that PersonaLive's own files fill."""

    denoising_unet: DenoisingUNet
    reference_unet: ReferenceUNet
    motion_encoder: MotionEncoder
    motion_extractor: MotionExtractor
    pose_guider: PoseGuider

    def named(self) -> dict[str, nn.Module]:
        """Return the networks by the names that `SOURCES` and files give them."""
        return {
            "denoising_unet": self.denoising_unet,
            "reference_unet": self.reference_unet,
            "motion_encoder": self.motion_encoder,
            "motion_extractor": self.motion_extractor,
            "pose_guider": self.pose_guider,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How a network is published: in which files, under which names, and which tensors some files lack."""

    files: tuple[str, ...]
    published: Callable[[str], str] = str
    dispensable: Collection[str] = ()

    def file_of(self, name: str) -> str:
        """Return the stem of the file that carries the tensor with this published name."""
        return self.files[-1] if ".temporal_modules." in name else self.files[0]


SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        "denoising_unet": Source(files=("denoising_unet", "temporal_module"), published=names.published),
        "reference_unet": Source(files=("reference_unet",), published=names.published),
        "motion_encoder": Source(files=("motion_encoder",)),
        # What may lack is a table that the network computes.
        "motion_extractor": Source(files=("motion_extractor",), dispensable=("idx_tensor",)),
        "pose_guider": Source(files=("pose_guider",)),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a published file holds: tensors, numbers in them, and their types."""

    file: str
    tensors: int
    numbers: int
    dtypes: tuple[str, ...]


def convert(source: Path, target: Path, config: PersonaLiveConfig) -> list[Account]:
    """Write the published files in `source` to `target`, as `load` reads them; tell what they held.

    Raises ValueError when a file is missing, or naming every tensor that is missing, unknown or misshaped.
    """
    target.mkdir(parents=True, exist_ok=True)
    accounts = []
    for network, module in networks(config, torch.device("meta")).named().items():
        converted: dict[str, Tensor] = {}
        for stem, expected in layout(network, module).items():
            found = read_pickle(source / f"{stem}.pth")
            check(f"{stem}.pth", found, expected, SOURCES[network].dispensable)
            converted |= found
            accounts.append(_account(f"{stem}.pth", found))
        ours = names.ours(module.state_dict(), SOURCES[network].published)
        save_file(
            {ours[name]: tensor.contiguous() for name, tensor in converted.items()}, _file(target, network)
        )
    (target / CONFIG_FILE).write_text(to_json(config))
    return accounts


def restore(source: Path, target: Path) -> None:
    """Write what `convert` wrote to `source` in the published layout again: the same tensors, bit for bit.

    Raises ValueError when it is not there whole.
    """
    target.mkdir(parents=True, exist_ok=True)
    for network, how in SOURCES.items():
        files: dict[str, dict[str, Tensor]] = {stem: {} for stem in how.files}
        for name, tensor in _converted(source, network).items():
            published = how.published(name)
            files[how.file_of(published)][published] = tensor
        for stem, tensors in files.items():
            torch.save(tensors, target / f"{stem}.pth")


def load(folder: Path) -> tuple[PersonaLiveConfig, Networks]:
    """Read what `convert` wrote, ready to infer, on the CPU and in the files' precision.

    Raises ValueError when it is not there whole.
    """
    try:
        config = from_json((folder / CONFIG_FILE).read_text())
    except FileNotFoundError as error:
        raise ValueError(f"no converted PersonaLive in {folder}: {error}") from error
    filled = networks(config, torch.device("meta"))
    for network, module in filled.named().items():
        dispensable = SOURCES[network].dispensable
        fill(network, module, _converted(folder, network), dispensable=dispensable)
    return config, filled


def layout(network: str, module: nn.Module) -> dict[str, dict[str, Tensor]]:
    """Return the tensors of a network as they are published: by the stem of their file, by their name."""
    how = SOURCES[network]
    files: dict[str, dict[str, Tensor]] = {stem: {} for stem in how.files}
    for name, tensor in module.state_dict().items():
        published = how.published(name)
        files[how.file_of(published)][published] = tensor
    return files


def networks(config: PersonaLiveConfig, device: torch.device) -> Networks:
    """Build the networks on `device`, as they are before they are filled."""
    with device:
        return Networks(
            denoising_unet=DenoisingUNet(config.unet),
            reference_unet=ReferenceUNet(config.unet),
            motion_encoder=MotionEncoder(config.front_end.encoder),
            motion_extractor=MotionExtractor(config.front_end.extractor),
            pose_guider=PoseGuider(config.front_end.guider_channels, config.unet.channels[0]),
        )


def _account(file: str, found: Mapping[str, Tensor]) -> Account:
    return Account(
        file=file,
        tensors=len(found),
        numbers=sum(tensor.numel() for tensor in found.values()),
        dtypes=tuple(sorted({str(tensor.dtype).removeprefix("torch.") for tensor in found.values()})),
    )


def _converted(folder: Path, network: str) -> dict[str, Tensor]:
    try:
        return load_file(_file(folder, network))
    except FileNotFoundError as error:
        raise ValueError(f"no converted PersonaLive in {folder}: {network} is missing") from error


def _file(folder: Path, network: str) -> Path:
    return folder / f"{network}.safetensors"
