"""Loading the published networks around that of FantasyTalking."""

from __future__ import annotations

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor, nn
from transformers import AutoTokenizer, CLIPVisionModel, UMT5EncoderModel, Wav2Vec2Model

from models.fantasytalking.encoders import text_embeddings
from models.fantasytalking.performance import Encoders
from services.generation.fantasytalking.layout import AUTOENCODER, IMAGE, TEXT, TOKENIZER, Folders

__all__ = ["load_autoencoder", "load_encoders", "read_prompts"]


def load_encoders(folders: Folders, device: torch.device) -> Encoders:
    """Load what listens to the speech and looks at the portrait, in single precision."""
    speech = Wav2Vec2Model.from_pretrained(folders.speech, local_files_only=True)
    image = CLIPVisionModel.from_pretrained(folders.wan / IMAGE, local_files_only=True)
    for encoder in (speech, image):
        _ready(encoder, device)
    return Encoders(speech=speech, image=image, autoencoder=load_autoencoder(folders, device))


def load_autoencoder(folders: Folders, device: torch.device) -> AutoencoderKLWan:
    """Load what makes pictures of latents, in single precision."""
    found: AutoencoderKLWan = AutoencoderKLWan.from_pretrained(
        folders.wan, subfolder=AUTOENCODER, local_files_only=True, low_cpu_mem_usage=False
    )
    _ready(found, device)
    return found


def read_prompts(
    folders: Folders, prompts: list[str], text_length: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return embeddings [prompts, text_length, D]; their encoder is gone afterwards."""
    tokenizer = AutoTokenizer.from_pretrained(folders.wan / TOKENIZER, local_files_only=True)
    encoder = UMT5EncoderModel.from_pretrained(folders.wan / TEXT, local_files_only=True, torch_dtype=dtype)
    _ready(encoder, device)
    return text_embeddings(tokenizer, encoder, prompts, text_length)


def _ready(network: nn.Module, device: torch.device) -> None:
    network.to(device).eval()
