"""The models of Dramatis: networks, the portrait rig and audio features. No services."""
