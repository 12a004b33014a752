from __future__ import annotations

import json

import pytest

from models.fantasytalking.config import VARIANTS, BackboneConfig, from_json, to_json


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_a_configuration_is_read_as_it_was_written(variant: str) -> None:
    config = VARIANTS[variant]()

    assert from_json(to_json(config)) == config


def test_an_unknown_field_is_refused() -> None:
    fields = json.loads(to_json(VARIANTS["tiny"]()))
    fields["audio"]["volume"] = 11

    with pytest.raises(ValueError, match="not a FantasyTalking configuration"):
        from_json(json.dumps(fields))


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="dim 20 does not divide into 3 heads"):
        BackboneConfig(dim=20, ffn_dim=8, layers=1, heads=3, text_dim=4, image_dim=4, frequency_dim=8)


def test_the_published_backbone_takes_noise_mask_and_given_latent() -> None:
    assert VARIANTS["published"]().backbone.in_channels == 36
