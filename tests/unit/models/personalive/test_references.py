from __future__ import annotations

import torch

from models.personalive.attention import KeyValues
from models.personalive.denoising_unet import Memory
from models.personalive.references import References, extend

ROWS, TOKENS, WIDTH, SLOTS = 3, 4, 2, 3


def _picture(value: float) -> Memory:
    keys = torch.full((ROWS, 1, TOKENS, WIDTH), value)
    return (KeyValues(keys, -keys),)


def _empty() -> References:
    tokens = torch.zeros(ROWS, SLOTS, TOKENS, WIDTH)
    return References((KeyValues(tokens, tokens),), torch.zeros(ROWS, dtype=torch.int64))


def _filled(references: References, row: int) -> list[float]:
    count = int(references.filled[row])
    (place,) = references.memory
    assert torch.equal(place.values, -place.keys)
    return place.keys[row, :count, 0, 0].tolist()


def test_only_marked_rows_gain_a_picture() -> None:
    references = extend(_empty(), _picture(1.0), torch.tensor([True, True, False]))
    references = extend(references, _picture(2.0), torch.tensor([True, False, False]))

    assert [_filled(references, row) for row in range(ROWS)] == [[1, 2], [1], []]
    assert references.present(SLOTS).sum(dim=1).tolist() == [2, 1, 0]


def test_a_row_without_room_keeps_its_pictures() -> None:
    references = _empty()
    for value in range(SLOTS + 2):
        references = extend(references, _picture(float(value)), torch.tensor([True, False, False]))

    assert _filled(references, 0) == [0, 1, 2]
    assert _filled(references, 1) == []


def test_the_first_slots_are_those_of_a_smaller_memory() -> None:
    references = extend(_empty(), _picture(1.0), torch.tensor([True, True, True]))

    assert [place.keys[:, :, 0, 0].tolist() for place in references.first(2)] == [[[1, 0]] * ROWS]
