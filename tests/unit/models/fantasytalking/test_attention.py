from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models.fantasytalking.attention import CrossAttention, KeyValue, SpeechKeyValue, attend_windows
from models.fantasytalking.windows import AudioWindows
from tests.unit.models.fantasytalking.scenes import make_scene


def _speech(lengths: list[int], longest: int = 4, seed: int = 0) -> tuple[Tensor, SpeechKeyValue]:
    random = torch.Generator().manual_seed(seed)
    query = torch.randn(1, 2 * len(lengths), 2, 6, generator=random)
    key = torch.randn(1, len(lengths), longest, 2, 6, generator=random)
    value = torch.randn(1, len(lengths), longest, 2, 6, generator=random)
    return query, SpeechKeyValue(key, value, torch.tensor([lengths]))


def _plain(query: Tensor, speech: SpeechKeyValue) -> Tensor:
    """One query and one head at a time, over exactly the tokens that count."""
    out = torch.zeros_like(query)
    per_frame = query.shape[1] // speech.key.shape[1]
    for token in range(query.shape[1]):
        frame = token // per_frame
        count = int(speech.lengths[0, frame])
        for head in range(query.shape[2]):
            if count:
                key, value = speech.key[0, frame, :count, head], speech.value[0, frame, :count, head]
                weights = ((key @ query[0, token, head]) / query.shape[-1] ** 0.5).softmax(dim=0)
                out[0, token, head] = weights @ value
    return out


@pytest.mark.parametrize("lengths", [[4, 4], [1, 3], [2, 4, 1], [4]])
def test_every_latent_frame_hears_its_own_window(lengths: list[int]) -> None:
    query, speech = _speech(lengths)

    torch.testing.assert_close(attend_windows(query, speech), _plain(query, speech))


def test_an_empty_window_adds_nothing() -> None:
    query, speech = _speech([0, 2])

    attended = attend_windows(query, speech)

    torch.testing.assert_close(attended, _plain(query, speech))
    assert not attended[:, :2].any()


def test_what_lies_behind_a_window_is_not_heard() -> None:
    query, speech = _speech([2, 3])
    junk = SpeechKeyValue(speech.key.clone(), speech.value.clone(), speech.lengths)
    junk.key[0, 0, 2:] = 1e4
    junk.value[0, 0, 2:] = -1e4

    assert torch.equal(attend_windows(query, junk), attend_windows(query, speech))


def test_video_tokens_that_do_not_divide_into_windows_are_refused() -> None:
    query, speech = _speech([2, 3])

    with pytest.raises(ValueError, match="3 video tokens do not divide into 2 audio windows"):
        attend_windows(query[:, :3], speech)


def test_speech_is_added_before_the_output_projection() -> None:
    scene = make_scene()
    attn = scene.network.backbone.blocks[0].attn2
    context = scene.network._contexts(scene.speaking())[0]
    hidden = torch.randn(1, 12, scene.network.config.backbone.dim, generator=torch.Generator().manual_seed(1))
    query = attn.norm_q(attn.to_q(hidden)).unflatten(-1, (attn.heads, -1))
    assert context.speech is not None

    added = attn(hidden, context) - attn(hidden, context._replace(speech=None))

    spoken = attend_windows(query, context.speech).flatten(2)
    torch.testing.assert_close(added, nn.functional.linear(spoken, attn.to_out[0].weight))


def test_keys_of_speech_are_not_normalised() -> None:
    processor = CrossAttention(dim=8, token_dim=4)
    tokens = torch.randn(1, 1, 3, 4, generator=torch.Generator().manual_seed(2))
    attn = make_scene().network.backbone.blocks[0].attn2

    once = processor.read_speech(attn, AudioWindows(tokens, torch.tensor([[3]])))
    twice = processor.read_speech(attn, AudioWindows(2 * tokens, torch.tensor([[3]])))

    torch.testing.assert_close(twice.key, 2 * once.key)


def test_a_new_branch_has_no_effect_before_it_is_trained() -> None:
    processor = CrossAttention(dim=8, token_dim=4)

    projected: KeyValue = processor.speech(torch.ones(1, 2, 4), 2)

    assert not projected.value.any()
