"""A recording's header, all before its first Cluster: rewritten once, so that it can be finished in place.

Ours is laid out as

    EBML head      byte for byte as it came
    Segment        of unknown size, in 8 bytes
      Void         SEEK_ROOM bytes, where the SeekHead will be
      Info         as it came, less what cannot stay; then WritingApp, then a Void where Duration will be
      Tracks       byte for byte, as is anything else that came (Tags, Chapters)
      Void         TAIL_ROOM bytes, for what is only known later

Element order and meaning: RFC 9559, sections 5 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rolltape.core.errors import RolltapeError
from rolltape.media import ebml
from rolltape.media.ebml import INVALID, TRUNCATED, UNKNOWN, Id

SEEK_ROOM: Final = 128
"""Bytes kept free for the SeekHead: an entry takes 21, so five of them."""
TAIL_ROOM: Final = 256
"""Bytes kept free after Tracks."""
DURATION_ROOM: Final = 11
"""Bytes of a Duration element with a float of 8 bytes."""
MAX_HEADER: Final = 1 << 20
"""No recording has a longer header: beyond it we stop waiting for the first Cluster."""

DEFAULT_SCALE_NS: Final = 1_000_000
"""A tick where a file does not say how long it is."""
DOC_TYPES: Final = ("webm", "matroska")
SEGMENT_START: Final = ebml.write_id(Id.SEGMENT) + ebml.write_size(UNKNOWN, 8)

_EBML_START: Final = ebml.write_id(Id.EBML)
_NOT_KEPT_IN_SEGMENT: Final = frozenset({Id.SEEK_HEAD, Id.VOID, Id.CRC_32, Id.INFO, Id.CUES})
_NOT_KEPT_IN_INFO: Final = frozenset({Id.DURATION, Id.WRITING_APP, Id.VOID, Id.CRC_32})


NO_TRACKS = "The recording's header lists no tracks."


class WebmError(RolltapeError):
    """These bytes are no recording that can be read (further); the sentence says what was met, and where."""


@dataclass(frozen=True, slots=True)
class HeaderElement:
    """One element of the header: where it starts, where its payload starts, where it ends."""

    ident: int
    start: int
    body: int
    end: int


def header_length(raw: bytes) -> int | None:
    """Return the offset of the first Cluster; None while more bytes are needed.

    Raises WebmError when these bytes cannot be the beginning of a WebM or Matroska file.
    """
    return _walk(raw)[1]


def rewrite_header(raw: bytes, writing_app: str) -> bytes:
    """Our header in place of `raw`, which is all that came before the first Cluster.

    Rewriting a header of ours, finished or not, gives the same bytes as before it was finished.
    Raises WebmError when there is no Tracks element, or when this is no header at all.
    """
    pieces, _ = _walk(raw)
    kinds = [piece.ident for piece in pieces]
    if Id.TRACKS not in kinds:
        raise WebmError(NO_TRACKS)
    info = next((raw[piece.body : piece.end] for piece in pieces if piece.ident == Id.INFO), b"")
    kept = [raw[piece.start : piece.end] for piece in pieces[2:] if piece.ident not in _NOT_KEPT_IN_SEGMENT]
    return b"".join(
        (
            raw[: pieces[0].end],
            SEGMENT_START,
            ebml.void(SEEK_ROOM),
            _rewrite_info(info, writing_app),
            *kept,
            ebml.void(TAIL_ROOM),
        )
    )


def unreadable(at: int) -> WebmError:
    """Make the error of a header of which the bytes at this offset are none of an element."""
    return WebmError(f"The recording's header cannot be read at byte {at}.")


def check_head(raw: bytes) -> None:
    """Raise WebmError if these first bytes, however few, cannot begin an EBML file."""
    if raw[:4] != _EBML_START[: len(raw)]:
        raise WebmError("This is not a WebM or Matroska recording.", f"begins with {raw[:8].hex(' ')}")


def read_scale(info: bytes) -> int:
    """Nanoseconds in a tick of the file's clock, by the payload of its Info (RFC 9559, section 5.1.2.9)."""
    for ident, _, body, end in ebml.children(info):
        if ident == Id.TIMESTAMP_SCALE and (scale := ebml.read_uint(info[body:end])):
            return scale
    return DEFAULT_SCALE_NS


def is_doc_type(payload: bytes) -> bool:
    """True if the EBML head with this payload names WebM or Matroska."""
    try:
        check_doc_type(payload)
    except WebmError:
        return False
    return True


def check_doc_type(payload: bytes) -> str:
    """Return the DocType in the EBML head's payload (RFC 8794, section 11.2.6); WebmError if it is not ours."""
    for ident, _, body, end in ebml.children(payload):
        if ident == Id.DOC_TYPE:
            doc_type = ebml.read_string(payload[body:end])
            if doc_type in DOC_TYPES:
                return doc_type
            raise WebmError(f"This is neither WebM nor Matroska but '{doc_type}'.")
    raise WebmError("The file does not say which format it is.")


def _walk(raw: bytes) -> tuple[list[HeaderElement], int | None]:
    """The header's elements as far as they are whole, and where the first Cluster begins, if it has come."""
    check_head(raw)
    pieces: list[HeaderElement] = []
    at = 0
    while at < len(raw):
        ident, size, body = ebml.read_header(raw, at)
        if ident == TRUNCATED:
            return pieces, _cluster_at(raw, at)
        _check_order(pieces, ident, size, at)
        if ident == Id.CLUSTER:
            return pieces, at
        end = body if ident == Id.SEGMENT else body + size
        if end > len(raw):
            return pieces, None
        if ident == Id.EBML:
            check_doc_type(raw[body:end])
        pieces.append(HeaderElement(ident, at, body, end))
        at = end
    return pieces, None


def _cluster_at(raw: bytes, at: int) -> int | None:
    """A Cluster is known by its id alone, before its size has come."""
    return at if ebml.read_id(raw, at)[0] == Id.CLUSTER else None


def _check_order(pieces: list[HeaderElement], ident: int, size: int, at: int) -> None:
    """The EBML head, the Segment, then elements of known size that stay within MAX_HEADER."""
    expected = (Id.EBML, Id.SEGMENT)[len(pieces)] if len(pieces) < 2 else None
    if ident == INVALID or (expected is not None and ident != expected):
        raise unreadable(at)
    sized = ident in (Id.SEGMENT, Id.CLUSTER)
    if not sized and (size == UNKNOWN or at + size > MAX_HEADER):
        raise WebmError(
            f"The recording's header is not usable: the element at byte {at} has no fitting size."
        )


def _rewrite_info(payload: bytes, writing_app: str) -> bytes:
    kept = [
        payload[start:end]
        for ident, start, _, end in ebml.children(payload)
        if ident not in _NOT_KEPT_IN_INFO
    ]
    ours = ebml.element(Id.WRITING_APP, ebml.string_payload(writing_app))
    return ebml.element(Id.INFO, b"".join((*kept, ours, ebml.void(DURATION_ROOM))))
