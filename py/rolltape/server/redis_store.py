"""The store of many processes: Redis, each step one script, so that no two processes fall into one another.

Redis's own clock counts the leases: the machines' clocks need not agree.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from rolltape.room.messages import Member, Role
from rolltape.server.ownership import CLAIM_S, UNUSED_S, Claim
from rolltape.server.store import (
    LEASE_S,
    MAX_MEMBERS,
    MAX_UNINVITED,
    REMOVED_S,
    Admitted,
    HeldMember,
    Hindrance,
    NotSeated,
    Seat,
    Seating,
    StoreGone,
)
from rolltape.server.tokens import SESSION_S

__all__ = ["RedisStore"]

PREFIX = "rolltape:"
LEASES = f"{PREFIX}leases"
"""A sorted set of all places, by the millisecond at which their leases run out."""
SINCE = f"{PREFIX}since"
"""Since when this Redis remembers claims (milliseconds since 1970)."""
HOSTED = "hosted"
CONNECTIONS = 8
TIMEOUT_S = 3.0
SWEEP = 500
"""Places that one sweep takes at most."""

# A place is written "CONNECTION|MEMBER", the member as JSON that begins with role and whether they were invited; a
# claim "OPENED|KEY ID". Neither of the first can have a bar in it.
_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

OPEN = (
    _NOW
    + """
redis.call('SET', KEYS[2], string.format('%.0f', now), 'NX')
local held = redis.call('GET', KEYS[1])
if not held then
  held = string.format('%.0f', now) .. '|' .. ARGV[1]
  redis.call('SET', KEYS[1], held, 'EX', ARGV[2])
end
return {held, string.format('%.0f', now)}
"""
)

# What `ownership.goes_before` says. ARGV: the claim shown, when it was known to hold, for how long one does and one
# that is not used does, the latter in seconds.
SHOW = (
    _NOW
    + """
redis.call('SET', KEYS[2], string.format('%.0f', now), 'NX')
local held = redis.call('GET', KEYS[1])
local shown_held = tonumber(ARGV[2])
local function goes_before()
  local opened = tonumber(held:match('^(%d+)|'))
  return tonumber(ARGV[1]:match('^(%d+)|')) < opened and shown_held <= tonumber(redis.call('GET', KEYS[2]))
    and opened - shown_held < ARGV[3] * 1000
end
if not held or goes_before() then
  held = ARGV[1]
  redis.call('SET', KEYS[1], held, 'EX', redis.call('EXISTS', KEYS[3]) == 1 and ARGV[3] or ARGV[4])
end
return {held, string.format('%.0f', now)}
"""
)

# Whether a room is full for a member. ARGV: uid, the member, how many guests and uninvited ones have a place.
_FULL = """
local there = redis.call('HGETALL', KEYS[1])
local function is_full()
  if ARGV[2]:sub(1, 9) ~= '["guest",' then return false end
  local guests, uninvited = 0, 0
  for index = 1, #there, 2 do
    if there[index] == ARGV[1] then return false end
    local member = there[index + 1]:match('^[^|]*|(.*)$')
    if member:sub(1, 9) == '["guest",' then guests = guests + 1 end
    if member:sub(1, 14) == '["guest",false' then uninvited = uninvited + 1 end
  end
  return guests >= tonumber(ARGV[3]) or (ARGV[2]:sub(1, 14) == '["guest",false' and uninvited >= tonumber(ARGV[4]))
end
if redis.call('EXISTS', KEYS[2]) == 1 then return {'removed'} end
if is_full() then return {'full'} end
"""

HINDRANCE = _FULL + "return {''}"

SIT = (
    _NOW
    + _FULL
    + """
local place = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[5] .. '|' .. ARGV[2])
redis.call('ZADD', KEYS[3], now + ARGV[6], ARGV[7])
redis.call('EXPIRE', KEYS[4], ARGV[8])
return {'', place and place:match('^([^|]*)|') or '', there}
"""
)

LOSE = (
    _NOW
    + """
local place = redis.call('HGET', KEYS[1], ARGV[1])
if not place or place:match('^([^|]*)|') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], place:match('^[^|]*(|.*)$'))
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[4])
return 1
"""
)

RENAME = """
local place = redis.call('HGET', KEYS[1], ARGV[1])
if not place then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], place:match('^([^|]*|)') .. ARGV[2])
return 1
"""

REMOVE = """
local place = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[3], '1', 'EX', ARGV[2])
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[3])
return place and place:match('^([^|]*)|') or ''
"""

RENEW = (
    _NOW
    + """
