"""Text that a finished file carries about itself: Tags (RFC 9559, section 5.1.8), found by its SeekHead."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rolltape.media import ebml
from rolltape.media.ebml import Id

__all__ = ["CLOCK_TAG", "tag_in", "tags"]

CLOCK_TAG = "ROLLTAPE_CLOCK"
"""What a take's page knew of the file's clocks, as JSON (`recording/clock_log.py`)."""

HEAD_BYTES = 4096
"""A file of ours has its SeekHead within them."""
MAX_TAGS = 8 << 20
"""Longer ones are not ours."""


def tags(name: str, text: str) -> bytes:
    """Write a Tags element with one tag, for the whole file."""
    said = ebml.element(Id.TAG_NAME, ebml.string_payload(name))
    said += ebml.element(Id.TAG_STRING, ebml.string_payload(text))
    tag = ebml.element(Id.TARGETS, b"") + ebml.element(Id.SIMPLE_TAG, said)
    return ebml.element(Id.TAGS, ebml.element(Id.TAG, tag))


def tag_in(read: Callable[[int, int], bytes], name: str) -> str | None:
    """The text of this tag in a WebM or Matroska file; None where it has none, or no SeekHead that tells of it.

    `read(start, end)` gives the file's bytes there, fewer behind its end. Any bytes are fine.
    """
    head = read(0, HEAD_BYTES)
    for at in _places(head):
        ident, size, body = ebml.read_header(read(at, at + 12), 0)
        if ident == Id.TAGS and 0 <= size <= MAX_TAGS:
            return _text(read(at + body, at + body + size), name)
    return None


def _places(head: bytes) -> Iterator[int]:
    """Where the Tags are, by the SeekHead."""
    ident, size, body = ebml.read_header(head, 0)
    if ident != Id.EBML or size < 0:
        return
    ident, size, segment = ebml.read_header(head, body + size)
    if ident != Id.SEGMENT:
        return
    ident, size, body = ebml.read_header(head, segment)
    if ident != Id.SEEK_HEAD or size < 0:
        return
    for ident, _, start, end in ebml.children(head[body : body + size]):
        if ident != Id.SEEK:
            continue
        entry = head[body + start : body + end]
        fields = {one: entry[start:end] for one, _, start, end in ebml.children(entry)}
        if fields.get(Id.SEEK_ID) == ebml.write_id(Id.TAGS) and Id.SEEK_POSITION in fields:
            yield segment + ebml.read_uint(fields[Id.SEEK_POSITION])


def _text(payload: bytes, name: str) -> str | None:
    for tag in _inside(payload, Id.TAG):
        for simple in _inside(tag, Id.SIMPLE_TAG):
            fields = {ident: simple[body:end] for ident, _, body, end in ebml.children(simple)}
            if ebml.read_string(fields.get(Id.TAG_NAME, b"")) == name and Id.TAG_STRING in fields:
                return ebml.read_string(fields[Id.TAG_STRING])
    return None


def _inside(payload: bytes, wanted: Id) -> Iterator[bytes]:
    return (payload[body:end] for ident, _, body, end in ebml.children(payload) if ident == wanted)
