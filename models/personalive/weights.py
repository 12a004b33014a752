"""Published tensors in our networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from models.personalive.audit import check


def fill(
    what: str, module: nn.Module, tensors: Mapping[str, Tensor], published: Callable[[str], str]
) -> None:
    """Let `module` hold the very `tensors`, which go by their published names, and make it ready to infer.

    `published` tells the published name of a tensor of the module, which may stand on the meta device.
    Raises ValueError that names every tensor which is missing, unknown or of another shape.
    """
    names = {published(name): name for name in module.state_dict()}
    state = module.state_dict()
    check(what, tensors, {name: state[our_name] for name, our_name in names.items()})
    module.load_state_dict({names[name]: tensor for name, tensor in tensors.items()}, assign=True)
    module.eval().requires_grad_(requires_grad=False)
