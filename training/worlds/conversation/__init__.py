"""The conversation world: characters that speak, listen, wait and follow direction."""

from training.worlds.conversation.clip import Clip, SceneKind, WorldConfig, generate_clip, world_config
from training.worlds.conversation.shards import Shard, read_shards, write_shard

__all__ = [
    "Clip",
    "SceneKind",
    "Shard",
    "WorldConfig",
    "generate_clip",
    "read_shards",
    "world_config",
    "write_shard",
]
