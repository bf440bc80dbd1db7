"""Sends takes to the host: one request at a time, the take being recorded first, until everything has arrived.

It reads the journal and writes nothing there but its own notes: a recording does not know of it. What the host does
not take now is tried again without an end; what it says that it holds is compared, hash by hash, before it counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from rolltape.arrivals.interfaces import NOT_THE_HOST, Files, Host, HostAnswer, NotTheHost
from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.paths import complete_path, part_path, segment_path, segments_path, take_path
from rolltape.arrivals.problem import ProblemKind
from rolltape.arrivals.segments import EMPTY, Segment
from rolltape.arrivals.upload import TakeNow, Upload
from rolltape.arrivals.upload_notes import NOTES, Choice, PartNote, part_line, state_line
from rolltape.arrivals.upload_pace import Backoff, DelayPace
from rolltape.arrivals.upload_plan import (
    FileNow,
    Progress,
    Step,
    StepKind,
    compare,
    following,
    is_ahead,
)
from rolltape.arrivals.upload_state import TRANSITIONS, UploadEvent, UploadState, advance
from rolltape.arrivals.wire import Announcement, Completion, Held, Segments
from rolltape.core.errors import RolltapeError

__all__ = ["Uploader"]
STORED = 204
"""What the host answers to a segment that is on its disk, and nobody else to a PUT."""
LOOK_S = 0.25
"""So often it is looked whether a recording has grown."""
NOTE_EVERY_MS = 5000.0
"""Each note is a write to the disk; what is not noted is compared at the next visit."""
PROVING_S = 0.3
BURST = 4 << 20
"""So much of a recording that is over is sent flat out, even while somebody talks."""
SMALLEST = 16 << 10
NOTHING_HERE = "There is no copy of it in this browser that could be sent."
NOT_THE_SAME = "What the host holds is not what is here, and it takes no more of it."
NO_LINE = "There is no connection to the host."
LONG_S = 20.0
"""A host that says nothing for so long is told to; the answer is still waited for."""
NO_ANSWER = "The host has said nothing for a while."
AGAIN = frozenset({ProblemKind.DIGEST, ProblemKind.CUT_SHORT, ProblemKind.SLOW})
LATER = frozenset({ProblemKind.RATE, ProblemKind.SERVER, ProblemKind.FULL, ProblemKind.TOKEN})
FINAL = frozenset(
    {ProblemKind.BAD_REQUEST, ProblemKind.FORBIDDEN, ProblemKind.NO_LENGTH, ProblemKind.ENCODED}
)

_Answer = TypeVar("_Answer")


class Uploader:
    """Sends the takes of this page, one request at a time; a page has one, and runs it in one task.

    `is_talking` tells whether a conversation shares the line; `changed` is called after each change of an upload and
    must not raise; `log` takes sentences for those who look for a cause. `now_ms` is a monotonic clock.
    """

    def __init__(
        self,
        host: Host,
        files: Files,
        now_ms: Callable[[], float],
        is_talking: Callable[[], bool],
        changed: Callable[[Upload], None],
        log: Callable[[str], None],
    ) -> None:
        self.uploads: dict[str, Upload] = {}
        """By the take's id, in the order in which they were added."""
        self.pace = DelayPace()
        """Told of the line's delay by the page."""
        self._host = host
        self._files = files
        self._now_ms = now_ms
        self._is_talking = is_talking
        self._changed = changed
        self._log = log
        self._wake = asyncio.Event()
        self._backoff = Backoff()
        self._until_ms = 0.0
        """Nothing is sent before: the host was not there, or asked for it."""

    # What is asked of it.

    def add(self, upload: Upload) -> None:
        """Have a take sent; one that is known already goes on with these notes (a new token, another choice).

        One that is over by its notes is only listed, and what nobody agreed to stays `off`.
        """
        before = self.uploads.get(upload.id)
        if before is not None:
            before.notes, before.now = replace(upload.notes, parts=before.notes.parts), upload.now
            before.is_signed_out = False
            upload = before
        self.uploads[upload.id] = upload
        if upload.notes.is_over and upload.notes.state is not UploadState.OFF:
            upload.state, upload.why = upload.notes.state, upload.notes.why
        elif upload.notes.choice is not Choice.NO and upload.state in (UploadState.OFF, UploadState.REFUSED):
            upload.state = advance(upload.state, UploadEvent.AGREED)
            if upload.notes.state is UploadState.PAUSED:
                upload.state = advance(upload.state, UploadEvent.PAUSED)
        self._changed(upload)
        self.wake()

    def wake(self) -> None:
        """Look at once: a recording has ended, the line is back, somebody agreed. Any wait is over."""
        self._until_ms = 0.0
        self._wake.set()

    async def pause(self, upload: Upload, paused: bool) -> None:
        """Send nothing of it until it is resumed, in later visits neither. A request under way is finished."""
        if self._move(upload, UploadEvent.PAUSED if paused else UploadEvent.RESUMED):
            await self._note(upload, state_line(UploadState.PAUSED if paused else UploadState.OFF))
        self.wake()

    async def withdraw(self, upload: Upload) -> str:
        """Have the host delete what it holds of it; return why it did not, in a sentence, empty if it did.

        What lies in the journal is not touched.
        """
        answer = await self._host.ask("DELETE", take_path(upload.id), upload.notes.token)
        problem = answer.problem
        gone = answer.is_good or answer.status in (404, 410)
        if gone:
            self._move(upload, UploadEvent.WITHDRAWN)
            await self._note(upload, state_line(UploadState.WITHDRAWN))
            return ""
        return problem.detail if problem else NO_LINE

    async def is_there(self, upload: Upload) -> bool:
        """Ask the host whether it holds all of it right now. False also where not the host answers, or nobody."""
        if upload.state is not UploadState.ARRIVED:
            return False
        now = upload.now()
        for file in now.files:
            body = Announcement(file.type, now.plain).to_json()
            answer = await self._host.ask("PUT", part_path(upload.id, file.part), upload.notes.token, body)
            try:
                if not answer.is_good or answer.read(Held.from_json).state is not ArrivalState.COMPLETE:
                    return False
            except NotTheHost:
                return False
        return bool(now.files)

    # Its loop.

    async def run(self) -> None:
        """Send until the task is cancelled: what is in the way is waited for."""
        while True:
            self._wake.clear()
            wait_s = max(LOOK_S, (self._until_ms - self._now_ms()) / 1000)
            if self._now_ms() >= self._until_ms and await self._advance():
                continue
            with_timeout = wait_s if any(one.is_under_way for one in self.uploads.values()) else None
            try:
                async with asyncio.timeout(with_timeout):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _advance(self) -> bool:
        """Do the next step of the first take that has one; whether there was any."""
        for upload in sorted(self.uploads.values(), key=lambda one: one.now().is_over):
            if not upload.is_at_work:
                continue
            now = upload.now()
            if now.is_over and upload.state is UploadState.SENDING:
                self._move(upload, UploadEvent.ENDED)
            for file in now.files:
                progress = self._progress(upload, file)
                may_complete = now.is_over or file is not now.files[-1]
                step = following(progress, file, self._most(upload, now, file, progress), may_complete)
                if step is None:
                    continue
                try:
                    await self._do(upload, now, file, step)
                except RolltapeError as error:
                    self._wait(upload, error.sentence, None)
                return True
            if now.is_over:
                await self._over(upload, now)
        return False

    async def _over(self, upload: Upload, now: TakeNow) -> None:
        """Every part of it has arrived."""
        if not now.files:
            self._move(upload, UploadEvent.REFUSED, NOTHING_HERE)
            await self._note(upload, state_line(UploadState.REFUSED, NOTHING_HERE))
            return
        for event in (UploadEvent.CLEARED, UploadEvent.ENDED, UploadEvent.ALL_SENT, UploadEvent.PROVEN):
            self._move(upload, event)
        await self._note(upload, state_line(UploadState.ARRIVED))

    def _progress(self, upload: Upload, file: FileNow) -> Progress:
        """What is known of a part; at first what the notes say."""
        known = upload.parts.get(file.part)
        if known is None:
            note = upload.notes.parts.get(file.part)
            known = Progress(to_compare=note is not None)
            if note is not None:
                known = replace(known, account=note.account, head_due=note.head is not None)
            upload.parts[file.part] = known
        return known

    def _most(self, upload: Upload, now: TakeNow, file: FileNow, progress: Progress) -> int:
        """How many bytes the next segment may have."""
        largest = min(upload.most, upload.notes.segment_max)
        return (
            min(largest, self.pace.slice(self._now_ms())) if self._is_paced(now, file, progress) else largest
        )

    def _is_paced(self, now: TakeNow, file: FileNow, progress: Progress) -> bool:
        """Led by the delay while anybody talks, but for the short rest of a recording that is over."""
        return self._is_talking() and not (now.is_over and file.limit - progress.account.end <= BURST)

    async def _do(self, upload: Upload, now: TakeNow, file: FileNow, step: Step) -> None:
        if step.kind is StepKind.ANNOUNCE:
            await self._announce(upload, now, file)
        elif step.kind is StepKind.COMPARE or is_ahead(upload.parts[file.part], file, step):
            await self._compare(upload, now, file)
        elif step.kind is StepKind.PUT:
            await self._put(upload, now, file, step)
        else:
            await self._complete(upload, now, file)

    async def _announce(self, upload: Upload, now: TakeNow, file: FileNow, end: int | None = None) -> None:
        """Tell the host of the part, and see what it holds of it."""
        body = Announcement(file.type, now.plain, end).to_json()
        path = part_path(upload.id, file.part)
        answer = await self._asked(upload, self._host.ask("PUT", path, upload.notes.token, body))
        if not answer.is_good:
            await self._hindered(upload, file, answer)
            return
        held = answer.read(Held.from_json)
        self._went_on(upload)
        progress = upload.parts[file.part]
        same = held.account == progress.account
        upload.parts[file.part] = replace(
            progress,
            is_announced=True,
            state=held.state,
            to_compare=not same or (progress.to_compare and held.account != EMPTY),
            known=progress.known if same else (),
        )

    async def _compare(self, upload: Upload, now: TakeNow, file: FileNow) -> None:
        """Take what the host holds for true where its hashes are those of the bytes here; have the rest put again."""
        held: list[Segment] = []
        start: int | None = 0
        while start is not None:
            path = segments_path(upload.id, file.part, start)
            answer = await self._asked(upload, self._host.ask("GET", path, upload.notes.token))
            if not answer.is_good:
                await self._hindered(upload, file, answer)
                return
            page = answer.read(Segments.from_json)
            held += page.segments
            start = page.following
        progress = upload.parts[file.part]
        found = compare(held, progress.account, file, progress.head_due)
        wrong = [one for one in found.unknown if not await self._is_here(file, one)]
        if progress.is_finished and (wrong or found.drop_from is not None or found.account.end < file.limit):
            self._move(upload, UploadEvent.REFUSED, NOT_THE_SAME)
            await self._note(upload, state_line(UploadState.REFUSED, NOT_THE_SAME))
            return
        head = held[:1] if file.size is None and file.head else []
        upload.parts[file.part] = replace(
            progress,
            account=found.account,
            to_compare=False,
            again=tuple((one.at, one.length) for one in wrong),
            known=tuple({*wrong, *head}),
            pending=None,
            head_due=bool(head),
        )
        if found.drop_from is not None:
            await self._announce(upload, now, file, found.drop_from)

    async def _is_here(self, file: FileNow, segment: Segment) -> bool:
        piece = await self._files.read(file.path, segment.at, segment.length)
        return piece.size == segment.length and await self._host.sha256(piece) == segment.sha256

    async def _put(self, upload: Upload, now: TakeNow, file: FileNow, step: Step) -> None:
        """Send one segment; it counts once the host has it on its disk."""
        progress = upload.parts[file.part]
        piece = await self._files.read(file.path, step.at, step.length)
        if piece.size != step.length:
            self._wait(upload, "The recording cannot be read here right now.", None)
            return
        paced = self._is_paced(now, file, progress)
        wait_ms = self.pace.wait_ms(self._now_ms()) if paced else 0.0
        begun_ms = self._now_ms() + wait_ms
        upload.parts[file.part] = replace(progress, pending=(step.at, step.length))
        path = segment_path(upload.id, file.part, step.at)
        put = self._host.put(path, upload.notes.token, piece, wait_ms)
        answer, sha256 = await self._asked(upload, put, wait_ms)
        if not answer.is_good:
            await self._hindered(upload, file, answer)
            return
        if answer.status != STORED:
            raise NotTheHost(NOT_THE_HOST, f"A segment was answered with status {answer.status}.")
        if paced:
            self.pace.sent(step.length, begun_ms, answer.took_ms)
        segment = Segment(step.at, step.length, sha256)
        progress = upload.parts[file.part] = upload.parts[file.part].acknowledged(segment, file)
        self._went_on(upload)
        if self._now_ms() - upload.noted_ms >= NOTE_EVERY_MS or step.at == 0:
            await self._note_part(upload, file.part, progress)
        self._changed(upload)

    async def _complete(self, upload: Upload, now: TakeNow, file: FileNow) -> None:
        """All of it is there: have the host compare, and say so."""
        self._move(upload, UploadEvent.ALL_SENT)
        account = upload.parts[file.part].account
        body = Completion(account, now.plain, await upload.clock()).to_json()
        path = complete_path(upload.id, file.part)
        answer = await self._asked(upload, self._host.ask("POST", path, upload.notes.token, body))
        if not answer.is_good:
            await self._hindered(upload, file, answer)
            return
        self._went_on(upload)
        held = answer.read(Held.from_json)
        upload.parts[file.part] = replace(upload.parts[file.part], state=held.state)
        if answer.status == 202:
            self._until_ms = self._now_ms() + PROVING_S * 1000
        await self._note_part(upload, file.part, upload.parts[file.part])

    # What may come back.

    async def _asked(self, upload: Upload, request: Awaitable[_Answer], wait_ms: float = 0.0) -> _Answer:
        """Wait for what a request that begins in `wait_ms` comes to; where that takes long, it is told meanwhile."""
        later = asyncio.get_running_loop().call_later
        telling = later(LONG_S + wait_ms / 1000, self._move, upload, UploadEvent.HINDERED, NO_ANSWER)
        try:
            return await request
        finally:
            telling.cancel()

    async def _hindered(self, upload: Upload, file: FileNow, answer: HostAnswer) -> None:
        """Go by what the host says is wrong, or wait where it says nothing."""
        progress, problem = upload.parts[file.part], answer.problem
        if problem is None:
            if answer.status == 413:
                upload.most = max(SMALLEST, upload.most // 2)
                upload.parts[file.part] = replace(progress, pending=None)
            self._wait(upload, NO_LINE, answer.retry_after_s)
            return
        kind = problem.kind
        upload.is_signed_out = kind is ProblemKind.TOKEN
        upload.is_host_full = kind is ProblemKind.FULL
        if kind is ProblemKind.DELETED:
            self._move(upload, UploadEvent.WITHDRAWN, problem.detail)
            await self._note(upload, state_line(UploadState.WITHDRAWN, problem.detail))
        elif kind in FINAL or (kind is ProblemKind.TOO_LARGE and upload.most <= SMALLEST):
            self._move(upload, UploadEvent.REFUSED, problem.detail)
            await self._note(upload, state_line(UploadState.REFUSED, problem.detail))
        elif kind is ProblemKind.TOO_LARGE:
            upload.most = max(SMALLEST, upload.most // 2)
            upload.parts[file.part] = replace(progress, pending=None)
        elif kind is ProblemKind.DIFFERENT and problem.missing:
            self._move(upload, UploadEvent.DIFFERENT)
            upload.parts[file.part] = replace(progress, again=problem.missing)
        elif kind in (ProblemKind.PLACE, ProblemKind.DIFFERENT):
            self._move(upload, UploadEvent.DIFFERENT)
            distrusted = progress.account if kind is ProblemKind.PLACE else EMPTY
            upload.parts[file.part] = replace(progress, to_compare=True, pending=None, account=distrusted)
        elif kind in (ProblemKind.UNKNOWN, ProblemKind.COMPLETE):
            upload.parts[file.part] = replace(progress, is_announced=False, pending=None)
        if kind in AGAIN | LATER or kind in (ProblemKind.UNKNOWN, ProblemKind.PLACE, ProblemKind.DIFFERENT):
            sentence = problem.detail if kind in LATER else ""
            self._wait(upload, sentence, answer.retry_after_s or problem.retry_after_s)

    def _wait(self, upload: Upload, why: str, asked_s: float | None) -> None:
        """Try again later; a hindrance that is over at once is not told."""
        self._until_ms = self._now_ms() + self._backoff.failed(asked_s) * 1000
        if why or self._backoff.failures > 2:
            self._move(upload, UploadEvent.HINDERED, why or upload.why)

    def _went_on(self, upload: Upload) -> None:
        self._backoff.worked()
        upload.is_host_full = False
        if upload.state is UploadState.WAITING:
            self._move(upload, UploadEvent.CLEARED)

    def _move(self, upload: Upload, event: UploadEvent, why: str = "") -> bool:
        """Move on where the event can be; whether it could."""
        if event not in TRANSITIONS[upload.state]:
            return False
        upload.state, upload.why = advance(upload.state, event), why
        self._changed(upload)
        return True

    # Notes.

    async def _note_part(self, upload: Upload, part: str, progress: Progress) -> None:
        upload.noted_ms = self._now_ms()
        head = next((one for one in progress.known if one.at == 0), None) if progress.head_due else None
        await self._note(upload, part_line(part, PartNote(progress.account, head)))

    async def _note(self, upload: Upload, line: str) -> None:
        """Note it; where that fails, the next visit asks the host, and compares more."""
        try:
            await self._files.append_text(f"{upload.folder}/{NOTES}", line)
        except RolltapeError as error:
            self._log(f"How far the upload is was not noted. {error.sentence}")
