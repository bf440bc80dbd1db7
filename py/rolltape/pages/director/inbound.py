"""Recording what arrives from a guest, on the director's machine: the same deck, another source."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rolltape.core.errors import EngineError
from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Browser
from rolltape.pages.takes.takes import Takes
from rolltape.recording.deck import Deck
from rolltape.recording.deck_interfaces import Title
from rolltape.recording.take import Take, TakeState
from rolltape.room.messages import SendRates
from rolltape.settings.bitrate import inbound_rates
from rolltape.settings.order import Order

Ask = Callable[[SendRates | None], Awaitable[str]]
"""Asks the guest to send at these rates, None: as before; empty, or why the guest does not."""


class InboundDeck:
    """Records on the director's machine what arrives from one guest, as far as the call carries it."""

    def __init__(
        self,
        uid: str,
        name: str,
        room: str,
        document: Document,
        browser: Browser,
        takes: Takes,
        ask: Ask,
        changed: Callable[[], None],
    ) -> None:
        """`changed` is called whenever the state is another."""
        self._uid = uid
        self._document = document
        self._browser = browser
        self._takes = takes
        self._ask = ask
        self._changed = changed
        self._stream: object | None = None
        self._asked: SendRates | None = None
        """What the guest sends at while it is recorded here."""
        self.rename(name)
        self._deck = Deck(
            lambda: self._browser.inbound(self._stream, self._name) if self._stream is not None else None,
            browser,
            self,
            lambda: Title(f"{self._name} inbound", room),
        )

    @property
    def state(self) -> TakeState:
        """The state of the take being made; `idle` while there is none."""
        return self._deck.state

    @property
    def take(self) -> Take | None:
        """The take being made; None while there is none."""
        return self._deck.take

    def rename(self, name: str) -> None:
        """Take a guest's new name; takes are named after it."""
        self._name = name or "guest"

    def use(self, stream: object | None) -> None:
        """Record what arrives now, None: nothing; a recording under way goes on with it in a new part."""
        if stream is self._stream:
            return
        self._stream = stream
        if stream is not None and not self._deck.is_free:
            self._document.spawn(self._go_on())

    async def _go_on(self) -> None:
        await self._ask(self._asked)
        await self._deck.source_changed("The connection was made anew.")

    async def toggle(self, order: Order) -> None:
        """Start recording what arrives, or stop; meanwhile the guest sends at the rates of the table."""
        if not self._deck.is_free:
            await self._deck.stop()
            return
        self._deck.places, self._deck.shelf = self._takes.places, self._takes.shelf
        asked = inbound_rates(order.wish, order.codec.pcm, order.audio_bitrate_kbps)
        self._asked = SendRates(asked.video_kbps, asked.audio_kbps)
        refused = await self._ask(self._asked)
        if refused:
            self._warn(f"{self._name} does not send more than before. {refused}")
        try:
            await self._deck.start(order)
        except EngineError as error:
            self._warn(f"What arrives from {self._name} is not recorded. {error.sentence}")
            await self._ask(None)

    async def stop(self) -> None:
        """Stop the recording, if there is one."""
        await self._deck.stop()

    def check(self) -> None:
        """See to the recording; call it about once a second."""
        self._deck.check()

    # What the deck tells (deck.DeckView).

    def notify(self, notice: Notice) -> None:
        """Show a notice, with whose recording it is about."""
        subject = self._subject(notice.subject) if notice.subject else ""
        self._document.notify(Notice(notice.level, f"{self._name}, recorded here: {notice.text}", subject))

    def lift(self, subject: str) -> None:
        """Take away what was told of a subject (`DeckView`)."""
        self._document.lift(self._subject(subject))

    def _subject(self, subject: str) -> str:
        return f"{subject}-of-{self._uid}"

    async def make_room(self, kbps: float) -> None:
        """Ask the guest for the inbound rates: a recording is about to begin (`DeckView`)."""
        await self._takes.make_room(kbps)

    def show_take(self, take: Take) -> None:
        """Draw the take (`DeckView`); whatever cannot be drawn, the recording goes on."""
        try:
            self._takes.show(take)
            self._changed()
        except Exception as error:
            self._document.report(error)

    async def take_over(self, take: Take) -> None:
        """Let the guest send as before: the recording is over (`DeckView`)."""
        self._changed()
        self._asked = None
        await self._ask(None)
        await self._takes.draw()

    def _warn(self, sentence: str) -> None:
        self._document.notify(Notice(Level.WARNING, sentence))
