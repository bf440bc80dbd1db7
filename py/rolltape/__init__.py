"""Rolltape: records remote guests on their own machines, so that nothing is ever lost."""

__version__ = "0.2.0"
