"""A recording from the order to the finished take, and what is kept of it."""
