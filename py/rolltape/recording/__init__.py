"""From an order to a finished take and what is kept of it: deck, take, parts, sinks, shelf, recovery."""
