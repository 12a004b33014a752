"""Tensors that go by published names, in networks of ours."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from torch import Tensor, nn

from models.personalive import names
from models.personalive.audit import check


def fill(
    what: str,
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    published: Callable[[str], str] = str,
    dispensable: Collection[str] = (),
) -> None:
    """Let `module` hold the very `tensors`, which go by their published names, and make it ready to infer.

    `published` tells the published name of a tensor of the module, which may stand on the meta device.
    Tensors that are `dispensable` may be missing; the module's own stay then. Raises ValueError that names
    every other one which is missing, unknown or of another shape.
    """
    state = module.state_dict()
    ours = names.ours(state, published)
    check(what, tensors, {name: state[our_name] for name, our_name in ours.items()}, dispensable)
    module.load_state_dict({ours[name]: tensors[name] for name in tensors}, strict=False, assign=True)
    module.eval().requires_grad_(requires_grad=False)
