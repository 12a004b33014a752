"""LPM configurations: checked, saved and read back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.lpm.config import VARIANTS, LpmConfig, SamplerConfig, from_json, tiny, to_json


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


@pytest.mark.parametrize("place", ["listen_width", "text_width", "reference_tokens"])
def test_places_that_are_not_built_yet_are_refused(place: str) -> None:
    with pytest.raises(ValueError, match="not built yet"):
        replace_place(tiny(), place)


def replace_place(config: LpmConfig, place: str) -> LpmConfig:
    return from_json(to_json(config).replace(f'"{place}": 0', f'"{place}": 8'))
