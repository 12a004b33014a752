"""What the published files call the tensors of this network."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Modules of the backbone, as diffusers names them and as the original files do; leaves are called alike.
OUTER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "patch_embedding": "patch_embedding",
        "condition_embedder.text_embedder.linear_1": "text_embedding.0",
        "condition_embedder.text_embedder.linear_2": "text_embedding.2",
        "condition_embedder.time_embedder.linear_1": "time_embedding.0",
        "condition_embedder.time_embedder.linear_2": "time_embedding.2",
        "condition_embedder.time_proj": "time_projection.1",
        "condition_embedder.image_embedder.norm1": "img_emb.proj.0",
        "condition_embedder.image_embedder.ff.net.0.proj": "img_emb.proj.1",
        "condition_embedder.image_embedder.ff.net.2": "img_emb.proj.3",
        "condition_embedder.image_embedder.norm2": "img_emb.proj.4",
        "proj_out": "head.head",
    }
)
# The same inside of a block. Diffusers counts norms in the order of their use, hence norm2 for norm3.
INNER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "attn1.to_q": "self_attn.q",
        "attn1.to_k": "self_attn.k",
        "attn1.to_v": "self_attn.v",
        "attn1.to_out.0": "self_attn.o",
        "attn1.norm_q": "self_attn.norm_q",
        "attn1.norm_k": "self_attn.norm_k",
        "norm2": "norm3",
        "attn2.to_q": "cross_attn.q",
        "attn2.to_k": "cross_attn.k",
        "attn2.to_v": "cross_attn.v",
        "attn2.to_out.0": "cross_attn.o",
        "attn2.norm_q": "cross_attn.norm_q",
        "attn2.norm_k": "cross_attn.norm_k",
        "attn2.add_k_proj": "cross_attn.k_img",
        "attn2.add_v_proj": "cross_attn.v_img",
        "attn2.norm_added_k": "cross_attn.norm_k_img",
        "attn2.processor.speech.k_proj": "cross_attn.processor.k_proj",
        "attn2.processor.speech.v_proj": "cross_attn.processor.v_proj",
        "ffn.net.0.proj": "ffn.0",
        "ffn.net.2": "ffn.2",
    }
)
# Tables of the model and of a block, which have no leaf.
TABLE: Final = "scale_shift_table"
OUTER_TABLE, INNER_TABLE = "head.modulation", "modulation"

BACKBONE: Final = "backbone."
PROJECTION, PUBLISHED_PROJECTION = "audio_projection.", "proj_model."
PROCESSOR: Final = ".attn2.processor."
IDENTITY: Final = ".identity."
# Modules of this network that nobody published.
UNPUBLISHED: Final = ("face_queries.", "intensity_network.")


def published_name(name: str) -> str:
    """Return the original name of a tensor of this network, such as `proj_model.norm.bias`.

    Raises ValueError for a tensor that is not published.
    """
    if name.startswith(PROJECTION):
        return PUBLISHED_PROJECTION + name.removeprefix(PROJECTION)
    if not name.startswith(BACKBONE) or IDENTITY in name:
        raise ValueError(f"{name} is in no published file")
    return original_name(name.removeprefix(BACKBONE))


def original_name(name: str) -> str:
    """Return the original name of a tensor that diffusers' transformer calls `name`.

    Raises ValueError for a name that the transformer does not have.
    """
    prefix, modules, table = "", OUTER, OUTER_TABLE
    if name.startswith("blocks."):
        blocks, index, name = name.split(".", 2)
        prefix, modules, table = f"{blocks}.{index}.", INNER, INNER_TABLE
    if name == TABLE:
        return prefix + table
    module, _, leaf = name.rpartition(".")
    if module not in modules:
        raise ValueError(f"the transformer has no tensor {prefix}{name}")
    return f"{prefix}{modules[module]}.{leaf}"


def file_name(name: str) -> str:
    """Return the name in a file of a tensor of this network: the original one where it is published."""
    return published_name(name) if is_published(name) else name


def is_published(name: str) -> bool:
    """Whether a tensor of this network is in the published files."""
    return not name.startswith(UNPUBLISHED) and IDENTITY not in name


def is_audio(published: str) -> bool:
    """Whether the original name is one of the audio branch's and not of Wan2.1."""
    return published.startswith(PUBLISHED_PROJECTION) or ".processor." in published
