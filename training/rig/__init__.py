"""Making the data the portrait rig ships."""
