"""The uploads of a page: takes made here are sent to the host that keeps them, and what earlier visits left goes on.

Where no server offered to keep takes and nothing was left, nothing of this is started, and nobody is asked anything.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from rolltape.arrivals.paths import complete_path, part_path
from rolltape.arrivals.sender import Uploader
from rolltape.arrivals.upload import TakeNow, Upload
from rolltape.arrivals.upload_notes import NOTES, Choice, UploadNotes, read_notes
from rolltape.arrivals.upload_pace import DelaySource
from rolltape.arrivals.upload_plan import FileNow
from rolltape.arrivals.wire import Completion, UploadOffer
from rolltape.core.errors import RolltapeError
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Browser, ReadableStore
from rolltape.recording.part_sinks import Growing
from rolltape.recording.shelf import FOLDER, Shelf, path_of
from rolltape.recording.take import ShelfState, Take
from rolltape.recording.take_log import plain_take

__all__ = ["Live", "Uploads"]

Live = Callable[[], tuple[Take | None, list[Growing]]]
"""The take that is being made on this page, and its files that are being written."""

AGAIN_AFTER_S = 5.0
"""What nobody expected is told, and sending goes on after this time."""


class Uploads:
    """Sends the takes of this browser that somebody agreed to have sent; `changed` is told whenever one moves."""

    def __init__(
        self,
        document: Document,
        browser: Browser,
        shelf: Shelf,
        store: ReadableStore,
        live: Live,
        changed: Callable[[Upload], None],
    ) -> None:
        self.is_talking: Callable[[], bool] = lambda: False
        """Whether a conversation goes over the same line."""
        self._document = document
        self._browser = browser
        self._shelf = shelf
        self._store = store
        self._live = live
        self._changed = changed
        self._sender: Uploader | None = None
        self._takes: dict[str, Take] = {}
        """As last told, of those that are sent."""
        self._clocks: dict[str, Mapping[str, object]] = {}
        """What was noted of clocks of those that are over, as the host is told."""
        self._locks: dict[str, Callable[[], None]] = {}
        browser.on_leaving(self._hand_over)

    @property
    def all(self) -> list[Upload]:
        """Those that this page sends or has sent."""
        return list(self._sender.uploads.values()) if self._sender else []

    def of(self, id: str) -> Upload | None:
        """The upload of a take; None: it has none here."""
        return self._sender.uploads.get(id) if self._sender else None

    @property
    def is_busy(self) -> bool:
        """True while something is sent, so that the line's delay is to be measured."""
        return any(one.is_at_work for one in self.all)

    def note_delay(self, source: DelaySource, delay_ms: float, of: str) -> None:
        """So long an answer took over the line, as `source` tells, of a member `of` the call, say."""
        if self._sender is not None:
            self._sender.pace.note_delay(source, delay_ms, self._browser.now_ms(), of)

    def offered(self, offer: UploadOffer, room: str) -> None:
        """The host gives this page a new token for a room: what waits for one there goes on."""
        for upload in self.all:
            if upload.is_signed_out and upload.notes.room == room:
                self._document.spawn(self._renew(upload, offer))

    async def _renew(self, upload: Upload, offer: UploadOffer) -> None:
        notes = upload.notes
        renewed = UploadNotes(offer.token, offer.to, notes.room, notes.choice, offer.segment_max)
        await self._add(upload.id, renewed)

    async def begin(self, take: Take, offer: UploadOffer, room: str, choice: Choice) -> None:
        """A take begins that is to be sent, or not."""
        if self.of(take.id) is None and choice is not Choice.NO:
            self._takes[take.id] = take
            await self._add(take.id, UploadNotes(offer.token, offer.to, room, choice, offer.segment_max))

    def told(self, take: Take) -> None:
        """Take note of what the take is by now."""
        upload = self.of(take.id)
        if upload is None:
            return
        self._takes[take.id] = take
        if take.is_over and take.error:
            upload.distrust()
        if self._sender is not None and take.is_over:
            self._document.spawn(self._keep_clock(take.id))
            self._sender.wake()
        self._changed(upload)

    async def choose(self, upload: Upload, choice: Choice) -> str:
        """Somebody changed their mind about a take; a sentence why that cannot be, empty if it is so."""
        assert self._sender is not None
        if choice is Choice.NO:
            return await self._sender.withdraw(upload)
        notes = upload.notes
        await self._add(upload.id, UploadNotes(notes.token, notes.to, notes.room, choice, notes.segment_max))
        return ""

    async def pause(self, upload: Upload, paused: bool) -> None:
        """Send nothing of it until it goes on."""
        assert self._sender is not None
        await self._sender.pause(upload, paused)

    async def at_host(self, take: Take) -> str:
        """The name of the host that holds all of a take right now; empty: none does, or none can be asked."""
        upload = self.of(take.id)
        if upload is None or self._sender is None or not await self._sender.is_there(upload):
            return ""
        return upload.notes.to or "the host"

    async def resume(self, id: str) -> None:
        """Go on with what an earlier visit left of a take, where it did; of each take one tab sends."""
        if self.of(id) is not None:
            return
        await self._hold(id)
        notes = read_notes(await self._store.text(f"{FOLDER}/{id}/{NOTES}"))
        take = await self._shelf.take(id)
        if notes is None or take is None or not take.is_over or notes.choice is Choice.NO:
            self._let_go(id)
            return
        self._takes[id] = take
        await self._keep_clock(id)
        self._start().add(self._upload(id, notes))

    async def _keep_clock(self, id: str) -> None:
        """Have the clock's facts ready for when the page is being left and nothing can be read any more."""
        clock = await self._clock(id)
        if clock is not None:
            self._clocks[id] = clock

    async def _clock(self, id: str) -> Mapping[str, object] | None:
        """What is noted of a take's clocks by now; a take arrives without it too."""
        try:
            clock = await self._shelf.clock(self._takes[id])
        except RolltapeError as error:
            self._browser.log(f"The take's clocks cannot be read. {error.sentence}")
            return None
        return clock.told().to_plain() if clock.marks or clock.readings else None

    async def _hold(self, id: str) -> None:
        if id not in self._locks:
            self._locks[id] = await self._browser.hold(f"upload-{id}")

    def _let_go(self, id: str) -> None:
        if id in self._locks:
            self._locks.pop(id)()

    async def _add(self, id: str, notes: UploadNotes) -> None:
        await self._hold(id)
        try:
            await self._store.append_text(f"{FOLDER}/{id}/{NOTES}", notes.head_line())
        except RolltapeError as error:
            self._browser.log(f"That it is to be sent was not noted. {error.sentence}")
        self._start().add(self._upload(id, notes))

    def _upload(self, id: str, notes: UploadNotes) -> Upload:
        return Upload(id, f"{FOLDER}/{id}", notes, lambda: self._now(id), lambda: self._clock(id))

    def _start(self) -> Uploader:
        if self._sender is None:
            self._sender = Uploader(
                self._browser.upload_host(),
                self._store,
                self._browser.now_ms,
                lambda: self.is_talking(),
                self._moved,
                self._browser.log,
            )
            self._browser.on_online(self._sender.wake)
            self._document.spawn(self._keep_running(self._sender))
        return self._sender

    async def _keep_running(self, sender: Uploader) -> None:
        """Send for as long as the page is there, whatever goes wrong."""
        while True:
            try:
                await sender.run()
            except Exception as error:
                self._document.report(error)
            await asyncio.sleep(AGAIN_AFTER_S)

    def _moved(self, upload: Upload) -> None:
        if upload.is_over:
            self._let_go(upload.id)
        try:
            self._changed(upload)
        except Exception as error:  # whatever cannot be drawn, it is sent
            self._document.report(error)

    def _now(self, id: str) -> TakeNow:
        """What there is of a take: files that are written, and those that are finished."""
        live, growing = self._live()
        take = self._takes[id]
        if live is None or live.id != id:
            return _now(take, [])
        return _now(live, growing)

    def _hand_over(self) -> None:
        """The page is being left: the service worker goes on, for as long as the browser lets it."""
        jobs = [
            job
            for upload in self.all
            if upload.is_at_work
            for job in _jobs(upload, self._clocks.get(upload.id))
        ]
        if jobs:
            self._browser.hand_over(json.dumps({"upload": jobs}, separators=(",", ":")))


