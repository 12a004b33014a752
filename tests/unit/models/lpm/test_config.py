"""LPM configurations: checked, saved and read back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.lpm.config import VARIANTS, SamplerConfig, from_json, tiny, to_json
from models.lpm.direction import CONCEPTS, MAX_ITEMS


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_a_configuration_survives_json(name: str) -> None:
    config = VARIANTS[name]()
    assert from_json(to_json(config)) == config


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_the_look_ahead_is_within_a_chunk(name: str) -> None:
    config = VARIANTS[name]()
    end_s = (config.look_ahead * config.logmel.hop + config.logmel.margin) / 16_000
    assert 0 < end_s <= 0.2


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="not an LPM configuration"):
        from_json(to_json(tiny()).replace('"dim"', '"dims"'))


@pytest.mark.parametrize("levels", [(), (0.9, 0.5), (1.0, 0.5, 0.5), (1.0, 0.0)])
def test_levels_that_do_not_fall_from_one_are_refused(levels: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="sampler levels"):
        replace(tiny(), sampler=SamplerConfig(levels=levels))


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_there_is_a_token_for_every_concept(name: str) -> None:
    direction = VARIANTS[name]().direction
    assert direction.concepts == len(CONCEPTS)
    assert direction.items == MAX_ITEMS
