"""Rooms: what is said, as messages and as JSON; membership, what a director knows, calls, session files."""
