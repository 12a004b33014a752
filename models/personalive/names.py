"""The published names of tensors, from ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

# Applied one after the other to our name of a tensor of a UNet; each leads closer to the published one.
STEPS: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^trunk\.", ""),
        (r"^(down|up)\.", r"\1_blocks."),
        (r"^mid\.", "mid_block."),
        (r"^down_blocks\.(\d+)\.resample\.", r"down_blocks.\1.downsamplers.0."),
        (r"^up_blocks\.(\d+)\.resample\.", r"up_blocks.\1.upsamplers.0."),
        (r"\.layers\.(\d+)\.time\.", r".resnets.\1.time_emb_proj."),
        (r"\.layers\.(\d+)\.resnet\.", r".resnets.\1."),
        (
            r"\.layers\.(\d+)\.spatial\.(norm1|attn1|norm2|attn2|norm3|ff)\.",
            r".attentions.\1.transformer_blocks.0.\2.",
        ),
        (r"\.layers\.(\d+)\.spatial\.", r".attentions.\1."),
        (
            r"\.layers\.(\d+)\.(motion|temporal)\.(attentions|norms|ff_norm|ff)\.",
            r".\2_modules.\1.temporal_transformer.transformer_blocks.0.\3.",
        ),
        (r"\.layers\.(\d+)\.(motion|temporal)\.", r".\2_modules.\1.temporal_transformer."),
        (r"\.attentions\.(\d+)\.attention\.", r".attention_blocks.\1."),
        (r"\.attentions\.(\d+)\.positions$", r".attention_blocks.\1.pos_encoder.pe"),
        (r"\.to_out\.", ".to_out.0."),
    )
)


def published(name: str) -> str:
    """Return the published name of the tensor that a UNet of ours calls `name`."""
    for pattern, replacement in STEPS:
        name = pattern.sub(replacement, name)
    return name


def ours(names: Iterable[str], published_name: Callable[[str], str] = published) -> dict[str, str]:
    """Return our names by what `published_name` makes of them."""
    return {published_name(name): name for name in names}
