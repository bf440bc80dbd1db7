"""Finds takes that an earlier visit began to send: a guest without any waits for none of what sends them."""

from __future__ import annotations

from rolltape.recording.shelf import FOLDER
from rolltape.recording.sinks import Store

__all__ = ["left_behind"]

NOTES = "upload.jsonl"
"""As `arrivals.upload_notes` has it, which such a guest's page need not load."""


async def left_behind(store: Store) -> list[str]:
    """The ids of the takes with notes of an upload, whether or not it is over."""
    return [id for id in await store.names(FOLDER) if NOTES in await store.names(f"{FOLDER}/{id}")]
