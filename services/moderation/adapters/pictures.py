"""A published image classifier of the transformers library, loaded from a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import AutoImageProcessor, AutoModelForImageClassification

from services.kit.contracts import Pixels
from services.kit.errors import Fatal
from services.moderation.adapters.scores import labels_of, scores_of

__all__ = ["TransformersPictureClassifier"]


class TransformersPictureClassifier:
    """A `PictureClassifier`. Nothing is downloaded; raises Fatal when the folder holds no classifier."""

    def __init__(self, folder: Path) -> None:
        try:
            self._processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]  # the library's
                folder, local_files_only=True, backend="pil"
            )
            model = AutoModelForImageClassification.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise Fatal(f"{folder} holds no image classifier: {error}") from error
        self._model = model.eval()
        self.labels = labels_of(model.config)
        self._turn = asyncio.Semaphore(1)

    async def classify(self, picture: Pixels) -> Mapping[str, float]:
        async with self._turn:
            return await asyncio.to_thread(self._classify, picture)

    @torch.inference_mode()
    def _classify(self, picture: Pixels) -> Mapping[str, float]:
        inputs = self._processor(images=picture, return_tensors="pt", input_data_format="channels_last")
        return scores_of(self._model.config, self._model(**inputs).logits)
