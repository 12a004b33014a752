"""How single blendshapes are modelled: handles that are moved on one face, and the skin that follows."""
