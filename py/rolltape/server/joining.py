"""Who may come into which room, and as whom: the answer to `POST api/join` (`docs/protocol.md`, Joining)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rolltape.core.json_fields import Fields
from rolltape.core.notice import one_line
from rolltape.room.client import JoinReply, JoinRequest
from rolltape.room.messages import VERSION, Member, Role, room_key
from rolltape.room.wire import MAX_NAME
from rolltape.server.lending import Lending
from rolltape.server.ownership import Claim, key_id
from rolltape.server.store import Hindrance, RoomStore
from rolltape.server.tokens import BadToken, Invitation, SessionClaims, Tokens, UploadClaims, uid_of

__all__ = ["Joining", "NotLetIn", "read_request"]

MAX_ROOM = 60
_PUSH = re.compile(r"[A-Za-z0-9_-]{0,64}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,64}")

HINDRANCES = {
    Hindrance.REMOVED: (403, "removed", "A director has removed you from this room."),
    Hindrance.FULL: (403, "full", "This room is full."),
}


@dataclass(frozen=True)
class NotLetIn(Exception):
    """A join that is refused: HTTP status, code, and a sentence for the person."""

    status: int
    code: str
    sentence: str


def read_request(text: str) -> JoinRequest:
    """Read the body of a request to join. Raises NotLetIn (400), with a sentence for the person."""
    try:
        said = Fields.from_json(text)
        if said.whole("v") != VERSION:
            raise ValueError("it is of another version; reload the page")
        request = JoinRequest(
            said.text("room", limit=MAX_ROOM),
            said.member("role", Role),
            said.text("push", ""),
            said.text("secret"),
            one_line(said.text("label", ""), MAX_NAME),
            said.text("key", "", 64),
            said.text("invite", "", 2000),
        )
        if not room_key(request.room):
            raise ValueError("the room has no name")
        if not _PUSH.fullmatch(request.push) or not _SECRET.fullmatch(request.secret):
            raise ValueError("push and secret are not as they should be")
    except ValueError as error:
        raise NotLetIn(400, "bad", f"The request to join is not right: {error}.") from None
    return request


class Joining:
    """Lets people in: gives out session tokens, invitations, and what the host lends.

    A place in the room is taken by the connection that the token is then used for, not by joining.
    """

    def __init__(
        self,
        store: RoomStore,
        tokens: Tokens,
        lending: Lending,
        claimed: Callable[[str, str], None],
    ) -> None:
        """`claimed` is told a room and its key's id whenever a claim was shown for it."""
        self._claimed = claimed
        self._lending = lending
        self._store = store
        self._tokens = tokens

    async def join(self, request: JoinRequest, now_s: float) -> JoinReply:
        """Return the answer to a request to join; `now_s` is the time since 1970. Raises NotLetIn, StoreGone.

        The uninvited learn no more of a room than whether they may wait outside.
        """
        room, uid = room_key(request.room), uid_of(request.secret, request.push)
        invited = request.role is Role.DIRECTOR or bool(request.invite)
        why = await self._store.hindrance(room, Member(uid, request.role, request.label, invited))
        if why is not None:
            raise NotLetIn(*HINDRANCES[why])
        if not invited and await self._store.is_shut(room) and not await self._store.admitted(room, uid):
            raise NotLetIn(403, "uninvited", "Only invited guests come into this room: ask for its link.")
        claim = await self._claim(room, request)
        hosted = self._is_hosted(room, request)
        token = self._tokens.session(
            SessionClaims(room, request.role, uid, request.label, invited, claim, hosted)
        )
        invite = ""
        if request.role is Role.DIRECTOR and claim is not None:
            invite = self._tokens.invitation(Invitation(room, claim, hosted))
        key_id = "" if claim is None else claim.key_id
        lent = self._lending.to(UploadClaims(room, key_id, request.role, uid), hosted, now_s)
        return JoinReply(token, uid, key_id, invite, lent.ice_servers, lent.upload)

    def _is_hosted(self, room: str, request: JoinRequest) -> bool:
        """True if the host lends this page its disk and its relay; who waits outside is lent nothing yet."""
        hosting = self._lending.hosting
        if request.role is Role.DIRECTOR:
            return hosting.is_own(room, request.key)
        try:
            return bool(request.invite) and (
                hosting.for_all or self._tokens.read_invitation(request.invite).hosted
            )
        except BadToken:
            return False

    async def _claim(self, room: str, request: JoinRequest) -> Claim | None:
        """Whose the room is; the uninvited learn nothing of it, not even whether there is one. Raises NotLetIn."""
        if request.role is Role.DIRECTOR:
            return await self._directed(room, request)
        if request.invite:
            return await self._invited(room, request.invite)
        return None

    async def _directed(self, room: str, request: JoinRequest) -> Claim:
        if len(request.key) < 16:
            raise NotLetIn(403, "key", "Directing a room needs its key: open the director's whole link.")
        wanted = key_id(request.key)
        shown = self._shown(room, request.invite, wanted) if request.invite else None
        held = await (self._store.show(room, shown) if shown else self._store.open(room, wanted))
        if held.key_id != wanted:
            raise NotLetIn(
                403,
                "key",
                "Somebody else opened this room and holds its key. Ask them for the director's link, "
                "or choose another name for your room.",
            )
        if shown:
            self._claimed(room, held.key_id)
        return held

    def _shown(self, room: str, invite: str, wanted: str) -> Claim | None:
        """The claim of a director's own invitation, which shows that the room was theirs before."""
        try:
            shown = self._tokens.read_invitation(invite)
        except BadToken:
            return None
        return shown.claim if (shown.room, shown.claim.key_id) == (room, wanted) else None

    async def _invited(self, room: str, invite: str) -> Claim:
        try:
            invitation = self._tokens.read_invitation(invite)
        except BadToken:
            raise NotLetIn(
                403, "invite", "This link's invitation has run out or is not whole: ask for a new link."
            ) from None
        if invitation.room != room:
            raise NotLetIn(403, "invite", "This link's invitation is for another room: ask for a new link.")
        held = await self._store.show(room, invitation.claim)
        if held.key_id != invitation.claim.key_id:
            raise NotLetIn(403, "invite", "This room belongs to somebody else by now: ask for a new link.")
        self._claimed(room, held.key_id)
        return held
