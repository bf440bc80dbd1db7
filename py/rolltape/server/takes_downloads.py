"""Downloads of takes that have arrived: tickets, and what they open: one file, or a session's files as one zip.

A download may break off and go on at any byte (RFC 9110 section 14, `If-Range` by a strong entity tag): a browser's,
curl's, or several at once. Nothing of a guest's is shown by a browser: it is attached, of a type from our own table.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import zlib
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePosixPath
from typing import TypeAlias
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from rolltape.arrivals.listing import Ticket, TicketRequest
from rolltape.arrivals.tracks import TrackFile
from rolltape.core.naming import safe_name
from rolltape.server.admission import address_of
from rolltape.server.bucket import Bucket, BucketTrouble
from rolltape.server.takes_record import Owner, PartRecord, TakeRecord
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_request import Asked, RequestGate, answer
from rolltape.server.takes_room import TRACKS, beside, now_ms
from rolltape.server.takes_store import TakesStore
from rolltape.server.tokens import BadToken, DownloadClaims, Tokens
from rolltape.server.zip_layout import Entry, ZipLayout

__all__ = ["Downloads", "stretch_of"]

SLICE = 1 << 20
LOOKS = 8
"""Objects that are asked for at once, before an answer begins."""
TRACK_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp4": "video/mp4",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
}
log = logging.getLogger(__name__)
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")


@dataclass(frozen=True)
class _Kept:
    """A file at the host."""

    record: TakeRecord
    part: PartRecord

    @property
    def bytes(self) -> int:
        return self.part.bytes


@dataclass(frozen=True)
class _Track:
    """A file that was made of a session at the host."""

    owner: Owner
    session: str
    file: TrackFile

    @property
    def bytes(self) -> int:
        return self.file.bytes


_File: TypeAlias = _Kept | _Track


@dataclass(frozen=True)
class _Whole:
    """What a ticket opens."""

    name: str
    size: int
    mark: str
    """Another one for other content (a strong entity tag)."""
    media_type: str
    files: tuple[_File, ...]
    """What it is made of."""
    of: frozenset[tuple[Owner, str]]
    """Whose takes it has something of, and their ids."""
    stretch: Callable[[int, int], Iterable[tuple[bytes | _File, int, int]]]
    """What makes up these bytes of it: bytes or a file, and from where to where of each."""
    sha256: str = ""


_Records = Callable[[Owner, Callable[[TakeRecord], bool]], list[TakeRecord]]
"""The records of an owner's that are wanted."""