def _now(take: Take, growing: list[Growing]) -> TakeNow:
    by_number = {one.number: one for one in growing}
    files = []
    for part in take.parts:
        file = by_number.get(part.number)
        type_ = take.type_of(part)
        if file is not None:
            files.append(FileNow(part.file, file.path, file.mime_type or type_, file.head, file.stable))
        elif part.bytes and part.state is not ShelfState.RECORDING:
            whole = part.state is ShelfState.FINISHED and not take.error
            path, size = path_of(take, part.file), part.bytes
            files.append(FileNow(part.file, path, type_, 0, size, size, whole))
    return TakeNow(plain_take(take), tuple(files), take.is_over)


def _jobs(upload: Upload, clock: Mapping[str, object] | None) -> list[dict[str, Any]]:
    """What the service worker has to do for each part: bytes from where to where, and how it is completed."""
    now = upload.now()
    jobs: list[dict[str, Any]] = []
    for file in now.files:
        progress = upload.parts.get(file.part)
        if progress is None or not progress.is_announced or progress.to_compare or progress.has_arrived:
            continue
        head = next((one for one in progress.known if one.at == 0), None) if progress.head_due else None
        account = progress.account
        jobs.append(
            {
                "lock": f"rolltape-take-upload-{upload.id}",
                "token": upload.notes.token,
                "file": file.path,
                "path": part_path(upload.id, file.part),
                "complete": complete_path(upload.id, file.part) if now.is_over else "",
                "completion": Completion(account, now.plain, clock).to_json(),
                "end": account.end,
                "count": account.count,
                "digest": account.digest,
                "pending": progress.pending,
                "limit": file.limit,
                "most": upload.notes.segment_max,
                "head": [head.length, head.sha256] if head else None,
            }
        )
    return jobs
