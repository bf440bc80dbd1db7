"""Takes that are kept: the shelf, the room left, the converter."""
