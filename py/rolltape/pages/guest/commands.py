"""What a director asks of a guest: checked, refused with a reason, or carried out."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from rolltape.core.errors import RolltapeError
from rolltape.core.notice import Level, Notice
from rolltape.core.pace import Pace
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Browser
from rolltape.recording.deck import Deck
from rolltape.recording.take import TakeState
from rolltape.room.client import RoomClient, refusal
from rolltape.room.messages import Answer, Command, CommandKind, GuestState, Sender
from rolltape.room.peers import Peers
from rolltape.settings.bitrate import DEFAULT_VIDEO_KBPS, RecordMode, wish_for
from rolltape.settings.link import Settings
from rolltape.settings.order import Order, order_for

REMEMBERED = 200
"""Commands known again: one that comes twice is carried out once."""
AT_MOST = 15
"""Recordings that a director may start here within a minute, and names that they may give."""
TOO_OFTEN = "That was asked for so often that this page does it only now and then: try again in a minute."


class CommandRefused(Exception):
    """A command is not carried out; its text is the reason, a sentence."""


class Commands:
    """Carries out the commands that reach a guest's page; its `GuestRoom` makes one and sends the answers.

    What was recorded stays the guest's: no command deletes or sends anything.
    """

    def __init__(
        self,
        settings: Settings,
        document: Document,
        browser: Browser,
        deck: Deck,
        state: Callable[[], GuestState],
        rename: Callable[[str], None],
        client: RoomClient,
        peers: Peers,
    ) -> None:
        self._settings = settings
        self._document = document
        self._browser = browser
        self._deck = deck
        self._state = state
        self._rename = rename
        self._client = client
        self._peers = peers
        self._known: deque[str] = deque(maxlen=REMEMBERED)
        self._paces = {kind: Pace(AT_MOST, 60_000) for kind in (CommandKind.START, CommandKind.RENAME)}
        self._doing: Mapping[CommandKind, Callable[[Sender, Command], Awaitable[None]]] = {
            CommandKind.START: self._start,
            CommandKind.STOP: self._stop,
            CommandKind.PAUSE: self._pause,
            CommandKind.RESUME: self._resume,
            CommandKind.RENAME: self._take_name,
            CommandKind.REMOVE: self._tell_removed,
            CommandKind.SEND_RATES: self._set_rates,
        }

    async def carry_out(self, sender: Sender, command: Command) -> Answer | None:
        """Do what is asked, if this sender may ask it; return the answer, None for a command that came before.

        A refusal is an answer with a sentence. Nothing is raised but what nobody expected. `REMOVE` is only told to
        the person here: leaving the room is the caller's, once the answer is sent.
        """
        if command.id in self._known:
            return None
        self._known.append(command.id)
        reason = refusal(sender, command, self._client.uid, self._client.key_id)
        if not reason and not self._is_paced(command.kind):
            reason = TOO_OFTEN
        if not reason:
            try:
                await self._doing[command.kind](sender, command)
            except CommandRefused as refused:
                reason = str(refused)
            except RolltapeError as error:
                reason = error.sentence
        return Answer(sender.uid, command.id, not reason, reason)

    def _is_paced(self, kind: CommandKind) -> bool:
        """Each start is a file in the guest's Downloads, each name a notice: not more than anybody means."""
        pace = self._paces.get(kind)
        return pace is None or pace.allows(self._browser.now_ms())

    async def _start(self, sender: Sender, command: Command) -> None:
        state = self._state()
        if state.refusal:
            raise CommandRefused(state.refusal)
        self._document.dialog("bitrate-dialog", False)
        if not await self._deck.start(self._order(command), command.by or "The director"):
            raise CommandRefused("A recording is running already.")

    def _order(self, command: Command) -> Order:
        """The director's; what it leaves open is as this guest's link has it."""
        wish = self._settings.record
        own = order_for(self._settings, wish if wish.is_ready else wish_for(DEFAULT_VIDEO_KBPS))
        return own if command.order is None else command.order.or_as(self._settings)

    async def _stop(self, sender: Sender, command: Command) -> None:
        if self._deck.is_free:
            raise CommandRefused("There is no recording that could be stopped.")
        await self._deck.stop()

    async def _pause(self, sender: Sender, command: Command) -> None:
        if self._deck.state is not TakeState.RECORDING:
            raise CommandRefused("Nothing is being recorded that could be paused.")
        await self._deck.pause()

    async def _resume(self, sender: Sender, command: Command) -> None:
        if self._deck.state is not TakeState.PAUSED:
            raise CommandRefused("No recording is paused.")
        await self._deck.resume()

    async def _take_name(self, sender: Sender, command: Command) -> None:
        self._rename(command.label)
        sentence = f"{command.by or 'The director'} calls you “{command.label}” in this room."
        self._document.notify(Notice(Level.INFO, sentence, "renamed"))

    async def _tell_removed(self, sender: Sender, command: Command) -> None:
        sentence = (
            f"{command.by or 'The director'} has removed you from the room. What is recorded here is yours: "
            "a running recording goes on until you stop it."
        )
        self._document.notify(Notice(Level.WARNING, sentence))

    async def _set_rates(self, sender: Sender, command: Command) -> None:
        await self._peers.set_rates(sender.uid, command.rates)


def cannot_record(settings: Settings, has_capture: bool, has_plan: bool) -> str:
    """Return why this guest cannot be recorded now, in a sentence; empty: they can."""
    if settings.record.mode is RecordMode.REFUSED:
        return "This guest's link does not allow recording."
    if not has_capture:
        return "This guest has neither camera nor microphone."
    return "" if has_plan else "This guest's browser has nothing it could record, or nowhere to write it."
