"""What a batch is denoised by: parts of a reference, and the motion and pose of the targets themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor

from models.personalive.attention import KeyValues
from models.personalive.codec import Codec, Embedder
from models.personalive.denoising_unet import Memory, Portraits
from models.personalive.front_end.drawing import draw, drawn_points
from models.personalive.front_end.face_crop import crop_faces
from models.personalive.front_end.keypoints import driver_keypoints
from models.personalive.front_end.pictures import shrink, to_numbers
from models.personalive.reference_unet import Bank
from models.personalive.weights import Networks
from training.personalive.augmentation import augment
from training.personalive.clips import Batch
from training.personalive.config import DropoutConfig, PersonaLiveTraining
from training.personalive.regions import FACE

# Shapes: B rows, F frames, N tokens of a picture, C width of a layer, H rows and columns, h those of latents.


class Told(NamedTuple):
    """What is told of references: constants [B, C], memory [B, 1 or 0, N, C]; and of the targets: motion
    [B, F, tokens, width] and pose [B, F, C, h, h].

    Tuples go in the order in which spatial transformers run.
    """

    constants: Portraits
    memory: Memory
    motion: Tensor
    pose: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditioner:
    """The networks that tell the denoising UNet what to make, in the way of training.

    Unlike a stream it takes the targets' own keypoints, not those of a portrait that follows, and cuts
    faces by landmarks. The motion extractor, the codec and the embedder are frozen.
    """

    config: PersonaLiveTraining
    networks: Networks
    codec: Codec
    embedder: Embedder

    def tell(self, batch: Batch, generator: torch.Generator) -> Told:
        """Return what the targets of a batch are denoised by, drawing what is withheld."""
        references = to_numbers(batch.references)
        with torch.no_grad():
            latents, embedding = self.codec.encode(references), self.embedder.embed(references)
        unet, reference = self.networks.denoising_unet, self.networks.reference_unet
        bank = reference(latents, reference.shifts(), reference.portraits(embedding))
        drop, rows = self.config.dropout, len(batch.references)
        kept = [_keep(rows, share, generator).to(latents) for share in (drop.motion, drop.pose)]
        motion, pose = self._motion(batch, generator), self._pose(batch)
        return Told(
            constants=unet.portraits(embedding),
            memory=unet.remember(thin(bank, drop.reference_tokens, generator))
            if _is_told(drop, generator)
            else nothing(unet.remember(bank)),
            motion=motion * kept[0][:, None, None, None],
            pose=pose * kept[1][:, None, None, None, None],
        )

    def _motion(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the motion [B, F, tokens, width] of the targets' faces, which are changed beforehand."""
        rows, side = len(batch.targets), self.config.model.front_end.encoder.picture
        pictures = to_numbers(batch.targets.flatten(0, 1))
        faces = crop_faces(pictures, batch.regions[:, :, FACE].flatten(0, 1).long(), side)
        faces = augment(by_rows(faces, rows), self.config.augmentation, generator)
        return by_rows(self.networks.motion_encoder(faces.flatten(0, 1)), rows)

    def _pose(self, batch: Batch) -> Tensor:
        """Return the features [B, F, C, h, h] of the targets' drawn keypoints."""
        front_end, size = self.config.model.front_end, self.config.model.picture
        pictures = to_numbers(batch.targets.flatten(0, 1))
        with torch.no_grad():
            head = self.networks.motion_extractor(shrink(pictures, front_end.extractor.picture))
            points = drawn_points(front_end.drawing, driver_keypoints(head), size)
            drawn = draw(front_end.drawing, points, size)
        return by_rows(self.networks.pose_guider(drawn), len(batch.targets))


def thin(bank: Bank, share: float, generator: torch.Generator) -> Bank:
    """Withhold a share of the tokens [B, N, C] of every layer, others in every row; at least one stays."""
    thinned = []
    for tokens in bank:
        rows, number, width = tokens.shape
        kept = max(1, round((1 - share) * number))
        order = torch.rand(rows, number, generator=generator).argsort(dim=1)[:, :kept]
        places = order.sort(dim=1).values.to(tokens.device)
        thinned.append(tokens.gather(1, places[..., None].expand(-1, -1, width)))
    return tuple(thinned)


def nothing(memory: Memory) -> Memory:
    """Return the memory [B, 0, N, C] of no picture at all."""
    return tuple(KeyValues(keys[:, :0], values[:, :0]) for keys, values in memory)


def by_rows(values: Tensor, rows: int) -> Tensor:
    """Return [B, F, ...] of [B * F, ...]."""
    apart: Tensor = rearrange(values, "(b f) ... -> b f ...", b=rows)
    return apart


def _is_told(drop: DropoutConfig, generator: torch.Generator) -> bool:
    """Whether a batch has its references. All rows share a set of keys, so all or none have."""
    return bool(torch.rand((), generator=generator) >= drop.reference)


def _keep(rows: int, share: float, generator: torch.Generator) -> Tensor:
    return torch.rand(rows, generator=generator) >= share
