"""The parity cases of streaming: which frames become keyframes, and how the window slides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import torch
from einops import rearrange
from torch import Tensor

from models.parity.fixtures import Tensors
from models.personalive.front_end.keypoints import blend
from models.personalive.keyframes import Choice, KeyframeConfig, SeenMotions, choose, see_nothing
from models.personalive.parity.fixtures import Case, Replay
from models.personalive.scheduler import DdimScheduler, ScheduleConfig
from models.personalive.window import Frames, append, level_timesteps, noised, take

CHUNK_FRAMES: Final = 4
SCHEDULE: Final = ScheduleConfig()
LEAD_FRAMES: Final = (len(SCHEDULE.levels) - 1) * CHUNK_FRAMES
LATENT_SCALE: Final = 0.18215
# How recorded motions were thinned: every n-th number.
MOTION_STRIDE: Final = 37


def replay_keyframe_rule(case: Case) -> Tensors:
    """Judge sequences of motions, all of them rows of one batch; the portraits' motions come first."""
    recorded = case.inputs["motion"]
    portrait, chunks = recorded[:, 0, 0], recorded[:, 1:]
    motions = torch.cat([blend(portrait, chunks[:, 0, 0], LEAD_FRAMES), chunks.flatten(1, 2)], dim=1)
    heads = motions[:, ::CHUNK_FRAMES].flatten(2)
    judge = Judge(rows=len(portrait), width=heads.shape[-1], calls=case.fields["calls"])
    for call in range(case.fields["calls"]):
        judge(heads[:, call], portrait.flatten(1))
    return {"table": judge.table(), "min_distance": judge.distances()}


def replay_mechanics(case: Case) -> Tensors:
    """Let the window slide over recorded frames, its denoiser's output replaced by the recorded one."""
    scheduler, inputs = DdimScheduler(SCHEDULE), case.inputs
    portrait = LATENT_SCALE * inputs["vae_mean"]
    timesteps = level_timesteps(SCHEDULE.levels, CHUNK_FRAMES, portrait.device)
    lead, newest = timesteps[:LEAD_FRAMES], timesteps[-CHUNK_FRAMES:]
    chunks = inputs["motion"].unsqueeze(0)
    motions = torch.cat([blend(inputs["motion_ref"][None], chunks[:, 0], LEAD_FRAMES), chunks], dim=1)
    poses = inputs["pose"].unsqueeze(0)
    begun = noised(scheduler, portrait, inputs["noise_init"].transpose(1, 2), lead)
    waiting = Frames(begun, poses[:, :LEAD_FRAMES], motions[:, :LEAD_FRAMES])
    judge = Judge(rows=1, width=inputs["motion_ref"].numel(), calls=case.fields["calls"])
    windows, left, keyframes = [], [], []
    for call in range(case.fields["calls"]):
        here = slice(LEAD_FRAMES + call * CHUNK_FRAMES, LEAD_FRAMES + (call + 1) * CHUNK_FRAMES)
        noise = rearrange(inputs["noise"][call], "c f h w -> 1 f c h w")
        latents = noised(scheduler, portrait, noise, newest)
        window = append(waiting, Frames(latents, poses[:, here], motions[:, here]))
        lower, clean = scheduler.step(window.latents, inputs["eps"][call].unsqueeze(0), timesteps)
        choice = judge(window.motions[:, 0].flatten(1), inputs["motion_ref"].flatten()[None])
        keyframes += [clean[:, 0]] if choice.chosen.item() else []
        leaving, waiting = take(window._replace(latents=lower), CHUNK_FRAMES)
        windows.append(window)
        left.append(leaving.latents[0])
    whole = Frames(*(torch.cat(parts) for parts in zip(*windows, strict=True)))
    return {
        "table": judge.table()[0],
        "min_distance": judge.distances()[0],
        "latents_start": begun[0],
        "window_latents": whole.latents,
        "window_timesteps": timesteps.expand(case.fields["calls"], -1),
        "window_motion": whole.motions.flatten(2)[..., ::MOTION_STRIDE],
        "window_pose": whole.poses,
        "decoder_input": torch.stack(left) / LATENT_SCALE,
        "keyframe_latents": torch.cat(keyframes),
        "ref_unet_latents": portrait,
        "ref_unet_timesteps": torch.zeros(1 + len(keyframes)),
    }


REPLAYS: Final[Mapping[str, Replay]] = MappingProxyType(
    {"keyframe_rule": replay_keyframe_rule, "mechanics": replay_mechanics}
)


class Judge:
    """Applies the keyframe rule call by call and writes down what it says.

    It remembers every new motion, as what was recorded did, though those after the last keyframe change
    nothing but which motions are called new.
    """

    def __init__(self, *, rows: int, width: int, calls: int) -> None:
        self.config = KeyframeConfig(remembered=max(calls, KeyframeConfig().limit))
        self.seen: SeenMotions = see_nothing(self.config, rows, width, torch.device("cpu"))
        self.choices: list[Choice] = []

    def __call__(self, motion: Tensor, portrait: Tensor) -> Choice:
        choice, self.seen = choose(self.config, self.seen, motion, portrait)
        self.choices.append(choice)
        return choice

    def table(self) -> Tensor:
        """Return the table of all choices so far."""
        return decision_table(self.choices)

    def distances(self) -> Tensor:
        """Return the distance to the nearest motion seen before, [rows, calls]."""
        return torch.stack([choice.distance for choice in self.choices], dim=1)


def decision_table(choices: Sequence[Choice]) -> Tensor:
    """Return, by row and call: the call, new, chosen, keyframes and motions so far; [rows, calls, 5]."""
    new = torch.stack([choice.new for choice in choices], dim=1).long()
    chosen = torch.stack([choice.chosen for choice in choices], dim=1).long()
    calls = torch.arange(new.shape[1]).expand_as(new)
    return torch.stack([calls, new, chosen, chosen.cumsum(1), 1 + new.cumsum(1)], dim=-1)