class Downloads:
    """Answers requests for tickets, and for what these open: whole, or a range of it (RFC 9110 section 14)."""

    def __init__(
        self, store: TakesStore, tokens: Tokens, gate: RequestGate, bucket: Bucket | None = None
    ) -> None:
        """`bucket`: where files are that are not in the folder."""
        self._bucket = bucket
        self._store = store
        self._tokens = tokens
        self._gate = gate
        self.routes: list[BaseRoute] = [
            gate.route("/api/tickets", "POST", self._ticket),
            gate.open_route("/api/files/{ticket}/{name}", ["GET", "HEAD"], self._download),
        ]

    async def _ticket(self, asked: Asked) -> Response:
        """Answer `POST api/tickets`: a `Ticket` for what a director, or a guest of what is theirs, may fetch."""
        with self._gate.counted(asked):
            wanted = await self._gate.said(asked, TicketRequest.from_json)
            download = _download(asked, wanted)
            whole = await self._gate.in_thread(lambda: self._whole(download, self._sized))
        path = f"api/files/{self._tokens.ticket(download)}/{quote(whole.name)}"
        return answer(Ticket(path, whole.size, whole.name).to_json())

    async def _download(self, request: Request) -> Response:
        """Answer `GET api/files/TICKET/NAME`; nothing is asked of the request but a ticket that has not run out."""
        try:
            download = self._tokens.read_ticket(request.path_params["ticket"])
        except BadToken:
            sentence = "This link has run out: ask for a new one on the director's page."
            raise Refused.forbidden(sentence) from None
        whole = await self._gate.in_thread(lambda: self._whole(download, self._summed))
        await self._check(whole)
        headers = _headers(whole)
        stretch = stretch_of(request.headers, whole.size, headers["ETag"])
        if stretch is None:
            return Response(None, 416, {**headers, "Content-Range": f"bytes */{whole.size}"})
        start, end = stretch
        status = 200 if (start, end) == (0, whole.size) else 206
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{whole.size}"
        headers["Content-Length"] = str(end - start)
        if request.method == "HEAD":
            return Response(None, status, headers, whole.media_type)
        held = ExitStack()
        address = "download", address_of(request.scope)
        held.enter_context(self._gate.at_once(address, self._gate.limits.downloads_of_address))
        if download.directed:
            await self._gate.in_thread(lambda: self._fetched(whole))
        return _Sent(held, self._content(whole, start, end), status, headers, whole.media_type)

    async def _content(self, whole: _Whole, start: int, end: int) -> AsyncIterator[bytes]:
        for source, low, high in whole.stretch(start, end):
            if isinstance(source, bytes):
                yield source[low:high]
                continue
            async with aclosing(self._read(source, low, high)) as content:
                async for piece in content:
                    yield piece

    async def _read(self, file: _File, low: int, high: int) -> AsyncGenerator[bytes]:
        place = await self._gate.in_thread(partial(self._open, file))
        if isinstance(place, str):
            async with aclosing(self._in_bucket().read(place, low, high)) as content:
                async for piece in content:
                    yield piece
            return
        try:
            at = low
            while at < high:
                piece = await self._gate.in_thread(partial(os.pread, place, min(SLICE, high - at), at))
                if not piece:
                    raise OSError("The file is shorter than it was.")
                yield piece
                at += len(piece)
        finally:
            os.close(place)

    def _in_bucket(self) -> Bucket:
        if self._bucket is None:
            raise Refused.no_bucket()
        return self._bucket

    def _open(self, file: _File) -> int | str:
        """A descriptor, or the key of an object in the bucket."""
        if isinstance(file, _Track):
            return self._store.tracks.open_file(file.owner, file.session, file.file)
        return self._store.open_file(file.record.owner, file.record, file.part)

    async def _check(self, whole: _Whole) -> None:
        """Raises Refused or OSError where a file is not what it was: an answer that has begun can only break off."""
        moved = await self._gate.in_thread(lambda: self._moved(whole))
        for start in range(0, len(moved), LOOKS):
            await asyncio.gather(*(self._look(file, key) for file, key in moved[start : start + LOOKS]))

    def _moved(self, whole: _Whole) -> list[tuple[_File, str]]:
        """The files that are in the bucket, and the keys of their objects. Raises as `_check` does for the others."""
        found = []
        for file in whole.files:
            place = self._open(file)
            if isinstance(place, str):
                found.append((file, place))
                continue
            try:
                if os.fstat(place).st_size != file.bytes:
                    raise Refused.unknown()
            finally:
                os.close(place)
        return found

    async def _look(self, file: _File, key: str) -> None:
        """Raises Refused where an object is not what it was, or cannot be asked for."""
        try:
            size = await self._in_bucket().size(key)
        except BucketTrouble as trouble:
            log.warning("A recording cannot be had from the bucket.", extra={"why": str(trouble)})
            raise Refused.bucket() from None
        if size != file.bytes:
            log.error("The bucket does not hold a recording any more.", extra={"key": key, "bytes": size})
            raise Refused.lost(PurePosixPath(key).name)

    def _fetched(self, whole: _Whole) -> None:
        for owner, id in whole.of:
            self._store.fetched(owner, id)

    def _whole(self, download: DownloadClaims, records: _Records) -> _Whole:
        """What a ticket opens, as it is now. Raises Refused if there is nothing, or no more.

        `records` are those of an owner's that are wanted, with the sums of their files (`_summed`, `_sized`).
        """
        owner = Owner(download.room, download.key_id, download.uid)
        if download.session:
            wanted = records(owner, lambda one: one.session == download.session)
            made = self._store.tracks.files(owner, download.session) if wanted else ()
            tracks = [_Track(owner, download.session, one) for one in made]
            if not download.track:
                return _zip(download, f"{safe_name(download.room)}_{download.session}", wanted, tracks)
            for track in tracks:
                if track.file.name == download.track:
                    return _single_track(track, self._store.tracks.made_of(owner, download.session, wanted))
            raise Refused.unknown()
        wanted = records(owner, lambda one: (one.uid, one.id) == (download.uid, download.take))
        if not download.part:
            return _zip(download, wanted[0].stem if wanted else "", wanted, ())
        for record in wanted:
            part = record.part(download.part)
            if part and part.is_kept:
                return _single(_Kept(record, part))
        raise Refused.unknown()

    def _summed(self, owner: Owner, is_wanted: Callable[[TakeRecord], bool]) -> list[TakeRecord]:
        """The records of these takes, all of whose files are summed up; what is not yet is waited for.

        Sums are in a zip, and tell whether what is fetched is still the same.
        """
        wanted = [one for one in self._store.records(owner) if is_wanted(one)]
        to_sum_up = [one for one in wanted if any(part.is_to_sum_up for part in one.parts)]
        if not to_sum_up:
            return wanted
        for one in to_sum_up:
            self._store.sum_up(one.owner, one.id)
        return [one for one in self._store.records(owner) if is_wanted(one)]

    def _sized(self, owner: Owner, is_wanted: Callable[[TakeRecord], bool]) -> list[TakeRecord]:
        """The same at once, of what is not summed up yet with sums that are as long as the right ones."""
        wanted = [one for one in self._store.records(owner) if is_wanted(one)]
        return [replace(one, parts=tuple(map(_long_as_summed, one.parts))) for one in wanted]


def _long_as_summed(part: PartRecord) -> PartRecord:
    return replace(part, sha256="0" * 64) if part.is_to_sum_up else part


