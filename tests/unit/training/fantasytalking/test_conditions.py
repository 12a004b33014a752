"""What clips are told, and what is withheld."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.unit.models.fantasytalking.scenes import make_network
from tests.unit.training.fantasytalking.people import conditioner_of, draw_clips, run_of
from training.fantasytalking.clips import Clip, ClipSampler, Entry
from training.fantasytalking.conditions import Conditioner, Told
from training.fantasytalking.config import DropoutConfig, Stage


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    return draw_clips(tmp_path)


def conditioner(stage: Stage, entries: list[Entry], drop: DropoutConfig | None = None) -> Conditioner:
    """Return one whose network has no weights that are zero."""
    config = run_of(stage)
    plain = conditioner_of(config, entries, make_network(config.model))
    return replace(plain, config=replace(plain.config, dropout=drop or plain.config.dropout))


def clips_of(entries: list[Entry]) -> list[Clip]:
    return ClipSampler(entries, run_of("clip").model.clip, batch=2, frames=9, seed=0).draw()


def tell(given: Conditioner, entries: list[Entry]) -> Told:
    return given.tell(clips_of(entries), torch.Generator().manual_seed(0))


def velocity(given: Conditioner, told: Told) -> Tensor:
    latents = torch.cat((torch.ones_like(told.given[:, :4]), told.given), dim=1)
    found: Tensor = given.network(latents, torch.tensor([500.0, 500.0]), told.context)
    return found


def test_withheld_speech_is_as_if_the_branch_were_left_out(entries: list[Entry]) -> None:
    deaf = conditioner("frame", entries, DropoutConfig(portrait=0, speech=1, prompt=0))
    told = tell(deaf, entries)
    silent = told._replace(context=told.context._replace(speech=None))
    torch.testing.assert_close(velocity(deaf, told), velocity(deaf, silent))
    hearing = conditioner("frame", entries)
    heard = velocity(hearing, tell(hearing, entries))
    assert (heard - velocity(deaf, told)).abs().max() > 1e-3


@pytest.mark.parametrize(("stage", "windows"), [("clip", 1), ("frame", 3), ("identity", 3)])
def test_speech_is_heard_by_the_clip_or_by_its_latent_frames(
    entries: list[Entry], stage: Stage, windows: int
) -> None:
    speech = tell(conditioner(stage, entries), entries).context.speech
    assert speech is not None
    assert speech[0].lengths.shape == (2, windows)


def test_a_withheld_portrait_leaves_neither_mask_nor_latent(entries: list[Entry]) -> None:
    shown = tell(conditioner("clip", entries), entries).given
    hidden = tell(conditioner("clip", entries, DropoutConfig(portrait=1, speech=0, prompt=0)), entries).given
    assert shown.shape == hidden.shape == (2, 8, 3, 4, 4)
    assert bool((shown[:, :4, 0] == 1).all())
    assert not bool(hidden.any())


def test_a_withheld_prompt_is_that_of_no_words(entries: list[Entry]) -> None:
    given = conditioner("clip", entries, DropoutConfig(portrait=0, speech=0, prompt=1))
    text = tell(given, entries).context.text
    empty = given.network.read_text(torch.zeros(2, 8, 16))
    assert torch.equal(text[0].key, empty[0].key)
    assert not torch.equal(tell(conditioner("clip", entries), entries).context.text[0].key, empty[0].key)


@pytest.mark.parametrize(
    ("stage", "reads"),
    [
        ("base", set()),
        ("clip", {"speech"}),
        ("identity", {"speech", "identity"}),
        ("intensity", {"speech", "identity", "intensity"}),
    ],
)
def test_every_stage_reads_its_branches(entries: list[Entry], stage: Stage, reads: set[str]) -> None:
    context = tell(conditioner(stage, entries), entries).context
    branches = ("speech", "identity", "intensity")
    assert {name for name in branches if getattr(context, name) is not None} == reads


def test_a_stage_that_sees_faces_needs_a_face_encoder(entries: list[Entry]) -> None:
    given = conditioner("identity", entries)
    blind = replace(given, frozen=replace(given.frozen, face=None))
    with pytest.raises(ValueError, match="needs a face encoder"):
        tell(blind, entries)


def test_the_truth_is_the_latents_of_all_frames(entries: list[Entry]) -> None:
    given = conditioner("clip", entries)
    assert given.truth(clips_of(entries)).shape == (2, 4, 3, 4, 4)
    assert given.lips(clips_of(entries)).shape == (2, 1, 3, 4, 4)
