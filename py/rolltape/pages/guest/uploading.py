"""Takes on their way to the host, on the guest's page: asked first, shown always, taken back if the guest wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document, View
from rolltape.pages.interfaces import Browser
from rolltape.pages.takes.left_behind import left_behind
from rolltape.pages.takes.takes import Takes
from rolltape.recording.deck import Deck
from rolltape.recording.take import Take
from rolltape.settings.link import Settings

if TYPE_CHECKING:  # a guest whose takes nobody keeps does not wait for these
    from rolltape.arrivals.upload import Upload
    from rolltape.arrivals.upload_notes import Choice
    from rolltape.arrivals.upload_pace import DelaySource
    from rolltape.arrivals.wire import UploadOffer
    from rolltape.pages.takes.uploads import Uploads

FULL = "host-full"
"""Subject of the notice that the host has none; directors are told of it as of any warning of a guest's."""
PAUSE_WORDS = {True: "Go on sending", False: "Pause sending"}
WITHDRAW, SURE = "Take it back", "Delete it there for good?"


class GuestUploads:
    """What a guest agreed to, and how far it is; nothing of it is there until a host offers to keep takes."""

    def __init__(
        self, settings: Settings, document: Document, browser: Browser, deck: Deck, takes: Takes
    ) -> None:
        self._settings = settings
        self._document = document
        self._browser = browser
        self._deck = deck
        self._takes = takes
        self.moved: Callable[[], None] = lambda: None
        """Called when an upload has come to another state."""
        self._offer: UploadOffer | None = None
        self._uploads: Uploads | None = None
        self._asked: set[str] = set()
        """The takes that were begun to be sent."""
        self._stale = False
        self._drawn: dict[str, str] = {}
        self._said: dict[str, str] = {}
        """The states that were drawn, and that a screen reader said, by take."""
        self._is_talking = False
        self._is_host_full = False
        takes.draw_upload = self._draw_row

    def open(self) -> None:
        """Once storage is open: go on with what earlier visits left."""
        document = self._document
        document.on("upload-choice", "change", self._on_choice)
        document.on("upload-pause", "click", self._on_pause)
        document.on("upload-withdraw", "click", self._on_withdraw)
        document.spawn(self._resume())

    async def _resume(self) -> None:
        store = self._takes.places.store
        for id in await left_behind(store) if store is not None else ():
            uploads = self._opened()
            if uploads is not None:
                self._document.spawn(uploads.resume(id))

    def recovered(self, take: Take) -> None:
        """Send what the host lacks of a take that was left behind and is whole again."""
        if self._uploads is not None:
            self._document.spawn(self._uploads.resume(take.id))

    def offered(self, offer: UploadOffer) -> None:
        """Keep the host's offer and its token; the room calls it with each new one."""
        from rolltape.pages.takes.upload_words import consent

        first = self._offer is None
        self._offer = offer
        if self._uploads is not None:
            self._uploads.offered(offer, self._settings.room or "")
        if not first:
            return
        document = self._document
        document.text("upload-to", consent(offer.to or "the host", self._settings.room or ""))
        document.fill("upload-choice", self._choice())
        self._draw_choice()
        document.show("check-upload", True)
        if self._deck.take is not None:
            self.show(self._deck.take)

    def _choice(self) -> Choice:
        """What this guest agreed to: here before, or else as the link says."""
        from rolltape.arrivals.upload_notes import Choice

        kept = self._browser.kept(self._memory)
        asked = kept or self._settings.upload
        return Choice(asked) if asked in list(Choice) else Choice.NOW

    @property
    def _memory(self) -> str:
        return f"upload-{self._settings.room}"

    def _draw_choice(self) -> None:
        self._document.attribute("upload-choice", "data-state", self._choice())

    async def _on_choice(self) -> None:
        self._browser.keep(self._memory, self._document.value("upload-choice"))
        self._draw_choice()
        take = self._deck.take
        upload = self._uploads.of(take.id) if self._uploads and take else None
        if upload is not None and self._uploads is not None:
            self._complain(await self._uploads.choose(upload, self._choice()))
        elif take is not None:
            self.show(take)

    def show(self, take: Take) -> None:
        """Take note of what the take is by now; the page calls it with each change.

        A new one that is to be sent begins to be sent; `draw` shows how far it is.
        """
        if self._offer is not None and not take.is_over and take.id not in self._asked:
            self._begin(take, self._offer)
        if self._uploads is not None:
            self._uploads.told(take)
        self._stale = True

    def _begin(self, take: Take, offer: UploadOffer) -> None:
        from rolltape.arrivals.upload_notes import Choice

        choice = self._choice()
        uploads = self._opened() if choice is not Choice.NO else None
        if uploads is not None:
            self._asked.add(take.id)
            self._document.spawn(uploads.begin(take, offer, self._settings.room or "", choice))

    def _opened(self) -> Uploads | None:
        """What sends; None where this browser keeps nothing that could be sent."""
        store, shelf = self._takes.places.store, self._takes.shelf
        if self._uploads is None and store is not None and shelf is not None:
            from rolltape.pages.takes.uploads import Uploads

            self._uploads = Uploads(
                self._document,
                self._browser,
                shelf,
                self._takes.journal,
                lambda: (self._deck.take, self._deck.growing),
                self._changed,
            )
            self._uploads.is_talking = lambda: self._is_talking
            self._takes.at_host = self._uploads.at_host
        return self._uploads

    # How far it is.

    @property
    def is_busy(self) -> bool:
        """True while something is sent beside a conversation: the line's delay is measured."""
        return self._is_talking and self._uploads is not None and self._uploads.is_busy

    def note_delay(self, source: DelaySource, delay_ms: float, of: str) -> None:
        """So long an answer took over the line, as `source` tells, of a member `of` the call, say."""
        if self._uploads is not None:
            self._uploads.note_delay(source, delay_ms, of)

    @property
    def needs_page(self) -> bool:
        """True while the page is to stay open a moment for what is nearly there."""
        if self._uploads is None:
            return False
        from rolltape.pages.takes.upload_words import is_needed

        return any(map(is_needed, self._uploads.all))

    def _changed(self, upload: Upload) -> None:
        self._stale = True
        self._tell_room()
        if self._drawn.get(upload.id) != upload.state:
            self._drawn[upload.id] = upload.state
            self.draw(self._is_talking)
            self.moved()

    def _tell_room(self) -> None:
        """Warn while the host has no room for what is here."""
        waiting = (
            next((one for one in self._uploads.all if one.is_host_full), None) if self._uploads else None
        )
        if (waiting is not None) == self._is_host_full:
            return
        self._is_host_full = waiting is not None
        if waiting is None:
            self._document.lift(FULL)
        else:
            self._document.notify(Notice(Level.WARNING, waiting.why, FULL))

    def sent_to(self, take: Take) -> str:
        """The host that a take is on its way to, or has arrived at; empty: it is not sent."""
        upload = self._uploads.of(take.id) if self._uploads else None
        if upload is None or upload.state in ("off", "refused", "withdrawn"):
            return ""
        return upload.notes.to or "the host"

    def draw(self, is_talking: bool) -> None:
        """Draw what has changed; call it now and then."""
        self._is_talking = is_talking
        if not self._stale or self._uploads is None:
            return
        self._stale = False
        upload = self._foremost()
        if upload is not None:
            self._draw_card(upload)
        if self._deck.is_free:
            self._document.guard(self.needs_page)
        for one in self._uploads.all:
            self._takes.draw_upload_of(one.id)

    def _foremost(self) -> Upload | None:
        """The one to be told of: of this visit, what is still to arrive before what has."""
        assert self._uploads is not None
        take = self._deck.take
        if take is not None and self._uploads.of(take.id):
            return self._uploads.of(take.id)
        own = [one for one in self._uploads.all if one.id in self._asked]
        return max(own, key=lambda one: (not one.is_over, one.id), default=None)

    def _draw_card(self, upload: Upload) -> None:
        from rolltape.arrivals.upload_state import UploadState
        from rolltape.pages.takes.upload_words import data_state, sentence, share

        document = self._document
        said = sentence(upload)
        if self._said.get(upload.id) != upload.state:
            self._said[upload.id] = upload.state
            document.say(said)
        document.text("upload", said)
        document.attribute("upload", "data-state", data_state(upload.state))
        document.attribute("upload-progress", "value", f"{share(upload):.3f}")
        document.show("upload-progress", upload.now().is_over and not upload.is_over)
        document.show("upload-pause", upload.is_under_way or upload.state is UploadState.PAUSED)
        document.text("upload-pause", PAUSE_WORDS[upload.state is UploadState.PAUSED])
        document.show("upload-withdraw", upload.state is not UploadState.WITHDRAWN)
        document.show("upload-card", True)

    def _draw_row(self, row: View, take: Take) -> None:
        """The take's row on the shelf."""
        upload = self._uploads.of(take.id) if self._uploads else None
        row.show("upload", upload is not None)
        if upload is None:
            return
        from rolltape.pages.takes.upload_words import data_state, sentence

        row.text("upload", sentence(upload))
        row.attribute("upload", "data-state", data_state(upload.state))

    async def _on_pause(self) -> None:
        from rolltape.arrivals.upload_state import UploadState

        upload = self._foremost() if self._uploads else None
        if upload is not None and self._uploads is not None:
            await self._uploads.pause(upload, upload.state is not UploadState.PAUSED)

    async def _on_withdraw(self) -> None:
        document = self._document
        if document.value("upload-withdraw") != "sure":
            document.attribute("upload-withdraw", "value", "sure")
            document.text("upload-withdraw", SURE)
            return
        document.attribute("upload-withdraw", "value", "")
        document.text("upload-withdraw", WITHDRAW)
        from rolltape.arrivals.upload_notes import Choice

        upload = self._foremost() if self._uploads else None
        if upload is not None and self._uploads is not None:
            self._complain(await self._uploads.choose(upload, Choice.NO))

    def _complain(self, sentence: str) -> None:
        if sentence:
            self._document.notify(Notice(Level.WARNING, sentence, "upload"))
