"""A published text classifier of the transformers library, loaded from a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from services.kit.errors import Fatal
from services.moderation.adapters.scores import labels_of, scores_of

__all__ = ["TransformersTextClassifier"]

_LONGEST: Final = 512
_BATCH: Final = 8


class TransformersTextClassifier:
    """A `TextClassifier`. Nothing is downloaded; raises Fatal when the folder holds no classifier.

    A text longer than the model reads is judged in overlapping windows, so that no part goes unseen.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise Fatal(f"{folder} holds no text classifier: {error}") from error
        self._model = model.eval()
        self.labels = labels_of(model.config)
        self._window = min(_LONGEST, self._tokenizer.model_max_length)
        self._turn = asyncio.Semaphore(1)

    async def classify(self, text: str) -> Mapping[str, float]:
        async with self._turn:
            return await asyncio.to_thread(self._classify, text)

    @torch.inference_mode()
    def _classify(self, text: str) -> Mapping[str, float]:
        windows = self._tokenizer(
            text,
            truncation=True,
            max_length=self._window,
            stride=self._window // 4,
            return_overflowing_tokens=True,
            padding=True,
            return_tensors="pt",
        )
        batches = zip(
            windows["input_ids"].split(_BATCH), windows["attention_mask"].split(_BATCH), strict=True
        )
        logits = [self._model(input_ids=ids, attention_mask=mask).logits for ids, mask in batches]
        return scores_of(self._model.config, torch.cat(logits))
