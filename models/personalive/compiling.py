"""Compiling the heavy passes of a step, one graph for every number of keyframes, before the first session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, ParamSpec, Protocol

import torch
from einops import rearrange
from torch import Tensor

from models.personalive.denoising_unet import Memory
from models.personalive.model import PersonaLive
from models.personalive.passes import Passes
from models.personalive.references import References
from models.personalive.rows import widths
from models.personalive.window import Frames

P = ParamSpec("P")

# The first call of a shape compiles, the second is recorded as a CUDA graph, the third replays it.
_CALLS: Final = 3


class Compiler(Protocol):
    """Turns a function of tensors into one that does the same, compiled for each shape of its inputs."""

    def __call__(self, function: Callable[P, Tensor], /) -> Callable[P, Tensor]:
        """Return the compiled function."""
        ...


def fused(function: Callable[P, Tensor], /) -> Callable[P, Tensor]:
    """Compile with torch's own compiler, kernels fused and shapes fixed."""
    return whole(function)


def replayed(function: Callable[P, Tensor], /) -> Callable[P, Tensor]:
    """Do so, and on a GPU replay each shape as a CUDA graph: a launch for the pass, not one per kernel."""
    return whole(function, mode="reduce-overhead")


def whole(
    function: Callable[P, Tensor],
    /,
    *,
    backend: str | Callable[..., Callable[..., object]] = "inductor",
    mode: str | None = None,
) -> Callable[P, Tensor]:
    """Compile a function as one graph for each shape of its inputs."""
    # Torch would follow einops as it reads every pattern, for most of the time that capturing takes.
    torch.compiler.allow_in_graph(rearrange)  # type: ignore[no-untyped-call]  # torch says no types
    compiled: Callable[P, Tensor] = torch.compile(
        function, fullgraph=True, dynamic=False, backend=backend, mode=mode
    )
    return compiled


def compile_passes(
    model: PersonaLive, rows: int = 1, denoise: Compiler = replayed, decode: Compiler = fused
) -> None:
    """Let `model` take its heavy passes compiled, and compile them for steps of up to `rows` rows together.

    That is a graph for every count of keyframes and every width of `rows.widths`; later calls of the same
    shapes compile nothing. CUDA graphs share memory, so of passes that may run beside each other only one is
    replayed. Call it in the inference mode, if any, in which steps will be taken.
    """
    model.passes = Passes(denoise(model.denoise), decode(model.codec.decode))
    # Torch takes more than a few shapes of one function for a mistake, and would stop; here all are meant.
    limit = torch._dynamo.config.accumulated_recompile_limit
    with torch._dynamo.config.patch(recompile_limit=limit):
        for width in widths(rows):
            warm_up(model, width)


def warm_up(model: PersonaLive, rows: int) -> None:
    """Call the passes as steps of `rows` rows will, with nothing in them."""
    unet, side, device = model.config.unet, model.config.latent, model.device
    state = model.init_state(rows)
    window = Frames(*(part.new_zeros(rows, unet.frames, *part.shape[2:]) for part in state.waiting))
    embedding = torch.zeros(rows, unet.image_width, device=device).to(model.denoiser.conv_out.weight)
    constants = model.denoiser.portraits(embedding)
    portrait = _blank(state.keyframes)
    for count in range(model.config.keyframes.limit + 1):
        for _ in range(_CALLS):
            model.passes.denoise(window, constants, portrait, state.keyframes.first(count), None)
    latents = torch.zeros(rows * unet.chunk_frames, unet.latent_channels, side, side, device=device)
    for _ in range(_CALLS):
        model.passes.decode(latents)


def _blank(keyframes: References) -> Memory:
    """Return the memory of a portrait of nothing."""
    return tuple(
        type(place)(*(part.new_zeros(part.shape[0], 1, *part.shape[2:]) for part in place))
        for place in keyframes.memory
    )
