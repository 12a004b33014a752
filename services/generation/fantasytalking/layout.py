"""Where the networks of FantasyTalking lie: its own, and the published ones around it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["AUTOENCODER", "IMAGE", "TEXT", "TOKENIZER", "Folders"]

AUTOENCODER: Final = "vae"
IMAGE: Final = "image_encoder"
TEXT: Final = "text_encoder"
TOKENIZER: Final = "tokenizer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """`network` is a folder of ours, `wan` Wan2.1-I2V in diffusers' layout, `speech` wav2vec2's."""

    network: Path
    wan: Path
    speech: Path

    def check(self) -> None:
        """Raise ValueError that names a folder which is missing."""
        parts = (self.wan / name for name in (AUTOENCODER, IMAGE, TEXT, TOKENIZER))
        for folder in (self.network, self.speech, *parts):
            if not folder.is_dir():
                raise ValueError(f"{folder} is not a folder")

    def absolute(self) -> Folders:
        """The same folders, for processes that work elsewhere."""
        return Folders(
            network=self.network.absolute(), wan=self.wan.absolute(), speech=self.speech.absolute()
        )
