"""The networks of others are read from their folders."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

from tests.unit.training.fantasytalking.people import run_of
from training.fantasytalking.frozen import load_frozen
from training.fantasytalking.tiny import tiny_frozen

CONFIG = run_of("identity")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write tiny networks as they are published: `base` like Wan2.1 for diffusers, `speech`, and a face's."""
    drawn = tiny_frozen(CONFIG)
    drawn.encoders.speech.save_pretrained(tmp_path / "speech")
    drawn.encoders.image.save_pretrained(tmp_path / "base" / "image_encoder")
    drawn.encoders.autoencoder.save_pretrained(tmp_path / "base" / "vae")
    words = Tokenizer(WordLevel({"<pad>": 0, "<unk>": 1, "hello": 2, "you": 3}, unk_token="<unk>"))
    words.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # transformers leaves it untyped
        tokenizer_object=words, pad_token="<pad>", unk_token="<unk>"
    )
    tokenizer.save_pretrained(tmp_path / "base" / "tokenizer")
    text = UMT5Config(vocab_size=8, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    UMT5EncoderModel(text).save_pretrained(tmp_path / "base" / "text_encoder")
    assert drawn.face is not None
    torch.save(drawn.face.state_dict(), tmp_path / "face.pth")
    return tmp_path


def test_what_was_written_is_read(folder: Path) -> None:
    face = (folder / "face.pth", CONFIG.face)
    read = load_frozen(folder / "base", folder / "speech", 8, face, "cpu")
    drawn = tiny_frozen(CONFIG)
    for one, two in zip(read.encoders, drawn.encoders, strict=True):
        state = two.state_dict()
        assert all(torch.equal(value, state[name]) for name, value in one.state_dict().items())
    text = read.read_text(["hello", "hello you"])
    assert text.shape == (2, 8, 16)
    assert [int(row.any(dim=1).sum()) for row in text] == [1, 2]
    faces = torch.rand(1, 3, 16, 16)
    assert read.face is not None
    assert drawn.face is not None
    assert torch.equal(read.face(faces), drawn.face(faces))


def test_a_folder_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"no folder .*elsewhere"):
        load_frozen(folder / "base", folder / "elsewhere", 8, None, "cpu")


def test_tensors_that_are_missing_are_named(folder: Path) -> None:
    file = folder / "speech" / "model.safetensors"
    tensors = load_file(file)
    del tensors["feature_projection.projection.bias"]
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"speech lacks feature_projection\.projection\.bias"):
        load_frozen(folder / "base", folder / "speech", 8, None, "cpu")
