"""What clips are denoised by: first picture, speech, prompt, face and motion, some of it withheld."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.fantasytalking.encoders import clip_waveform, image_features, speech_features
from models.fantasytalking.face_crop import crop_face
from models.fantasytalking.given import given_latents, normalise
from models.fantasytalking.network import Context, FantasyTalking
from models.fantasytalking.portrait import vision_pixels
from models.fantasytalking.windows import AudioWindows, clip_window, frame_windows
from training.fantasytalking.clips import Clip, Points
from training.fantasytalking.config import BY_FRAME, FEELS, SEES_FACE, TrainingConfig
from training.fantasytalking.frozen import Frozen
from training.fantasytalking.intensity import IntensityScale, measure
from training.fantasytalking.lips import lip_mask, to_latents

# Shapes: B clips, T frames, C latent channels, F latent frames, H W pixels, h w latent size.


class Told(NamedTuple):
    """What is told of clips: mask and latent of their first picture [B, 4 + C, F, h, w], and a context."""

    given: Tensor
    context: Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditioner:
    """Reads clips as a performance does, with the network's own layers for what it learns to read."""

    config: TrainingConfig
    network: FantasyTalking
    frozen: Frozen
    scale: IntensityScale

    def tell(self, clips: list[Clip], generator: torch.Generator) -> Told:
        """Return what clips are denoised by, drawing what is withheld of each."""
        drop, stage = self.config.dropout, self.config.stage
        kept = {
            name: (torch.rand(len(clips), generator=generator) >= share).to(self.config.device)
            for name, share in (("portrait", drop.portrait), ("speech", drop.speech), ("prompt", drop.prompt))
        }
        given, image = self._portrait(clips, kept["portrait"])
        text = self.frozen.read_text([clip.prompt for clip in clips])
        context = Context(
            text=self.network.read_text(text * kept["prompt"][:, None, None]),
            image=self.network.read_image(image),
        )
        if stage != "base":
            context = context._replace(speech=self.network.read_speech(self._hear(clips, kept["speech"])))
        if stage in SEES_FACE:
            context = context._replace(identity=self.network.read_face(self._faces(clips)))
        if stage in FEELS:
            context = context._replace(intensity=self.network.read_intensity(*self._intensities(clips)))
        return Told(given, context)

    @torch.no_grad()
    def truth(self, clips: list[Clip]) -> Tensor:
        """Return the latents [B, C, F, h, w] of clips."""
        vae = self.frozen.encoders.autoencoder
        videos = torch.stack([_numbers(clip.pictures) for clip in clips]).transpose(1, 2)
        return normalise(vae, vae.encode(videos.to(self.config.device)).latent_dist.mode())

    def lips(self, clips: list[Clip]) -> Tensor:
        """Return how much of every latent is lips, [B, 1, F, h, w]."""
        settings = self.config.model.clip
        masks = [
            to_latents(
                lip_mask(clip.landmarks, *clip.pictures.shape[1:3]),
                stride=settings.vae_stride,
                frames_per_latent=settings.frames_per_latent,
            )
            for clip in clips
        ]
        return torch.stack(masks)[:, None].to(self.config.device)

    @torch.no_grad()
    def _portrait(self, clips: list[Clip], kept: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is given of the first pictures [B, 4 + C, F, h, w], and their features [B, N, D]."""
        encoders, settings = self.frozen.encoders, self.config.model.clip
        given, seen = [], []
        for clip in clips:
            frame = _numbers(clip.pictures[:1])[0].to(self.config.device)
            given.append(given_latents(encoders.autoencoder, frame, len(clip), settings))
            seen.append(image_features(encoders.image, vision_pixels(frame, settings)))
        return torch.cat(given) * kept[:, None, None, None, None], torch.cat(seen) * kept[:, None, None]

    def _hear(self, clips: list[Clip], kept: Tensor) -> AudioWindows:
        """Return windows of audio tokens; withheld ones are empty, as if the branch were left out."""
        frames = self.config.frames
        features = [
            speech_features(
                self.frozen.encoders.speech,
                clip_waveform(torch.from_numpy(clip.sound), frames, self.config.model.clip).to(
                    self.config.device
                ),
            )
            for clip in clips
        ]
        tokens = self.network.audio_projection(torch.cat(features))
        if self.config.stage in BY_FRAME:
            windows = frame_windows(tokens, frames, self.config.model.audio.expansion)
        else:
            windows = clip_window(tokens)
        return windows._replace(lengths=windows.lengths * kept[:, None])

    @torch.no_grad()
    def _faces(self, clips: list[Clip]) -> Tensor:
        """Return embeddings [B, face_dim] of the faces in first pictures."""
        encoder = self.frozen.face
        if encoder is None:
            raise ValueError(f"the stage {self.config.stage} needs a face encoder")
        crops = [crop_face(clip.pictures[0], clip.landmarks[0], encoder.config.side) for clip in clips]
        embeddings: Tensor = encoder(torch.cat(crops).to(self.config.device))
        return embeddings

    def _intensities(self, clips: list[Clip]) -> tuple[Tensor, Tensor]:
        """Return the motion intensities [B] of faces and bodies."""
        ranked = [self.scale.rank(measure(Points(clip.landmarks, clip.joints))) for clip in clips]
        face, body = torch.tensor(ranked, device=self.config.device).T
        return face, body


def _numbers(pictures: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Tensor:
    """Return [T, 3, H, W] in -1..1 of uint8 [T, H, W, 3]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