class _Sent(StreamingResponse):
    """Content that is sent; what is held for it is let go, however that ends."""

    def __init__(
        self, held: ExitStack, content: AsyncIterator[bytes], status: int, headers: dict[str, str], type: str
    ) -> None:
        super().__init__(content, status, headers, type)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._held:
            await super().__call__(scope, receive, send)


def stretch_of(headers: Mapping[str, str], size: int, tag: str) -> tuple[int, int] | None:
    """Return which bytes are asked for; None: there are no such (RFC 9110 section 14.2). `tag` is the entity tag now.

    Several ranges at once, and what is no range, are answered with all of it, as the RFC allows.

    >>> stretch_of({"range": "bytes=2-"}, 10, ""), stretch_of({"range": "bytes=-3"}, 10, "")
    ((2, 10), (7, 10))
    >>> stretch_of({"range": "bytes=2-4", "if-range": "other"}, 10, "this")
    (0, 10)
    """
    match = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if not match or headers.get("if-range", tag) != tag:
        return 0, size
    first, last, suffix = match.groups()
    start = int(first) if first else max(0, size - int(suffix))
    end = min(size, int(last) + 1) if last else size
    if last and int(last) < int(first):
        return 0, size
    return (start, end) if start < end else None


def _download(asked: Asked, wanted: TicketRequest) -> DownloadClaims:
    upload = asked.upload
    whose = wanted.uid or upload.uid
    if not asked.is_director and (wanted.session or whose != upload.uid):
        raise Refused.forbidden("Only a director downloads what is somebody else's.")
    return DownloadClaims(
        upload.room,
        upload.key_id,
        whose,
        wanted.take,
        wanted.part,
        wanted.session,
        now_ms(),
        asked.is_director,
        wanted.track,
    )


def _single(kept: _Kept) -> _Whole:
    """One file."""
    part = kept.part
    return _Whole(
        part.name,
        part.bytes,
        part.sha256,
        part.content_type,
        (kept,),
        _takes([kept.record]),
        lambda start, end: [(kept, start, end)],
        part.sha256,
    )


def _single_track(track: _Track, of: Sequence[TakeRecord]) -> _Whole:
    """One file that was made of a session."""
    file = track.file
    media_type = TRACK_TYPES.get(PurePosixPath(file.name).suffix, "application/octet-stream")
    return _Whole(
        file.name,
        file.bytes,
        file.sha256,
        media_type,
        (track,),
        _takes(of),
        lambda start, end: [(track, start, end)],
        file.sha256,
    )


def _takes(records: Iterable[TakeRecord]) -> frozenset[tuple[Owner, str]]:
    return frozenset((one.owner, one.id) for one in records)


def _zip(
    download: DownloadClaims, folder: str, records: Sequence[TakeRecord], tracks: Sequence[_Track]
) -> _Whole:
    """The files of these takes that had arrived when the ticket was made, in a folder with what lies beside them.

    And what had been made of them, in a folder of its own in that.
    """
    chosen = [
        replace(one, parts=tuple(part for part in one.kept if part.done_ms <= download.made_ms))
        for one in records
    ]
    chosen = [one for one in chosen if one.parts]
    if not chosen:
        raise Refused.unknown()
    kept = sorted((_Kept(one, part) for one in chosen for part in one.parts), key=lambda one: one.part.name)
    made_by_then = [one for one in tracks if one.file.made_ms <= download.made_ms]
    entries: list[Entry[bytes | _File]] = [
        Entry(f"{folder}/{one.part.name}", one.part.bytes, one.part.crc32, one.record.take.started_at, one)
        for one in kept
    ]
    entries += [
        Entry(
            f"{folder}/{TRACKS}/{one.file.name}",
            one.file.bytes,
            one.file.crc32,
            datetime.fromtimestamp(one.file.made_ms / 1000, UTC),
            one,
        )
        for one in made_by_then
    ]
    made = datetime.fromtimestamp(download.made_ms / 1000, UTC)
    entries += [
        Entry(f"{folder}/{name}", len(content), zlib.crc32(content), made, content)
        for name, content in beside(download.room, chosen).items()
    ]
    layout = ZipLayout(entries)

    def stretch(start: int, end: int) -> Iterable[tuple[bytes | _File, int, int]]:
        for piece, low, high in layout.stretch(start, end):
            yield (piece.content if isinstance(piece, Entry) else piece), low, high

    files: tuple[_File, ...] = (*kept, *made_by_then)
    return _Whole(
        f"{folder}.zip", layout.size, layout.mark, "application/zip", files, _takes(chosen), stretch
    )


def _headers(whole: _Whole) -> dict[str, str]:
    plain = re.sub(r"[^\w. ()+-]", "_", whole.name, flags=re.ASCII)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(whole.name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "ETag": f'"{whole.mark}"',
    }
    if whole.sha256:
        headers["Repr-Digest"] = f"sha-256=:{b64encode(bytes.fromhex(whole.sha256)).decode()}:"
    return headers
