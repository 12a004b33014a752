"""The portrait rig: a picture of a face becomes something that 58 numbers can move, and back again."""
