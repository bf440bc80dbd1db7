"""What is said in a room, who says it, and what a director knows."""
