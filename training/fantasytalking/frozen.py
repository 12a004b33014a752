"""The networks that a stage leaves as they are: of speech, pictures, text and faces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor
from transformers import AutoTokenizer, CLIPVisionModel, UMT5EncoderModel, Wav2Vec2Model

from models.fantasytalking.encoders import text_embeddings
from models.fantasytalking.face_encoder import FaceEncoder, FaceEncoderConfig, load_face_encoder
from models.fantasytalking.performance import Encoders

# Embeddings [B, text_length, text_dim] of prompts, zero-padded.
ReadText = Callable[[list[str]], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """The encoders of a performance, that of prompts, and that of faces where a stage sees them."""

    encoders: Encoders
    read_text: ReadText
    face: FaceEncoder | None


def load_frozen(
    base: Path, speech: Path, text_length: int, face: tuple[Path, FaceEncoderConfig] | None, device: str
) -> Frozen:
    """Read the encoders: those of Wan2.1's folder in the layout of diffusers, wav2vec2's, and a face's file.

    Raises ValueError when something is missing, or naming every tensor that is.
    """
    encoders = Encoders(
        speech=_load(Wav2Vec2Model, speech, device),
        image=_load(CLIPVisionModel, base / "image_encoder", device),
        autoencoder=_load(AutoencoderKLWan, base / "vae", device),
    )
    tokenizer = AutoTokenizer.from_pretrained(base / "tokenizer", local_files_only=True)
    text = _load(UMT5EncoderModel, base / "text_encoder", device, torch.bfloat16)
    return Frozen(
        encoders=encoders,
        read_text=partial(_read_text, tokenizer, text, text_length),
        face=None if face is None else load_face_encoder(*face).to(device),
    )


def _read_text(tokenizer: Any, encoder: UMT5EncoderModel, length: int, prompts: list[str]) -> Tensor:  # noqa: ANN401 -- transformers types none
    return text_embeddings(tokenizer, encoder, prompts, length)


def _load(kind: Any, folder: Path, device: str, dtype: torch.dtype = torch.float32) -> Any:  # noqa: ANN401 -- whatever kind it is
    if not folder.is_dir():
        raise ValueError(f"no folder {folder}")
    network, report = kind.from_pretrained(
        folder, local_files_only=True, output_loading_info=True, torch_dtype=dtype
    )
    if missing := sorted(report["missing_keys"]):
        raise ValueError(f"{folder} lacks {', '.join(missing)}")
    return network.to(device).eval().requires_grad_(requires_grad=False)
