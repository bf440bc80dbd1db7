"""Who may come into which room, and as whom: the answer to `POST api/join` (`docs/protocol.md`, Joining)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rolltape.fields import Fields
from rolltape.notice import plain_text
from rolltape.room import VERSION, Role, room_key
from rolltape.room_client import JoinReply, JoinRequest, new_secret
from rolltape.server.presence import Presence
from rolltape.server.tokens import BadToken, Claim, Invitation, Session, Tokens, key_id

__all__ = ["Joining", "NotLetIn", "read_request"]

MAX_ROOM = 60
_UID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True)
class NotLetIn(Exception):
    """A join that is refused: HTTP status, code, and a sentence for the person."""

    status: int
    code: str
    sentence: str


def read_request(text: str) -> JoinRequest:
    """Read a request. Raises NotLetIn."""
    try:
        said = Fields.from_json(text)
        if said.whole("v") != VERSION:
            raise ValueError("it is of another version; reload the page")
        request = JoinRequest(
            said.text("room", limit=MAX_ROOM),
            said.member("role", Role),
            said.text("uid"),
            said.text("secret"),
            plain_text(said.text("label", "", 80)),
            said.text("key", "", 64),
            said.text("invite", "", 2000),
        )
        if not room_key(request.room):
            raise ValueError("the room has no name")
        if not _UID.fullmatch(request.uid) or not _SECRET.fullmatch(request.secret):
            raise ValueError("uid and secret are not as they should be")
    except ValueError as error:
        raise NotLetIn(400, "bad", f"The request to join is not right: {error}.") from None
    return request


class Joining:
    """Lets people in."""

    def __init__(self, presence: Presence, tokens: Tokens) -> None:
        self._presence = presence
        self._tokens = tokens

    def join(self, request: JoinRequest, now_ms: int) -> JoinReply:
        """What to answer. Raises NotLetIn."""
        room = room_key(request.room)
        if self._presence.is_removed(room, request.uid):
            raise NotLetIn(403, "removed", "A director has removed you from this room.")
        if self._presence.is_full(room, request.uid):
            raise NotLetIn(403, "bad", "This room is full.")
        invited = True
        if request.role is Role.DIRECTOR:
            claim: Claim | None = self._direct(room, request.key, now_ms)
        elif request.invite:
            claim = self._invited(room, request.invite)
        else:
            claim, invited = self._presence.claimed_by(room), False
        uid = request.uid
        if not self._presence.reserve(room, uid, request.secret):
            uid = new_secret(9)
        held_by = claim.key_id if claim else ""
        token = self._tokens.session(Session(room, request.role, uid, held_by, request.label, invited))
        invite = ""
        if request.role is Role.DIRECTOR and claim is not None:
            invite = self._tokens.invitation(Invitation(room, claim))
        return JoinReply(token, uid, held_by, invite)

    def _direct(self, room: str, key: str, now_ms: int) -> Claim:
        if len(key) < 16:
            raise NotLetIn(403, "key", "Directing a room needs its key: open the director's whole link.")
        offered = Claim(key_id(key), now_ms)
        held = self._presence.claim(room, offered)
        if held.key_id != offered.key_id:
            raise NotLetIn(
                403,
                "key",
                "Somebody else opened this room and holds its key. Ask them for the director's link, "
                "or choose another name for your room.",
            )
        return held

    def _invited(self, room: str, invite: str) -> Claim:
        try:
            invitation = self._tokens.read_invitation(invite)
        except BadToken:
            raise NotLetIn(
                403, "invite", "This link's invitation has run out or is not whole: ask for a new link."
            ) from None
        if invitation.room != room:
            raise NotLetIn(403, "invite", "This link's invitation is for another room: ask for a new link.")
        held = self._presence.claim(room, invitation.claim)
        if held.key_id != invitation.claim.key_id:
            raise NotLetIn(403, "invite", "This room belongs to somebody else by now: ask for a new link.")
        return held
