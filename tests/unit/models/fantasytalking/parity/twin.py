"""A plain twin of the network: diffusers' transformer, in which a processor of a few loops hears speech."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers.models.transformers.transformer_wan import WanAttention, WanTransformer3DModel
from torch import Tensor

from models.fantasytalking.names import original_name
from tests.unit.models.fantasytalking.parity.recording import attend_plainly

# What diffusers expects, whatever the config.
TEXT_LENGTH = 512


class PlainProcessor:
    """Text, picture and speech, a sample and a window at a time."""

    def __init__(self, key: Tensor, value: Tensor) -> None:
        self._key, self._value = key, value
        self.windows: Tensor = torch.zeros(0)
        self.lengths: list[list[int]] = []
        self.scale = 0.0

    def __call__(self, attn: WanAttention, hidden: Tensor, context: Tensor, *unused: object) -> Tensor:
        out = torch.stack([self._sample(attn, row, hidden[row], context[row]) for row in range(len(hidden))])
        projected: Tensor = attn.to_out[0](out)
        return projected

    def _sample(self, attn: WanAttention, row: int, hidden: Tensor, context: Tensor) -> Tensor:
        assert attn.add_k_proj is not None
        assert attn.add_v_proj is not None

        def heads(projected: Tensor) -> Tensor:
            return projected.reshape(len(projected), attn.heads, -1)

        image, text = context[:-TEXT_LENGTH], context[-TEXT_LENGTH:]
        query = heads(attn.norm_q(attn.to_q(hidden)))
        attended = attend_plainly(query, heads(attn.norm_k(attn.to_k(text))), heads(attn.to_v(text)))
        image_key = heads(attn.norm_added_k(attn.add_k_proj(image)))
        attended = attended + attend_plainly(query, image_key, heads(attn.add_v_proj(image)))
        if self.scale:
            per_window = len(query) // len(self.lengths[row])
            for index, count in enumerate(self.lengths[row]):
                mine, heard = (
                    slice(index * per_window, (index + 1) * per_window),
                    self.windows[row, index, :count],
                )
                spoken = attend_plainly(query[mine], heads(heard @ self._key.T), heads(heard @ self._value.T))
                attended[mine] += self.scale * spoken
        return attended.flatten(1)


class Twin:
    """The transformer of a recorded configuration, with weights by original names."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        build: Any = WanTransformer3DModel
        self.model: Any = build(
            patch_size=tuple(config["patch_size"]),
            num_attention_heads=config["num_heads"],
            attention_head_dim=config["dim"] // config["num_heads"],
            in_channels=config["in_dim"],
            out_channels=config["out_dim"],
            text_dim=config["text_dim"],
            freq_dim=config["freq_dim"],
            ffn_dim=config["ffn_dim"],
            num_layers=config["num_layers"],
            eps=config["eps"],
            image_dim=config["image_dim"],
            added_kv_proj_dim=config["dim"],
        )
        self._audio = (config["dim"], config["audio_proj_dim"])

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return original names and shapes of the transformer and of its projections of speech."""
        shapes = {
            original_name(name): tuple(tensor.shape) for name, tensor in self.model.state_dict().items()
        }
        for block in range(len(self.model.blocks)):
            shapes |= {
                f"blocks.{block}.cross_attn.processor.{part}_proj.weight": self._audio for part in "kv"
            }
        return shapes

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights."""
        names = self.model.state_dict()
        self.model.load_state_dict({name: weights[original_name(name)] for name in names})
        self.model.eval().requires_grad_(requires_grad=False)
        for index, block in enumerate(self.model.blocks):
            prefix = f"blocks.{index}.cross_attn.processor"
            key, value = weights[f"{prefix}.k_proj.weight"], weights[f"{prefix}.v_proj.weight"]
            block.attn2.processor = PlainProcessor(key, value)

    def velocity(
        self,
        latents: Tensor,
        timestep: Tensor,
        text: Tensor,
        image: Tensor,
        speech: tuple[Tensor, Tensor, float],
    ) -> Tensor:
        """Return the velocity; `latents` end with their condition, `speech` is windows, lengths, scale."""
        for block in self.model.blocks:
            processor = block.attn2.processor
            processor.windows, processor.lengths, processor.scale = speech[0], speech[1].tolist(), speech[2]
        padded = torch.zeros(len(text), TEXT_LENGTH, text.shape[-1])
        padded[:, : text.shape[1]] = text
        velocity: Tensor = self.model(latents, timestep, padded, image).sample
        return velocity
