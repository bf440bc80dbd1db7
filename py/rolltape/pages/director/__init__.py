"""The director's page."""
