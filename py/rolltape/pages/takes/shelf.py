"""The shelf on the page: a row a take, with what it is and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing

from rolltape.pages import words
from rolltape.pages.document import Document, View
from rolltape.pages.interfaces import Storage
from rolltape.recording.missing import missing
from rolltape.recording.shelf import Shelf
from rolltape.recording.take import ShelfState, Take, TakeState
from rolltape.settings.codec import AudioCodec, Container, contents, describe

STATE_WORDS = {
    ShelfState.RECORDING: "Recording",
    ShelfState.FINISHED: "Finished",
    ShelfState.RECOVERED: "Recovered",
    ShelfState.FAILED: "Failed",
}


EXPORTS = {"opus": AudioCodec.OPUS, "wav": AudioCodec.PCM}
"""Values of `convert.Target`, and the sound that each takes out."""
EXPORT_WORDS = {"opus": "Sound as Opus", "wav": "Sound as WAV"}


class ShelfView:
    """Draws a row for each take of the journal, and does what its buttons say: play, save, sound alone, delete.

    `Takes` makes one. It draws only when told to, and shows others' changes from the next `draw` on.
    """

    def __init__(self, document: Document, browser: Storage, shelf: Shelf) -> None:
        self._document = document
        self._browser = browser
        self._shelf = shelf
        self.draw_upload: Callable[[View, Take], None] = lambda row, take: None
        """Draws in a take's row how far it is on its way to a host."""
        self._rows: Mapping[str, View] = {}
        self._takes: dict[str, Take] = {}
        self._wired: set[str] = set()
        self._playing: dict[str, str] = {}
        self._exporting: set[str] = set()

    async def draw(self, live: Take | None = None) -> None:
        """Read and show every take; `live` is the one that this page records, newer than its log.

        Raises RolltapeError where the journal cannot be read.
        """
        self._takes = {take.id: take for take in await self._shelf.takes()}
        self.show(live)

    async def draw_one(self, id: str, live: Take | None = None) -> None:
        """Read the log of one take anew and show it; one that is gone stays as it was. Raises RolltapeError."""
        take = await self._shelf.take(id)
        if take is not None:
            self._takes[id] = take
        self.show(live)

    @property
    def unfinished(self) -> list[str]:
        """The ids of takes shown as being recorded, by another tab or by one that is gone."""
        return [id for id, take in self._takes.items() if not take.is_over]

    def show(self, live: Take | None) -> None:
        """Show the take that this page is recording as it is now, and the others as they were last read."""
        takes = self._takes
        if live is not None and live.shelf_state is not None:
            takes = {live.id: live} | takes | {live.id: live}
        self._takes = takes
        rows = self._rows = self._document.rows("takes", "take-template", list(takes))
        self._wired &= set(takes)
        for id, take in takes.items():
            self._fill(rows[id], take)
            if id not in self._wired:
                self._wire(rows[id], id)
                self._wired.add(id)
        self._document.show("shelf", bool(takes))

    def draw_upload_of(self, id: str) -> None:
        """Draw anew how far a take is on its way, if it is shown."""
        if id in self._rows and id in self._takes:
            self.draw_upload(self._rows[id], self._takes[id])

    def _fill(self, row: View, take: Take) -> None:
        state = take.shelf_state or ShelfState.RECORDING
        row.attribute("", "data-take", take.id)
        row.attribute("", "data-state", state)
        row.text("take-name", take.name)
        row.text("take-facts", " · ".join(facts(take)))
        row.text(
            "take-state", STATE_WORDS[state] if not take.error else f"{STATE_WORDS[state]}: {take.error}"
        )
        over = take.is_over
        for name in ("play", "save"):
            row.show(name, over and take.bytes > 0)
        row.show("delete", over)
        held = contents(take.mime_type)
        convertible = over and take.bytes > 0 and held.container in (Container.WEBM, Container.MATROSKA)
        for target, codec in EXPORTS.items():
            row.show(f"export-{target}", convertible and held.audio is codec)
            row.enable(f"export-{target}", take.id not in self._exporting)
        self.draw_upload(row, take)

    def _wire(self, row: View, id: str) -> None:
        row.on("save", "click", lambda: self._save(id))
        row.on("play", "click", lambda: self._play(row, id))
        row.on("delete", "click", lambda: self._delete(row, id))
        row.on("export-opus", "click", lambda: self._export(row, id, "opus"))
        row.on("export-wav", "click", lambda: self._export(row, id, "wav"))

    async def _save(self, id: str) -> None:
        self._takes[id] = await self._shelf.save(self._takes[id])

    async def _play(self, row: View, id: str) -> None:
        if id in self._playing:
            row.show("player", False)
            row.attribute("player", "src", "")
            row.text("play", "Play")
            self._browser.forget(self._playing.pop(id))
            return
        take = self._takes[id]
        file = await self._shelf.file(take, take.stored_parts[0].number)
        self._playing[id] = file.address(contents(take.mime_type).content_type)
        row.attribute("player", "src", self._playing[id])
        row.show("player", True)
        row.text("play", "Close")

    async def _export(self, row: View, id: str, target: str) -> None:
        """Take the sound out, in its own format; the button says how far it is."""
        # A quarter of this page's modules: guests do not wait for what they ask for later, if ever.
        from rolltape.convert import Target
        from rolltape.pages.takes.converting import Converter, NamedFile

        if id in self._exporting:
            return
        take = self._takes[id]
        self._exporting.add(id)
        button = f"export-{target}"
        row.enable(button, False)
        try:
            files = [
                NamedFile(await self._shelf.file(take, part.number), part.file) for part in take.stored_parts
            ]
            converter = Converter(self._document, self._browser)
            async with aclosing(converter.run(files, Target(target), take.name)) as steps:
                async for share in steps:
                    row.text(button, f"{EXPORT_WORDS[target]}: {share:.0%}")
        finally:
            self._exporting.discard(id)
            row.text(button, EXPORT_WORDS[target])
            row.enable(button, True)

    async def _delete(self, row: View, id: str) -> None:
        if row.value("delete") != "sure":
            row.attribute("delete", "value", "sure")
            row.text("delete", "Delete for good?")
            return
        if id in self._playing:
            self._browser.forget(self._playing.pop(id))
        await self._shelf.delete(self._takes[id])
        await self.draw()


def facts(take: Take) -> list[str]:
    """Say in words what is to be known of a take: date, length, size, codecs, and what is missing in it."""
    known = [words.moment(take.started_at)]
    if take.duration_ms:
        known.append(words.clock(take.duration_ms))
    if take.bytes:
        known.append(words.size(take.bytes))
    if take.mime_type:
        known.append(describe(take.mime_type))
    parts = take.kept_parts
    if len(parts) > 1:
        known.append(f"{len(parts)} parts")
        missing_ms = sum(part.gap_before_ms for part in parts)
        if missing_ms:
            known.append(f"{missing_ms / 1000:.1f} s missing between them")
        elif take.state is TakeState.FINISHED and all(part.is_whole for part in parts):
            known.append("nothing missing")
    return known + missing(take)
