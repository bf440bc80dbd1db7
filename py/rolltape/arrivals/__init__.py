"""Takes that arrive at the host: what page and server say to each other over HTTP, and how both prove it"""
