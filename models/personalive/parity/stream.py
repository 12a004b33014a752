"""The parity cases of whole streams: pictures go in, latents come out, crossing the keyframe rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, nn

from models.parity.fixtures import Tensors
from models.personalive.config import PersonaLiveConfig, narrow
from models.personalive.filling import fill
from models.personalive.front_end.drawing import drawn_points
from models.personalive.front_end.face_crop import face_boxes, shows_face
from models.personalive.front_end.front_end import Sight
from models.personalive.front_end.keypoints import driver_keypoints
from models.personalive.front_end.motion_extractor import HeadMotion
from models.personalive.identity import Identity
from models.personalive.keyframes import KeyframeConfig
from models.personalive.model import Finished, PersonaLive, PersonaLiveChunk
from models.personalive.names import published
from models.personalive.parity.fixtures import Case, Replay, weights
from models.personalive.parity.front_end import CHUNK_FRAMES, follow_all, portrait_sight
from models.personalive.parity.networks import config_of
from models.personalive.parity.streaming import LATENT_SCALE, decision_table
from models.personalive.weights import Networks, networks


class NoCodec(nn.Module):
    """Stands where the autoencoder would: streams were recorded before it."""

    def encode(self, pictures: Tensor) -> Tensor:
        return pictures

    def decode(self, latents: Tensor) -> Tensor:
        return latents


def replay_stream(case: Case) -> Tensors:
    """Run a session on recorded pictures and noise."""
    config = config_of_stream(case)
    model = PersonaLive(config, networks_of(case, config), NoCodec())
    with torch.inference_mode():
        return run(case, model)


def run(case: Case, model: PersonaLive) -> Tensors:
    """Run a session of `model` on the pictures and the noise of `case`."""
    sight = portrait_sight(case, model.front_end)
    latents = LATENT_SCALE * case.inputs["vae_mean"]
    identity = model.identify(sight, latents, case.inputs["clip_embeds"][:, 0])
    taps = Taps.on(model)
    state, active = model.init_state(1), torch.ones(1, dtype=torch.bool)
    finished: list[Finished] = []
    for call in range(case.fields["calls"]):
        keyframes = sum(int(done.choice.chosen) for done in finished)
        done, state = model.advance(state, _chunk(case, identity, call), active, keyframes)
        if done.choice.chosen.any():
            state = model.remember(state, identity, done)
        finished.append(done)
    return {
        **_of_driver(model, identity, taps, case),
        "latents_start": taps.latents[0][0, : model.lead],
        "ref_box": sight.boxes[0],
        "motion_ref": sight.motion[0],
        "eps": _thinned(torch.cat(taps.noises), case.fields["eps_stride"]),
        "latents_out": torch.cat([done.latents for done in finished]),
        "table": decision_table([done.choice for done in finished])[0],
        "min_distance": torch.cat([done.choice.distance for done in finished]),
        "keyframe_bank_mean": torch.cat([bank.mean(dim=1) for bank in taps.banks]),
    }


def config_of_stream(case: Case) -> PersonaLiveConfig:
    """Return the configuration of a case; new motions are all remembered, as they were when recorded."""
    remembered = max(case.fields["calls"], KeyframeConfig().limit)
    return replace(
        narrow(),
        picture=case.fields["picture_size"],
        unet=config_of(case),
        keyframes=KeyframeConfig(remembered=remembered),
    )


def networks_of(case: Case, config: PersonaLiveConfig) -> Networks:
    """Build networks that hold the drawn tensors of all files."""
    drawn, built = weights(case), networks(config, torch.device("meta"))
    fill(
        "denoising UNet", built.denoising_unet, drawn["denoising_unet"] | drawn["temporal_module"], published
    )
    fill("reference UNet", built.reference_unet, drawn["reference_unet"], published)
    for name in ("motion_encoder", "motion_extractor", "pose_guider"):
        fill(name, built.named()[name], drawn[name])
    return built


@dataclass(frozen=True, slots=True, kw_only=True)
class Taps:
    """What went in and out of the networks of a model, in order."""

    heads: list[HeadMotion] = field(default_factory=list)
    motions: list[Tensor] = field(default_factory=list)
    latents: list[Tensor] = field(default_factory=list)
    noises: list[Tensor] = field(default_factory=list)
    banks: list[Tensor] = field(default_factory=list)

    @classmethod
    def on(cls, model: PersonaLive) -> Taps:
        """Begin to listen."""
        taps, front_end = cls(), model.front_end
        front_end.motion_extractor.register_forward_hook(
            lambda _module, _given, head: taps.heads.append(head)
        )
        front_end.motion_encoder.register_forward_hook(
            lambda _module, _given, motion: taps.motions.append(motion)
        )
        model.denoiser.register_forward_hook(lambda _module, given, _noise: taps.latents.append(given[0]))
        model.denoiser.register_forward_hook(lambda _module, _given, noise: taps.noises.append(noise))
        model.reference.register_forward_hook(lambda _module, _given, bank: taps.banks.append(bank[0]))
        return taps


def _chunk(case: Case, identity: Identity, call: int) -> PersonaLiveChunk:
    pictures = case.inputs["frames"][call * CHUNK_FRAMES : (call + 1) * CHUNK_FRAMES]
    noise = torch.cat([case.inputs["noise_init"][0], case.inputs["noise"][call]], dim=1)
    return PersonaLiveChunk(
        pictures=pictures[None],
        has_face=torch.ones(1, CHUNK_FRAMES, dtype=torch.bool),
        noise=noise.transpose(0, 1)[None],
        identity=identity,
    )


def _of_driver(model: PersonaLive, identity: Identity, taps: Taps, case: Case) -> Tensors:
    """Return what was seen of the driver, and how the portrait followed."""
    config, size = model.config.front_end, case.fields["picture_size"]
    head = HeadMotion(*(torch.cat(parts) for parts in zip(*taps.heads, strict=True)))
    boxes = face_boxes(config.crop, drawn_points(config.drawing, driver_keypoints(head), size), size)
    sight = Sight(head, boxes, shows_face(config.crop, boxes, size), torch.cat(taps.motions))
    keypoints = follow_all(identity.portrait, sight).keypoints
    return {
        "keypoints": keypoints,
        "points": drawn_points(config.drawing, keypoints, size),
        "boxes": boxes,
        "motion": sight.motion,
    }


def _thinned(noises: Tensor, stride: int) -> Tensor:
    return noises[..., ::stride, ::stride]


REPLAYS: Final[Mapping[str, Replay]] = MappingProxyType({"stream": replay_stream})
