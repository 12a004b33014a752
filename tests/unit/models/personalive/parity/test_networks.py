from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.parity.fixtures import Tensors, Verdict
from models.personalive.config import UNetConfig
from models.personalive.denoising_unet import DenoisingUNet
from models.personalive.motion_module import MotionModule
from models.personalive.names import published
from models.personalive.parity.fixtures import replay
from models.personalive.parity.networks import REPLAYS, bank_names, denoising_unet, reference_unet
from models.personalive.parity.weight_rule import normal, weight
from models.personalive.reference_unet import ReferenceUNet
from models.personalive.temporal_module import TemporalModule
from tests.unit.models.personalive import plain
from tests.unit.models.personalive.drawing import Window
from tests.unit.models.personalive.parity.folder import weight_fields, write_case, write_folder

CONFIG = UNetConfig(channels=(32, 32, 32, 32))
PLACES = bank_names(CONFIG)
FRAMES, SIZE = 2, 8
Names = dict[str, dict[str, tuple[int, ...]]]


def _draw(name: str, *shape: int) -> Tensor:
    return torch.from_numpy(normal(name, shape))


def _names(unet: nn.Module, file: str) -> Names:
    """Return the shapes of a UNet's tensors by the files that they are published in."""
    files: Names = {file: {}}
    for name, tensor in unet.state_dict().items():
        stem = "temporal_module" if ".temporal." in name else file
        files.setdefault(stem, {})[published(name)] = tuple(tensor.shape)
    return files


def _weights(names: Names) -> dict[str, Tensor]:
    return {
        name: torch.from_numpy(weight(file, name, shape))
        for file, shapes in names.items()
        for name, shape in shapes.items()
    }


def _replayed(
    folder: Path, names: Names, fields: Mapping[str, Any], inputs: Tensors, outputs: Tensors
) -> list[Verdict]:
    described = weight_fields(names) | {"block_out_channels": CONFIG.channels} | dict(fields)
    write_folder(folder, {"case": described}, names)
    write_case(folder, "case", described, inputs, outputs)
    return list(replay(folder, REPLAYS))


def _meta(kind: type[DenoisingUNet] | type[ReferenceUNet]) -> nn.Module:
    with torch.device("meta"):
        return kind(CONFIG)


def _window_inputs() -> dict[str, Tensor]:
    """Draw the inputs of a denoising UNet in the order of axes in which they are recorded."""
    inputs = {
        "latents": _draw("latents", 1, 4, FRAMES, SIZE, SIZE),
        "pose": _draw("pose", 1, CONFIG.channels[0], FRAMES, SIZE, SIZE),
        "clip_embeds": _draw("clip_embeds", 1, 1, CONFIG.image_width),
        "motion": _draw("motion", 1, FRAMES, CONFIG.motion_tokens, CONFIG.motion_width),
        "timesteps": torch.tensor([0, 999]),
    }
    for picture in ("bank", "key0"):
        for name, place in zip(PLACES, CONFIG.banks(), strict=True):
            tokens = (SIZE >> place.level) ** 2
            inputs[f"{picture}.{name}"] = _draw(f"{picture}.{name}", 1, tokens, CONFIG.channels[place.level])
    return inputs


def _window(inputs: Tensors, keyframes: int) -> Window:
    pictures = ("bank", *(f"key{index}" for index in range(keyframes)))
    return Window(
        latents=inputs["latents"].transpose(1, 2),
        pose=inputs["pose"].transpose(1, 2),
        timesteps=inputs["timesteps"],
        embedding=inputs["clip_embeds"][:, 0],
        motion=inputs["motion"],
        banks=tuple(tuple(inputs[f"{picture}.{place}"] for place in PLACES) for picture in pictures),
    )


def test_a_denoising_unet_is_compared_with_what_was_recorded(tmp_path: Path) -> None:
    names, inputs = _names(_meta(DenoisingUNet), "denoising_unet"), _window_inputs()
    unet = denoising_unet(CONFIG, _weights(names))
    outputs = {
        f"eps_keyframes{keyframes}": plain.denoise(unet, _window(inputs, keyframes))[0]
        for keyframes in (0, 1)
    }
    outputs["eps_keyframes1"][0, 0, 0, 0] += 1e-4
    # Two orders of summing differ by up to 3e-6, depending on the processor.
    fields = {"kind": "denoising_unet", "tolerance_max_abs": {"eps_*": 2e-5}}

    verdicts = _replayed(tmp_path, names, fields, inputs, outputs)

    assert [(verdict.output, verdict.holds) for verdict in verdicts] == [
        ("eps_keyframes0", True),
        ("eps_keyframes1", False),
    ]


def test_a_reference_bank_is_compared_with_what_was_recorded(tmp_path: Path) -> None:
    names = _names(_meta(ReferenceUNet), "reference_unet")
    latents, embedding = _draw("latents", 1, 4, 16, 16), _draw("clip_embeds", 1, 1, CONFIG.image_width)
    bank = plain.reference_bank(reference_unet(CONFIG, _weights(names)), latents, embedding[:, 0])
    outputs = {f"mean.{place}": tokens[0].mean(dim=0) for place, tokens in zip(PLACES, bank, strict=True)}
    finest, coarsest = bank[0][0], bank[PLACES.index("mid_block.attentions.0")][0]
    outputs |= {"bank.down_blocks.0.attentions.0": finest[::64], "bank.mid_block.attentions.0": coarsest}
    fields = {"kind": "reference_bank", "tokens": 4, "tolerance_max_abs": {"*": 1e-5}}

    verdicts = _replayed(tmp_path, names, fields, {"latents": latents, "clip_embeds": embedding}, outputs)

    assert len(verdicts) == 18
    assert [verdict for verdict in verdicts if not verdict.holds] == []


def _module_names(module: nn.Module, place: str) -> dict[str, tuple[int, ...]]:
    return {published(place + name): tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def _filled(module: nn.Module, place: str, names: Names) -> None:
    drawn = _weights(names)
    module.load_state_dict({name: drawn[published(place + name)] for name in module.state_dict()})
    module.requires_grad_(requires_grad=False)


def test_a_motion_module_is_compared_with_what_was_recorded(tmp_path: Path) -> None:
    place, module = "down.0.layers.0.motion.", MotionModule(CONFIG, 32)
    names = {"denoising_unet": _module_names(module, place)}
    _filled(module, place, names)
    x, motion = _draw("x", 1, 32, FRAMES, 2, 2), _draw("motion", 1, FRAMES, 32, 16)
    y = plain.motion(module, x[0].transpose(0, 1), motion[0]).transpose(0, 1)[None, ::4]
    fields = {"kind": "motion_module", "stride": 4, "tolerance_max_abs": {"y": 1e-5}}

    verdicts = _replayed(tmp_path, names, fields, {"x": x, "motion": motion}, {"y": y})

    assert [verdict.holds for verdict in verdicts] == [True]


def test_a_temporal_module_is_compared_with_what_was_recorded(tmp_path: Path) -> None:
    place, module = "down.0.layers.0.temporal.", TemporalModule(CONFIG, 32)
    names = {"temporal_module": _module_names(module, place)}
    _filled(module, place, names)
    x = _draw("x", 1, 32, FRAMES, 2, 2)
    y = plain.temporal(module, x[0].transpose(0, 1)).transpose(0, 1)[None, ::8]
    fields = {"kind": "temporal_module", "stride": 8, "tolerance_max_abs": {"y": 1e-5}}

    verdicts = _replayed(tmp_path, names, fields, {"x": x}, {"y": y})

    assert [verdict.holds for verdict in verdicts] == [True]