local missing = {}
for index = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[index]) then redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[index])
  else missing[#missing + 1] = index - 2 end
end
return missing
"""
)

EXPIRE = (
    _NOW
    + """
local late = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, one in ipairs(late) do
  redis.call('ZREM', KEYS[1], one)
  local room, uid = one:match('^(.*)\\n(.*)$')
  redis.call('HDEL', ARGV[2] .. room, uid)
end
return late
"""
)


class RedisStore:
    """All rooms of all processes that use one Redis (`store.RoomStore`)."""

    def __init__(self, url: str, lease_s: float = LEASE_S) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            decode_responses=True,
        )
        self._redis: Any = Redis.from_pool(pool)
        self._lease_ms = round(lease_s * 1000)
        self._scripts = {
            text: self._redis.register_script(text)
            for text in (OPEN, SHOW, HINDRANCE, SIT, LOSE, RENAME, REMOVE, RENEW, EXPIRE)
        }

    async def signing_secret(self, offered: bytes) -> bytes:
        """The secret that all processes sign with: the one that the first of them offered."""
        async with _asking():
            await self._redis.set(f"{PREFIX}secret", offered.decode(), nx=True)
            return str(await self._redis.get(f"{PREFIX}secret")).encode()

    async def open(self, room: str, key_id: str) -> Claim:
        """Claim a room that is nobody's for a key; whose it is then (`RoomStore.open`)."""
        return _claim(*await self._run(OPEN, [_claim_key(room), SINCE], key_id, UNUSED_S))

    async def show(self, room: str, claim: Claim) -> Claim:
        """Claim a room by a claim that this server has signed before; whose it is then (`RoomStore.show`)."""
        keys = [_claim_key(room), SINCE, _room_key(room)]
        said = f"{claim.opened_ms}|{claim.key_id}"
        return _claim(*await self._run(SHOW, keys, said, claim.held_ms, CLAIM_S, UNUSED_S))

    async def claimed_by(self, room: str) -> Claim | None:
        """Return the claim on a room; None if nobody has one (`RoomStore.claimed_by`)."""
        async with _asking(), self._redis.pipeline(transaction=False) as pipeline:
            pipeline.get(_claim_key(room))
            pipeline.time()
            held, (seconds, micros) = await pipeline.execute()
        return None if held is None else _claim(held, seconds * 1000 + micros // 1000)

    async def keep_claims(self, rooms: Collection[str]) -> None:
        """Have the claims on these rooms last (`RoomStore.keep_claims`)."""
        async with _asking(), self._redis.pipeline(transaction=False) as pipeline:
            for room in rooms:
                pipeline.expire(_claim_key(room), CLAIM_S)
            await pipeline.execute()

    async def hindrance(self, room: str, member: Member) -> Hindrance | None:
        """Return why somebody cannot come in; None if they can (`RoomStore.hindrance`)."""
        keys = [_room_key(room), _removed_key(room, member.uid)]
        (why,) = await self._run(HINDRANCE, keys, *_wants(member))
        return Hindrance(why) if why else None

    async def admit(self, room: str, uid: str, word: Admitted) -> None:
        """Note that a director lets somebody in (`RoomStore.admit`)."""
        said = f"{word.key_id}|{HOSTED if word.hosted else ''}"
        async with _asking():
            await self._redis.set(_admitted_key(room, uid), said, ex=CLAIM_S)

    async def admitted(self, room: str, uid: str) -> Admitted | None:
        """Return the word by which a director has let them in (`RoomStore.admitted`)."""
        async with _asking():
            said = await self._redis.get(_admitted_key(room, uid))
        if said is None:
            return None
        key_id, _, hosted = said.partition("|")
        return Admitted(key_id, hosted == HOSTED)

    async def shut(self, room: str, invited_only: bool) -> None:
        """Note whether a room is for the invited only (`RoomStore.shut`)."""
        async with _asking():
            if invited_only:
                await self._redis.set(_shut_key(room), "1", ex=CLAIM_S)
            else:
                await self._redis.delete(_shut_key(room))

    async def is_shut(self, room: str) -> bool:
        """Return whether it is (`RoomStore.is_shut`)."""
        async with _asking():
            return bool(await self._redis.exists(_shut_key(room)))

    async def use(self, token_id: str) -> bool:
        """Use up a token (`RoomStore.use`)."""
        async with _asking():
            return bool(await self._redis.set(f"{PREFIX}used:{token_id}", "1", nx=True, ex=SESSION_S))

    async def sit(self, room: str, member: Member, connection: str) -> Seating:
        """Give a member a seat (`RoomStore.sit`). Raises NotSeated."""
        keys = [_room_key(room), _removed_key(room, member.uid), LEASES, _claim_key(room)]
        lease = (self._lease_ms, _lease(room, member.uid))
        answer = await self._run(SIT, keys, *_wants(member), connection, *lease, CLAIM_S)
        if answer[0]:
            raise NotSeated(Hindrance(answer[0]))
        there = zip(answer[2][::2], answer[2][1::2], strict=True)
        return Seating(
            answer[1], tuple(_seat(uid, place).member for uid, place in there if uid != member.uid)
        )

    async def lose(self, room: str, uid: str, connection: str) -> bool:
        """Note that a connection is gone; True if it was the one that counts (`RoomStore.lose`)."""
        keys = [_room_key(room), LEASES]
        return bool(await self._run(LOSE, keys, uid, connection, self._lease_ms, _lease(room, uid)))

    async def rename(self, room: str, member: Member) -> bool:
        """Note a member's new name (`RoomStore.rename`)."""
        return bool(await self._run(RENAME, [_room_key(room)], member.uid, _member_text(member)))

    async def seat(self, room: str, uid: str) -> Seat | None:
        """Return a member's seat (`RoomStore.seat`)."""
        async with _asking():
            place = await self._redis.hget(_room_key(room), uid)
        return None if place is None else _seat(uid, place)

    async def remove(self, room: str, uid: str) -> str:
        """Take somebody's place, let them in no more for a while (`RoomStore.remove`)."""
        keys = [_room_key(room), LEASES, _removed_key(room, uid)]
        return str(await self._run(REMOVE, keys, uid, round(REMOVED_S), _lease(room, uid)))

    async def renew(self, held: Sequence[HeldMember]) -> list[HeldMember]:
        """Renew leases; return the members whose seat is gone (`RoomStore.renew`)."""
        leases = [_lease(one.room, one.uid) for one in held]
        return [held[index] for index in await self._run(RENEW, [LEASES], self._lease_ms, *leases)]

    async def expire(self) -> list[HeldMember]:
        """Take the places whose lease has run out; each is given to one caller only (`RoomStore.expire`)."""
        late = await self._run(EXPIRE, [LEASES], SWEEP, _room_key(""))
        return [HeldMember(*one.rsplit("\n", 1)) for one in late]

    async def close(self) -> None:
        """Let go of connections (`RoomStore.close`)."""
        await self._redis.aclose()

    async def _run(self, script: str, keys: list[str], *arguments: str | int) -> Any:
        async with _asking():
            return await self._scripts[script](keys=keys, args=arguments)


@asynccontextmanager
async def _asking() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreGone(f"{type(error).__name__}: {error}") from None


def _claim_key(room: str) -> str:
    return f"{PREFIX}claim:{room}"


def _room_key(room: str) -> str:
    return f"{PREFIX}room:{room}"


def _removed_key(room: str, uid: str) -> str:
    return f"{PREFIX}removed:{room}\n{uid}"


def _admitted_key(room: str, uid: str) -> str:
    return f"{PREFIX}admitted:{room}\n{uid}"


def _shut_key(room: str) -> str:
    return f"{PREFIX}shut:{room}"


def _lease(room: str, uid: str) -> str:
    return f"{room}\n{uid}"


def _claim(held: str, now_ms: str | int) -> Claim:
    opened, _, key_id = held.partition("|")
    return Claim(key_id, int(opened), int(now_ms))


def _wants(member: Member) -> tuple[str, str, int, int]:
    return member.uid, _member_text(member), MAX_MEMBERS, MAX_UNINVITED


def _member_text(member: Member) -> str:
    return json.dumps(
        [member.role, member.invited, member.label, member.waiting], ensure_ascii=False, separators=(",", ":")
    )


def _seat(uid: str, place: str) -> Seat:
    connection, text = place.split("|", 1)
    role, invited, label, waiting = json.loads(text)
    return Seat(Member(uid, Role(role), label, invited, bool(connection), waiting), connection)
