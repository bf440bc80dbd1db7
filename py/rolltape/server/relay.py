"""Hands messages on: who may say what to whom is `messages.ROUTES`; what is said is checked by `wire.decode`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine
from dataclasses import replace
from functools import partial

from rolltape.core.json_fields import Fields
from rolltape.room.frames import ANSWER, CLOCK, PONG, Frame, framed, unframed
from rolltape.room.messages import (
    ROUTES,
    Away,
    Command,
    CommandKind,
    Door,
    GuestState,
    Joined,
    Left,
    Member,
    Message,
    Role,
    Route,
    Sender,
    Signal,
    Welcome,
)
from rolltape.room.wire import BadMessage, decode, encode, kind_of, plain_json, with_sender
from rolltape.server.bus import Bus, BusMessage, Recipients
from rolltape.server.connected import Allowance, Connected, Visitor
from rolltape.server.lending import Lending
from rolltape.server.limits import Limiter, Limits
from rolltape.server.line import Line, Over
from rolltape.server.log import room_mark
from rolltape.server.metrics import Metrics
from rolltape.server.store import Admitted, HeldMember, NotSeated, RoomStore, StoreGone
from rolltape.server.tokens import BadToken, SessionClaims, Tokens, UploadClaims
from rolltape.server.turns import Turns

__all__ = ["Relay"]

LOOK_S = 1.0
CLOCK_CHARACTERS = 100
"""Of a frame that asks for the time."""
MAX_TOKEN = 4000
HANDLED_S = 0.0001
"""What hearing a frame and handing it on takes beside reading it."""

ENDS = {Recipients.END: "replaced", Recipients.CLAIM: "other_key", Recipients.WAITING: "uninvited"}
"""What ends connections, and the word for it."""

HANDED_ON = plain_json({"said": ""})
TOO_MANY = "Too many messages; wait a moment."
OUTSIDE = "A director has not let you in yet."
NOT_NOW = "The server cannot reach its rooms at the moment; try again."

log = logging.getLogger(__name__)


class _Refused(Exception):
    """A message is not handed on; a sentence for its sender, a word for the figures."""

    def __init__(self, sentence: str, why: str) -> None:
        super().__init__(sentence)
        self.sentence, self.why = sentence, why


class Relay:
    """The members connected to this process: hears them, and hands on what they may say."""

    def __init__(
        self,
        store: RoomStore,
        tokens: Tokens,
        lending: Lending,
        limits: Limits,
        metrics: Metrics,
        bus: Bus,
        now_s: Callable[[], float],
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._lending = lending
        self._metrics = metrics
        self._bus = bus
        self._stranger_s = limits.stranger_s
        self._connected = Connected()
        self._tasks: set[asyncio.Task[None]] = set()
        self._allowance = partial(Allowance, limits, now_s)
        self._offers = Limiter(limits.offers, now_s)
        self._work = Limiter(limits.work, now_s)
        self._turns = Turns()

    def held(self) -> Collection[HeldMember]:
        """Return the members whose connections this process has."""
        return self._connected.held()

    async def say(self, room: str, message: Message, but: str = "") -> None:
        """Tell everybody in a room, in all processes, but the one of this uid."""
        self.tell(BusMessage(room, Recipients.ALL, but, framed(kind_of(message), encode(message))))

    def _say_of(self, room: str, member: Member, message: Message) -> None:
        """Say something of a member: of one who waits to directors only."""
        target, name = (Recipients.ROLE, Role.DIRECTOR) if member.waiting else (Recipients.ALL, member.uid)
        self.tell(BusMessage(room, target, name, framed(kind_of(message), encode(message))))

    def tell(self, told: BusMessage) -> None:
        """Tell those of a room that something is for, in this process now and in the others soon."""
        self.heard(told)
        self._bus.tell(told)

    def heard(self, told: BusMessage) -> None:
        """Tell those of them who are connected to this process; what ends connections ends them."""
        for one in self._connected.meant(told):
            if told.target in ENDS:
                one.line.end(ENDS[told.target])
            elif told.target is Recipients.ADMIT:
                self._spawn(self._sit_again(one))
            else:
                one.line.say(told.text)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def seat_again(self, held: HeldMember) -> None:
        """Give a seat anew to somebody who is connected here and whose seat is gone: the store has forgotten."""
        one = self._connected.of(held)
        if one is not None:
            await self._sit_again(one)

    async def greet_all(self) -> None:
        """Send everybody connected here a new welcome, since something may have been missed."""
        for one in self._connected:
            try:
                await self._sit_again(one)
            except StoreGone as error:
                log.warning("Somebody could not be told who is there.", extra={"error": str(error)})

    async def look(self) -> None:
        """Look each second who has been silent, for as long as the server runs (`lasting`)."""
        while True:
            for one in self._connected:
                one.line.look()
            await asyncio.sleep(LOOK_S)

    # One connection.

    async def serve(self, line: Line, host: str = "") -> None:
        """Serve a connection from its first frame to its end; `host` is the name that it asked this server by.

        Returns once it is closed and the room knows. Raises nothing of what a client can do.
        """
        over = Over("gone")
        one: Visitor | None = None
        try:
            one = await self._met(line, host)
            while True:
                answer = await self._answer(one, await line.hear())
                if answer is not None:
                    line.say(answer)
        except Over as ended:
            over = ended
        finally:
            if over.why != "gone":
                self._metrics.refused(over.why)
            address = {"address": line.address} if over.hostile else {}
            about = {} if one is None else {"room": room_mark(one.session.room), "role": one.session.role}
            log.info("A connection is over.", extra={"why": over.why} | about | address)
            if one is not None:
                await self._gone(one)
        await line.close(over.hostile)

    async def _met(self, line: Line, host: str) -> Visitor:
        """Whoever begins with a right token is in. Raises Over."""
        said = await line.hear(self._stranger_s)
        try:
            session = self._tokens.read_session(Fields.from_json(said[:MAX_TOKEN]).text("token"))
            if not await self._store.use(session.id):
                raise BadToken("It has been used before.")
            member = Member(session.uid, session.role, session.label, session.invited)
        except (BadToken, ValueError):
            raise Over("bad_token", hostile=True) from None
        except StoreGone:
            raise Over("store_gone") from None
        one = Visitor(line, session, member, self._allowance(), host)
        try:
            await self._sit(one)
        except (NotSeated, StoreGone, Over) as error:
            self._connected.forget(one)
            why = "store_gone" if isinstance(error, StoreGone) else error.why
            raise Over(why) from None
        log.info("Somebody is in.", extra={"room": room_mark(session.room), "role": session.role})
        return one

    async def _sit(self, one: Visitor) -> None:
        """Take the place of a connection and greet it. Raises NotSeated, StoreGone, Over."""
        session, room, line = one.session, one.session.room, one.line
        # Among the others before it is known who is there: what happens in between is heard, not missed.
        self._connected.add(one)
        claim = await self._store.claimed_by(room)
        if session.claim is not None and (claim is None or claim.key_id != session.key_id):
            claim = await self._store.show(room, session.claim)
            if claim.key_id == session.key_id:
                self.claimed(room, claim.key_id)
        if session.role is Role.DIRECTOR and claim is not None and claim.key_id != session.key_id:
            raise Over("other_key")
        word = None if session.invited else await self._store.admitted(room, session.uid)
        one.member = replace(one.member, waiting=not session.invited and word is None)
        seating = await self._store.sit(room, one.member, line.id)
        welcome = await self._welcome(one, claim.key_id if claim else "", seating.others)
        if word is not None:
            welcome = self._lent(one, word, welcome)
        line.say(framed(kind_of(welcome), encode(welcome)))
        if seating.before != line.id:
            self._say_of(room, one.member, Joined(one.member))
            if seating.before:
                self.tell(BusMessage(room, Recipients.END, seating.before))

    async def _welcome(self, one: Visitor, key_id: str, others: tuple[Member, ...]) -> Welcome:
        """What somebody is told of the room: everything, to a director; nothing, to one who waits outside."""
        uid, room = one.session.uid, one.session.room
        if one.session.role is Role.DIRECTOR:
            return Welcome(uid, key_id, others, invited_only=await self._store.is_shut(room))
        if one.member.waiting:
            return Welcome(uid, "", waiting=True)
        return Welcome(uid, key_id, tuple(other for other in others if not other.waiting))

    def _lent(self, one: Visitor, word: Admitted, welcome: Welcome) -> Welcome:
        """The welcome of one who was let in, with what an invited page is lent when it joins."""
        page = UploadClaims(one.session.room, word.key_id, one.session.role, one.session.uid)
        lent = self._lending.to(page, word.hosted, time.time())
        upload = lent.upload and replace(lent.upload, to=one.host)
        return replace(welcome, ice_servers=lent.ice_servers, upload=upload)

    async def _sit_again(self, one: Visitor) -> None:
        try:
            await self._sit(one)
        except NotSeated as refused:
            one.line.end(refused.why)
        except Over as over:
            one.line.end(over.why)

    def claimed(self, room: str, key_id: str) -> None:
        """Tell that a room is this key's: connections of directors with another key end."""
        self.tell(BusMessage(room, Recipients.CLAIM, key_id))

    async def _gone(self, one: Visitor) -> None:
        self._connected.forget(one)
        session = one.session
        try:
            if await self._store.lose(session.room, session.uid, one.line.id):
                self._say_of(session.room, one.member, Away(session.uid))
        except StoreGone:
            self._metrics.trouble("store_gone")  # the lease runs out by itself

    # What it says.

    async def _answer(self, one: Visitor, said: str) -> str | None:
        """What to answer to a frame; None: nothing. Raises Over."""
        frame = unframed(said)
        if frame is None or (frame.event == CLOCK and len(said) > CLOCK_CHARACTERS):
            raise Over("not_spoken_here", hostile=True)
        if frame.event == PONG:
            return None
        await self._turns.mine(one.line.address, len(said))
        try:
            self._check_rate(one, len(said))
            if frame.event != CLOCK:
                await self._hear(one, frame)
                return framed(ANSWER, HANDED_ON, frame.number)
            sentence = repr(time.time() * 1000)
        except _Refused as refused:
            sentence = self._refuse(one, refused)
        except BadMessage as error:
            sentence = self._refuse(one, _Refused(error.sentence, "malformed"))
        except StoreGone:
            self._metrics.trouble("store_gone")
            sentence = NOT_NOW
        return framed(ANSWER, plain_json({"said": sentence}), frame.number)

    async def _hear(self, one: Visitor, frame: Frame) -> None:
        """Hand a message on. Raises _Refused, BadMessage, StoreGone."""
        route = self._route(one, frame.event)
        message = self._read(one, frame)
        if one.member.waiting:
            if not isinstance(message, GuestState):
                raise _Refused(OUTSIDE, "outside")
        else:
            await self._hand_on(one, route, frame, message)
        await self._follow(one, message)
        self._metrics.message(frame.event)

    def _read(self, one: Visitor, frame: Frame) -> Message:
        """Read a message; what that costs is its address's. Raises BadMessage.

        It is the processor's time: what else a busy machine does meanwhile is nobody's here.
        """
        began_s = time.thread_time()
        try:
            return decode(frame.event, frame.text)
        finally:
            self._work.spend(one.line.address, HANDLED_S + time.thread_time() - began_s)

    def _check_rate(self, one: Visitor, size: int) -> None:
        if (
            not one.allowance.messages.allows()
            or not one.allowance.characters.allows(size)
            or not self._work.allows(one.line.address, 0)
        ):
            raise _Refused(TOO_MANY, "too_many")

    def _route(self, one: Visitor, event: str) -> Route:
        route = ROUTES.get(event)
        if route is None:
            raise _Refused("There is no such message.", "unknown")
        if one.session.role not in route.senders:
            raise _Refused(f"A {one.session.role} does not say that.", "not_allowed")
        return route

    async def _hand_on(self, one: Visitor, route: Route, frame: Frame, message: Message) -> None:
        """What is handed on is what came, with who sent it: writing it anew would cost more than reading it."""
        session, room = one.session, one.session.room
        if session.role is Role.DIRECTOR:
            claim = await self._store.claimed_by(room)
            if claim is None or claim.key_id != session.key_id:
                raise _Refused("This room belongs to another key.", "other_key")
        sender = Sender(session.uid, session.role, session.key_id)
        text = framed(frame.event, with_sender(frame.text.replace("\n", " "), sender))
        if not route.to_one:
            self.tell(BusMessage(room, Recipients.ROLE, str(route.receiver), text))
            return
        uid = str(getattr(message, "to", ""))
        seat = await self._store.seat(room, uid)
        if seat is None or (route.receiver is not None and seat.member.role is not route.receiver):
            raise _Refused("Nobody of this name is in the room.", "nobody")
        if seat.member.waiting and not _is(message, CommandKind.REMOVE, CommandKind.LET_IN):
            raise _Refused("They are waiting to be let in.", "outside")
        if _is(message, CommandKind.LET_IN):
            return  # the server does that itself
        if not seat.connection and not _is(message, CommandKind.REMOVE):
            raise _Refused("Their connection is gone for the moment.", "away")
        if _offers(message) and not self._offers.allows(f"{session.uid} {room} {uid}"):
            raise _Refused(TOO_MANY, "too_many")
        self.tell(BusMessage(room, Recipients.ONE, uid, text))

    async def _follow(self, one: Visitor, message: Message) -> None:
        """What a message changes here: a name, or who is in the room."""
        room = one.session.room
        if isinstance(message, GuestState) and message.label != one.member.label:
            if one.allowance.names.allows():
                one.member = replace(one.member, label=message.label)
                if await self._store.rename(room, one.member):
                    self._say_of(room, one.member, Joined(one.member))
        elif isinstance(message, Door):
            await self._store.shut(room, message.invited_only)
            if message.invited_only:
                self.tell(BusMessage(room, Recipients.WAITING, ""))
        elif isinstance(message, Command) and message.kind is CommandKind.LET_IN:
            await self._let_in(one.session, message.to)
        elif isinstance(message, Command) and message.kind is CommandKind.REMOVE:
            connection = await self._store.remove(room, message.to)
            await self.say(room, Left(message.to))
            if connection:
                self.tell(BusMessage(room, Recipients.END, connection))

    async def _let_in(self, by: SessionClaims, uid: str) -> None:
        """Who waited is in: the others learn of them, and they of the others."""
        room = by.room
        seat = await self._store.seat(room, uid)
        if seat is None or not seat.member.waiting:
            return
        await self._store.admit(room, uid, Admitted(by.key_id, by.hosted))
        member = replace(seat.member, waiting=False)
        await self._store.rename(room, member)
        await self.say(room, Joined(member), but=uid)
        self.tell(BusMessage(room, Recipients.ADMIT, uid))

    def _refuse(self, one: Visitor, refused: _Refused) -> str:
        """Count it; who is refused all the time is let go. Raises Over."""
        self._metrics.refused(refused.why)
        if not one.allowance.refusals.allows():
            raise Over("flood", hostile=True)
        return refused.sentence


def _is(message: Message, *kinds: CommandKind) -> bool:
    return isinstance(message, Command) and message.kind in kinds


def _offers(message: Message) -> bool:
    return (
        isinstance(message, Signal)
        and message.description is not None
        and message.description.type == "offer"
    )
