"""The host: serves the page and its runtime, admits people to rooms and relays what they say."""
