from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    ResNetConfig,
    ResNetForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)

from services.kit.contracts import Pixels
from services.kit.errors import Fatal
from services.moderation.adapters.pictures import TransformersPictureClassifier
from services.moderation.adapters.texts import TransformersTextClassifier
from services.moderation.judges import load_judges
from services.moderation.settings import JudgeSettings

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "fine", "bad"]
LABELS = {0: "normal", 1: "nsfw"}
PROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}


def save_vit(folder: Path) -> Path:
    """A tiny ViT in the layout in which image classifiers are published."""
    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
        patch_size=8,
        id2label=LABELS,
    )
    ViTForImageClassification(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return folder


def save_resnet(folder: Path) -> Path:
    torch.manual_seed(0)
    config = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], layer_type="basic", id2label=LABELS
    )
    ResNetForImageClassification(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return folder


def save_bert(
    folder: Path, problem: Literal["single_label_classification", "multi_label_classification"]
) -> Path:
    """A tiny BERT that reads 16 tokens, and has not learnt anything."""
    _save_tokenizer(folder)
    _make_bert(problem).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT that reads 16 tokens, and calls them toxic when "bad" is among them."""
    folder = tmp_path_factory.mktemp("taught")
    _save_tokenizer(folder)
    model = _make_bert("single_label_classification")
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(80):
        tokens = torch.full((32, 16), WORDS.index("fine"))
        tokens[:, 0], tokens[:, 15] = WORDS.index("[CLS]"), WORDS.index("[SEP]")
        tokens[torch.arange(16), torch.randint(1, 15, (16,))] = WORDS.index("bad")
        loss = model(input_ids=tokens, labels=(tokens == WORDS.index("bad")).any(1).long()).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.save_pretrained(folder)
    return folder


def _save_tokenizer(folder: Path) -> None:
    tokenizer = Tokenizer(WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # the library's
        tokenizer_object=tokenizer, model_max_length=16, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)


def _make_bert(
    problem: Literal["single_label_classification", "multi_label_classification"],
) -> BertForSequenceClassification:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=16,
        max_position_embeddings=16,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        id2label={0: "fine", 1: "toxic"},
        problem_type=problem,
    )
    return BertForSequenceClassification(config)


def scores_of_picture(folder: Path, picture: Pixels) -> dict[str, float]:
    return dict(asyncio.run(TransformersPictureClassifier(folder).classify(picture)))


@pytest.mark.parametrize("save", [save_vit, save_resnet])
def test_a_published_image_classifier_scores_every_label(save: object, tmp_path: Path) -> None:
    assert callable(save)
    picture = np.random.default_rng(0).integers(0, 256, (80, 60, 3), dtype=np.uint8)
    scores = scores_of_picture(save(tmp_path), picture)
    assert set(scores) == {"normal", "nsfw"}
    assert sum(scores.values()) == pytest.approx(1.0, abs=1e-5)


def test_a_picture_is_scored_as_the_library_scores_it(tmp_path: Path) -> None:
    save_vit(tmp_path)
    picture = np.full((32, 32, 3), 255, np.uint8)
    model = ViTForImageClassification.from_pretrained(tmp_path)
    model.train(mode=False)
    with torch.inference_mode():
        expected = model(torch.ones(1, 3, 32, 32)).logits.softmax(1)[0].tolist()
    assert list(scores_of_picture(tmp_path, picture).values()) == pytest.approx(expected, abs=1e-5)


def test_different_pictures_get_different_scores(tmp_path: Path) -> None:
    save_vit(tmp_path)
    dark, bright = (np.full((64, 64, 3), level, np.uint8) for level in (0, 255))
    assert scores_of_picture(tmp_path, dark) != scores_of_picture(tmp_path, bright)


def scores_of_text(folder: Path, text: str) -> dict[str, float]:
    return dict(asyncio.run(TransformersTextClassifier(folder).classify(text)))


def test_a_published_text_classifier_scores_every_label(taught: Path) -> None:
    scores = scores_of_text(taught, "fine bad fine")
    assert set(scores) == {"fine", "toxic"}
    assert sum(scores.values()) == pytest.approx(1.0, abs=1e-5)
    assert scores["toxic"] > 0.9


def test_labels_that_do_not_exclude_each_other_are_scored_one_by_one(tmp_path: Path) -> None:
    folder = save_bert(tmp_path, "multi_label_classification")
    assert sum(scores_of_text(folder, "fine fine").values()) != pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("position", [0, 11, 12, 13, 14, 15, 250, 498, 499])
def test_no_part_of_a_long_text_goes_unseen(position: int, taught: Path) -> None:
    words = ["fine"] * 500
    assert scores_of_text(taught, " ".join(words))["toxic"] < 0.1
    words[position] = "bad"
    assert scores_of_text(taught, " ".join(words))["toxic"] > 0.9


@pytest.mark.parametrize("content", [None, "{}", '{"model_type": "nothing"}'])
def test_a_folder_without_a_classifier_ends_the_process(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(Fatal, match="holds no"):
        TransformersPictureClassifier(tmp_path)
    with pytest.raises(Fatal, match="holds no"):
        TransformersTextClassifier(tmp_path)


def write_policy(folder: Path, label: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(f"name = 'house'\nversion = '1'\n[portrait.labels]\n{label} = 0.5\n")
    return path


def test_the_settings_choose_policy_and_classifier(tmp_path: Path) -> None:
    save_vit(tmp_path / "vit")
    settings = JudgeSettings(policy=write_policy(tmp_path, "nsfw"), picture_classifier=tmp_path / "vit")
    judges = load_judges(settings)
    assert str(judges.policy) == "house/1"
    assert isinstance(judges.pictures, TransformersPictureClassifier)


def test_a_limit_on_a_label_the_classifier_lacks_ends_the_process(tmp_path: Path) -> None:
    save_vit(tmp_path / "vit")
    settings = JudgeSettings(policy=write_policy(tmp_path, "nfsw"), picture_classifier=tmp_path / "vit")
    with pytest.raises(Fatal, match="'nfsw'"):
        load_judges(settings)
