"""From a classifier's logits to scores by label."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from transformers import PretrainedConfig

__all__ = ["labels_of", "scores_of"]


def labels_of(config: PretrainedConfig) -> frozenset[str]:
    """The names of what a classifier tells apart."""
    return frozenset(_names_of(config))


def scores_of(config: PretrainedConfig, logits: Tensor) -> Mapping[str, float]:
    """The highest score of each label over the rows of logits [rows, labels]."""
    is_multi_label = config.problem_type == "multi_label_classification" or logits.shape[1] == 1
    scores = logits.sigmoid() if is_multi_label else logits.softmax(1)
    return dict(zip(_names_of(config), scores.amax(0).tolist(), strict=True))


def _names_of(config: PretrainedConfig) -> list[str]:
    return [
        label
        for _, label in sorted((int(index), str(label)) for index, label in (config.id2label or {}).items())
    ]
