"""The bounded cache: what is kept, what may be read."""

from __future__ import annotations

import torch
from torch import Tensor

from models.nn.cache import CacheLayout, KVCache, append_chunk, init_cache, reset_cache, visible_tokens

LAYOUT = CacheLayout(sink=1, window=2, chunk=2)


def write_chunks(count: int, slots: int = 1) -> KVCache:
    cache = init_cache(LAYOUT, slots=slots, layers=1, heads=1, like=torch.zeros(()), width=1)
    for n in range(count):
        cache = append_chunk(LAYOUT, cache, *chunk_of(n + 1, slots), torch.ones(slots, dtype=torch.bool))
    return cache


def chunk_of(value: int, slots: int = 1) -> tuple[Tensor, Tensor]:
    keys = torch.full((slots, 1, LAYOUT.chunk, 1, 1), float(value))
    return keys, -keys


def test_the_sink_keeps_the_first_chunk_and_the_window_the_last_ones() -> None:
    assert write_chunks(5).keys.flatten().tolist() == [1, 1, 4, 4, 5, 5]


def test_values_are_kept_beside_their_keys() -> None:
    cache = write_chunks(4)
    assert torch.equal(cache.values, -cache.keys)


def test_a_fresh_slot_sees_nothing() -> None:
    assert not visible_tokens(LAYOUT, torch.tensor([0])).any()


def test_a_young_slot_sees_only_what_it_has_written() -> None:
    assert visible_tokens(LAYOUT, torch.tensor([1]))[0].tolist() == [False] * 4 + [True] * 2


def test_the_sink_is_read_only_after_it_has_left_the_window() -> None:
    seen = visible_tokens(LAYOUT, torch.tensor([2, 3]))[:, : LAYOUT.chunk]
    assert seen.tolist() == [[False] * 2, [True] * 2]


def test_an_hour_needs_no_more_memory_than_a_chunk() -> None:
    assert write_chunks(100).keys.shape == write_chunks(1).keys.shape


def test_resetting_a_row_leaves_its_neighbour() -> None:
    cache = reset_cache(write_chunks(4, slots=2), torch.tensor([True, False]))
    assert cache.chunks.tolist() == [0, 4]
    assert not cache.keys[0].any()
    assert torch.equal(cache.keys[1], write_chunks(4).keys[0])
