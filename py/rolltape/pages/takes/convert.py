"""The converter's page: files in, a queue, one result after the other into the downloads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum

from rolltape.convert import Target, part_of
from rolltape.core.errors import RolltapeError
from rolltape.core.notice import Level, Notice
from rolltape.pages import words
from rolltape.pages.document import Document, Picked
from rolltape.pages.interfaces import Browser
from rolltape.pages.takes.converting import Converter

DRAW_EVERY_MS = 100.0


class JobState(StrEnum):
    """How far a job is; the value is its row's `data-state`."""

    WAITING = "waiting"
    CONVERTING = "converting"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass
class Job:
    """The parts of one take, and what became of them."""

    id: str
    name: str
    sources: list[Picked]
    state: JobState = JobState.WAITING
    words: str = "Not converted yet"

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(source.size for source in self.sources)


class ConvertPage:
    """The converter's page: takes files, converts them one after the other into downloads, and says what was lost.

    `browser/main.py` makes one. Files stay in the browser.
    """

    def __init__(self, document: Document, browser: Browser) -> None:
        self._document = document
        self._browser = browser
        self._converter = Converter(document, browser)
        self._jobs: list[Job] = []
        self._task: asyncio.Task[None] | None = None
        self._drawn_at = 0.0

    async def open(self) -> None:
        """Wire the page and show it."""
        document = self._document
        document.on("convert-input", "change", self._on_files)
        document.on("convert-start", "click", self._on_start)
        document.on("convert-cancel", "click", self._on_cancel)
        document.enable("convert-cancel", False)
        self._on_files()
        document.ready("convert")
        await self._converter.clean()

    def _on_files(self) -> None:
        if self._task is None:
            self._document.enable("convert-start", bool(self._document.files("convert-input")))
            self._jobs = jobs(self._document.files("convert-input"))
            self._draw_jobs()

    async def _on_start(self) -> None:
        if self._task is not None:
            return
        self._jobs = jobs(self._document.files("convert-input"))
        if not self._jobs:
            self._document.notify(Notice(Level.INFO, "Choose one or more recordings first."))
            return
        self._draw_jobs()
        self._task = asyncio.ensure_future(self._convert_all(Target(self._document.value("convert-target"))))
        try:
            await asyncio.wait([self._task])
        finally:
            task, self._task = self._task, None
            self._draw_busy(False)
        if not task.cancelled():
            task.result()

    def _on_cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _convert_all(self, target: Target) -> None:
        self._draw_busy(True)
        began, total, done = self._browser.now_ms(), sum(job.size for job in self._jobs) or 1, 0
        try:
            for job in self._jobs:
                await self._convert(job, target, began, done, total)
                done += job.size
        except asyncio.CancelledError:
            for job in self._jobs:
                if job.state in (JobState.WAITING, JobState.CONVERTING):
                    job.state, job.words = JobState.CANCELLED, "Cancelled"
            self._document.text("convert-left", "Cancelled; nothing is left of what was not finished.")
            self._document.attribute("convert-progress", "value", "0")
            raise
        finally:
            self._draw_jobs()

    async def _convert(self, job: Job, target: Target, began: float, done: int, total: int) -> None:
        """Convert one job; its errors are its own."""
        job.state, job.words = JobState.CONVERTING, "Converting …"
        self._draw_jobs()
        try:
            async with aclosing(self._converter.run(job.sources, target, job.name)) as steps:
                async for share in steps:
                    self._draw_progress(began, (done + share * job.size) / total)
        except RolltapeError as error:
            job.state, job.words = JobState.FAILED, "Not converted"
            self._document.notify(Notice(Level.ERROR, error.sentence))
        else:
            job.state, job.words = (
                JobState.FINISHED,
                f"{self._converter.name} is going to your Downloads folder",
            )
        self._drawn_at = 0.0
        self._draw_progress(began, (done + job.size) / total)
        self._draw_jobs()

    def _draw_progress(self, began: float, share: float) -> None:
        now = self._browser.now_ms()
        if now - self._drawn_at < DRAW_EVERY_MS:
            return
        self._drawn_at = now
        self._document.attribute("convert-progress", "value", f"{share:.4f}")
        left = words.left(now - began, share) if share < 1 else ""
        self._document.text("convert-left", left)

    def _draw_jobs(self) -> None:
        rows = self._document.rows("convert-jobs", "job-template", [job.id for job in self._jobs])
        for job in self._jobs:
            row = rows[job.id]
            row.attribute("", "data-state", job.state)
            row.text("job-name", job.name)
            parts = f" in {len(job.sources)} parts" if len(job.sources) > 1 else ""
            row.text("job-facts", words.size(job.size) + parts)
            row.text("job-state", job.words)

    def _draw_busy(self, busy: bool) -> None:
        self._document.enable("convert-start", not busy)
        self._document.enable("convert-input", not busy)
        self._document.enable("convert-target", not busy)
        self._document.enable("convert-cancel", busy)
        self._document.guard(busy)


def jobs(files: Sequence[Picked]) -> list[Job]:
    """Group files by take: `X_part1.webm`, `X_part2.webm` are one job, whatever their order."""
    found: dict[str, Job] = {}
    for file in files:
        stem, _, _ = file.name.rpartition(".")
        name, number = part_of(stem or file.name)
        key = f"parts of {name}" if number else f"{len(found)} {file.name}"
        if key in found:
            found[key].sources.append(file)
        else:
            found[key] = Job(key, name, [file])
    for job in found.values():
        if len(job.sources) == 1:
            job.name = job.sources[0].name.rpartition(".")[0] or job.sources[0].name
        job.sources.sort(key=lambda file: part_of(file.name.rpartition(".")[0])[1])
    return list(found.values())
