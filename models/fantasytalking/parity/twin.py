"""A network as a parity case describes it: its configuration in original terms, and weights by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.fantasytalking.config import AudioConfig, BackboneConfig, FantasyTalkingConfig
from models.fantasytalking.names import published_name
from models.fantasytalking.network import FantasyTalking, without_weights
from models.fantasytalking.parity.weight_rule import case_weights
from models.parity.fixtures import Case


def case_config(fields: Mapping[str, Any]) -> FantasyTalkingConfig:
    """Return the configuration that a case records in the original terms.

    Raises ValueError for input channels that are not noise, mask and given latent.
    """
    backbone = BackboneConfig(
        dim=fields["dim"],
        ffn_dim=fields["ffn_dim"],
        layers=fields["num_layers"],
        heads=fields["num_heads"],
        text_dim=fields["text_dim"],
        image_dim=fields["image_dim"],
        frequency_dim=fields["freq_dim"],
        latent_channels=fields["out_dim"],
        text_length=fields["text_len"],
        patch=tuple(fields["patch_size"]),
        eps=fields["eps"],
    )
    if backbone.in_channels != fields["in_dim"]:
        raise ValueError(f"expected in_dim {backbone.in_channels}, got {fields['in_dim']}")
    audio = AudioConfig(feature_dim=fields["audio_in_dim"], token_dim=fields["audio_proj_dim"])
    return FantasyTalkingConfig(backbone=backbone, audio=audio)


def build(case: Case) -> FantasyTalking:
    """Return the network of a case. What a case of one layer does not name stays without numbers."""
    network = without_weights(case_config(case.fields["config"]))
    ours = {published_name(name): name for name in network.state_dict()}
    drawn = {ours[name]: values for name, values in case_weights(case).items()}
    network.load_state_dict(drawn, strict=False, assign=True)
    return network.eval().requires_grad_(requires_grad=False)
