"""What a motion frame reads: its own window of sound if there is any, its own chunk's direction."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.lpm.conditions import ConditionAttention, Heard, Presence
from models.lpm.config import tiny
from models.lpm.direction import encode_items, read_direction
from models.lpm.streams import DirectionEncoder, DirectionTokens

CHUNKS, FRAMES, WINDOW, STRIDE, WIDTH = 3, 6, 4, 2, 4
TOKENS = (FRAMES - 1) * STRIDE + WINDOW


@pytest.fixture
def attention() -> ConditionAttention:
    torch.manual_seed(0)
    attention = ConditionAttention(
        dim=8, heads=2, sound_width=WIDTH, window=WINDOW, stride=STRIDE, direction_width=WIDTH
    )
    torch.nn.init.normal_(attention.instead)
    return attention.requires_grad_(requires_grad=False)


def nothing_asked() -> DirectionTokens:
    tokens = torch.zeros(1, CHUNKS, 3, WIDTH)
    seen = torch.tensor([False, False, True]).expand(1, CHUNKS, 3)
    return DirectionTokens(tokens, seen)


def read(
    attention: ConditionAttention,
    sound: Tensor,
    presence: tuple[Presence, ...] = (Presence.PRESENT,) * CHUNKS,
    direction: DirectionTokens | None = None,
) -> Tensor:
    frames = torch.randn(1, FRAMES, 8, generator=torch.Generator().manual_seed(1))
    heard = Heard(sound, torch.tensor([presence]))
    result: Tensor = attention(frames, attention.remember(heard, direction or nothing_asked(), FRAMES))
    return result


def changed_frames(one: Tensor, other: Tensor) -> list[int]:
    return [n for n in range(FRAMES) if not torch.equal(one[:, n], other[:, n])]


def test_a_frame_reads_its_own_window_only(attention: ConditionAttention) -> None:
    sound = torch.randn(1, TOKENS, WIDTH)
    changed = sound.clone()
    changed[:, 5] += 1
    assert changed_frames(read(attention, sound), read(attention, changed)) == [1, 2]


def test_an_absent_stream_is_not_heard(attention: ConditionAttention) -> None:
    presence = (Presence.PRESENT, Presence.ABSENT, Presence.UNKNOWN)
    one, other = torch.randn(2, 1, TOKENS, WIDTH).unbind(0)
    assert changed_frames(read(attention, one, presence), read(attention, other, presence)) == [0, 1]


def test_absent_unknown_and_silent_are_three_things(attention: ConditionAttention) -> None:
    silence = torch.zeros(1, TOKENS, WIDTH)
    states = [read(attention, silence, (presence,) * CHUNKS) for presence in Presence]
    assert all(changed_frames(one, other) for i, one in enumerate(states) for other in states[i + 1 :])


def test_a_direction_is_read_in_its_own_chunks(attention: ConditionAttention) -> None:
    sound, calm = torch.randn(1, TOKENS, WIDTH), nothing_asked()
    seen = calm.seen.clone()
    seen[:, 1, 0] = True
    tokens = calm.tokens.clone()
    tokens[:, 1, 0] = 1.0
    asked = DirectionTokens(tokens, seen)
    assert changed_frames(read(attention, sound), read(attention, sound, direction=asked)) == [2, 3]


def encoded(text: str, *, known: bool = True) -> DirectionTokens:
    torch.manual_seed(0)
    concepts, strengths = encode_items(read_direction(text).items)
    encoder = DirectionEncoder(tiny())
    arguments = torch.from_numpy(concepts), torch.from_numpy(strengths), torch.tensor(known)
    tokens: DirectionTokens = encoder(*(argument[None, None] for argument in arguments))
    return tokens


def is_same(one: DirectionTokens, other: DirectionTokens) -> bool:
    return torch.equal(one.tokens, other.tokens) and torch.equal(one.seen, other.seen)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("smile and nod", "nod, smile"),
        ("a happy smile", "a happy, glimfeathery smile"),
        ("", "quasar marmalade"),
    ],
)
def test_order_and_unknown_words_change_no_bit(one: str, other: str) -> None:
    assert is_same(encoded(one), encoded(other))


def test_strength_is_told_apart() -> None:
    assert not is_same(encoded("slightly happy"), encoded("very happy"))


def test_a_direction_that_is_not_known_differs_from_none() -> None:
    assert not torch.equal(encoded("", known=False).tokens[..., -1, :], encoded("").tokens[..., -1, :])
    assert encoded("happy", known=False).seen.sum() == 1
