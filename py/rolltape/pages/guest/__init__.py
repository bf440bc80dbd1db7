"""The guest's page."""
