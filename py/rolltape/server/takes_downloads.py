"""Downloads of takes that have arrived: tickets, and what they open: one file, or a session's files as one zip.

A download may break off and go on at any byte (RFC 9110 section 14, `If-Range` by a strong entity tag): a browser's,
curl's, or several at once. Nothing of a guest's is shown by a browser: it is attached, of a type from our own table.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, aclosing
from functools import partial
from pathlib import PurePosixPath
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from rolltape.arrivals.listing import Ticket, TicketRequest
from rolltape.core.naming import safe_name
from rolltape.server.admission import address_of
from rolltape.server.bucket import Bucket, BucketTrouble
from rolltape.server.takes_content import (
    Content,
    ContentFile,
    KeptFile,
    MadeFile,
    as_long_as_summed,
    kept_file,
    made_file,
    zipped,
)
from rolltape.server.takes_record import Owner, TakeRecord
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_request import Asked, RequestGate, answer
from rolltape.server.takes_room import now_ms
from rolltape.server.takes_store import TakesStore
from rolltape.server.tokens import BadToken, DownloadClaims, Tokens

__all__ = ["Downloads", "stretch_of"]

SLICE = 1 << 20
LOOKS = 8
"""Objects that are asked for at once, before an answer begins."""
log = logging.getLogger(__name__)
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")


class Downloads:
    """Answers requests for tickets, and for what these open: whole, or a range of it (RFC 9110 section 14)."""

    def __init__(
        self,
        store: TakesStore,
        tokens: Tokens,
        gate: RequestGate,
        sum_up: Callable[[Owner, str], Awaitable[None]],
        bucket: Bucket | None = None,
    ) -> None:
        """`sum_up` notes the sums of a take's files that are not known yet, and raises Refused or OSError.

        `bucket`: where files are that are not in the folder.
        """
        self._sum_up = sum_up
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
            whole = await self._gate.in_thread(
                lambda: self._whole(download, list(map(as_long_as_summed, self._wanted(download))))
            )
        path = f"api/files/{self._tokens.ticket(download)}/{quote(whole.name)}"
        return answer(Ticket(path, whole.size, whole.name).to_json())

    async def _download(self, request: Request) -> Response:
        """Answer `GET api/files/TICKET/NAME`; nothing is asked of the request but a ticket that has not run out."""
        try:
            download = self._tokens.read_ticket(request.path_params["ticket"])
        except BadToken:
            sentence = "This link has run out: ask for a new one on the director's page."
            raise Refused.forbidden(sentence) from None
        whole = await self._summed(download)
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

    async def _content(self, whole: Content, start: int, end: int) -> AsyncIterator[bytes]:
        for source, low, high in whole.stretch(start, end):
            if isinstance(source, bytes):
                yield source[low:high]
                continue
            async with aclosing(self._read(source, low, high)) as content:
                async for piece in content:
                    yield piece

    async def _read(self, file: ContentFile, low: int, high: int) -> AsyncGenerator[bytes]:
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

    def _open(self, file: ContentFile) -> int | str:
        """A descriptor, or the key of an object in the bucket."""
        if isinstance(file, MadeFile):
            return self._store.tracks.open_file(file.owner, file.session, file.file)
        return self._store.open_file(file.record.owner, file.record, file.part)

    async def _check(self, whole: Content) -> None:
        """Raises Refused or OSError where a file is not what it was: an answer that has begun can only break off."""
        moved = await self._gate.in_thread(lambda: self._moved(whole))
        for start in range(0, len(moved), LOOKS):
            await asyncio.gather(*(self._look(file, key) for file, key in moved[start : start + LOOKS]))

    def _moved(self, whole: Content) -> list[tuple[ContentFile, str]]:
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

    async def _look(self, file: ContentFile, key: str) -> None:
        """Raises Refused where an object is not what it was, or cannot be asked for."""
        try:
            size = await self._in_bucket().size(key)
        except BucketTrouble as trouble:
            log.warning("A recording cannot be had from the bucket.", extra={"why": str(trouble)})
            raise Refused.bucket() from None
        if size != file.bytes:
            log.error("The bucket does not hold a recording any more.", extra={"key": key, "bytes": size})
            raise Refused.lost(PurePosixPath(key).name)

    def _fetched(self, whole: Content) -> None:
        for owner, id in whole.of:
            self._store.fetched(owner, id)

    async def _summed(self, download: DownloadClaims) -> Content:
        """What a ticket opens, once its sums are known: they are in a zip, and tell whether it is still the same."""
        wanted = await self._gate.in_thread(lambda: self._wanted(download))
        to_sum_up = [one for one in wanted if any(part.is_to_sum_up for part in one.parts)]
        for one in to_sum_up:
            await self._sum_up(one.owner, one.id)
        if to_sum_up:
            wanted = await self._gate.in_thread(lambda: self._wanted(download))
        return await self._gate.in_thread(lambda: self._whole(download, wanted))

    def _wanted(self, download: DownloadClaims) -> list[TakeRecord]:
        """The records of the takes of which a ticket opens something."""
        records = self._store.records(Owner(download.room, download.key_id, download.uid))
        if download.session:
            return [one for one in records if one.session == download.session]
        return [one for one in records if (one.uid, one.id) == (download.uid, download.take)]

    def _whole(self, download: DownloadClaims, wanted: Sequence[TakeRecord]) -> Content:
        """What a ticket opens, as it is now, of the records that are `wanted`. Raises Refused if there is nothing."""
        if download.session:
            return self._of_session(download, wanted)
        if not download.part:
            return zipped(download, wanted[0].stem if wanted else "", wanted, ())
        for record in wanted:
            part = record.part(download.part)
            if part and part.is_kept:
                return kept_file(KeptFile(record, part))
        raise Refused.unknown()

    def _of_session(self, download: DownloadClaims, wanted: Sequence[TakeRecord]) -> Content:
        owner = Owner(download.room, download.key_id, download.uid)
        made = self._store.tracks.files(owner, download.session) if wanted else ()
        tracks = [MadeFile(owner, download.session, one) for one in made]
        if not download.track:
            return zipped(download, f"{safe_name(download.room)}_{download.session}", wanted, tracks)
        for track in tracks:
            if track.file.name == download.track:
                return made_file(track, self._store.tracks.made_of(owner, download.session, wanted))
        raise Refused.unknown()


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


def _headers(whole: Content) -> dict[str, str]:
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
