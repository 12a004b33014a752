"""The direction world: plans of what is asked of a face and when, and the face that plays them."""

from training.worlds.direction.acting import act
from training.worlds.direction.plan import Directed, draw_plan

__all__ = ["Directed", "act", "draw_plan"]
