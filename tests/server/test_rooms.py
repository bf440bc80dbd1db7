"""The room's server as pages meet it: over HTTP and WebSocket, on a port of its own."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import jwt
import pytest
import websockets

from rolltape.arrivals.wire import UploadOffer
from rolltape.core.notice import plain_text, shortened
from rolltape.recording.take import Take, TakeState
from rolltape.room.frames import framed
from rolltape.room.host_key import hosted_key
from rolltape.room.messages import (
    Answer,
    Away,
    Command,
    CommandKind,
    Description,
    Door,
    GuestState,
    IceServer,
    Joined,
    Left,
    Member,
    Role,
    Sender,
    Signal,
    TakeReport,
    Welcome,
)
from rolltape.room.wire import MAX_NAME, decode, encode, plain_json
from rolltape.server import relay
from rolltape.server.hosting import Hosting
from rolltape.server.limits import BucketRate, Limits
from rolltape.server.memory import MemoryStore
from rolltape.server.ownership import CLAIM_S, Claim, key_id
from rolltape.server.rooms import RoomsOptions
from rolltape.server.store import LEASE_S, MAX_MEMBERS, REMOVED_S
from rolltape.server.tokens import Invitation, SessionClaims, Tokens, UploadClaims, uid_of
from rolltape.server.turn import Ice
from server.visitors import KEY, OTHER_KEY, SECRET, Clock, Scene, Visitor, played, post, serving

STUN = IceServer(("stun:example.org:3478",))
ICE = Ice(STUN.urls, ("turn:example.org:3478",), b"secret")


def test_who_comes_is_told_who_is_there_and_the_others_are_told_of_them() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        bo = Member(director.uid, Role.DIRECTOR, "Bo")

        assert await guest.hears(Welcome(guest.uid, str(director.reply["key_id"]), (bo,))) is None
        await director.hears(Joined(Member(guest.uid, Role.GUEST, "Ada")))

    played(story)


def test_a_state_goes_to_directors_and_says_who_sent_it() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        other = await scene.guest(label="Cy").come()
        state = GuestState("Ada", TakeState.RECORDING, bytes=7)

        assert await guest.say(state) == ""
        sender = await director.hears(state)

        assert sender == Sender(guest.uid, Role.GUEST, str(director.reply["key_id"]))
        assert state not in [one for one, _ in other.heard]

    played(story)


def test_a_take_a_command_and_its_answer_arrive() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        command = Command(guest.uid, "c1", CommandKind.START, "Bo")
        answer = Answer(director.uid, "c1", False, "Not now.")
        report = TakeReport(Take("1", 1, "one", 0))

        assert await director.say(command) == ""
        assert (await guest.hears(command) or Sender("", Role.GUEST, "")).role is Role.DIRECTOR
        assert await guest.say(answer) == ""
        await director.hears(answer)
        assert await guest.say(report) == ""
        await director.hears(report)

    played(story)


def test_guests_signal_each_other() -> None:
    async def story(scene: Scene) -> None:
        _, guest = await scene.pair()
        other = await scene.guest().come()
        signal = Signal(other.uid, "s", Description("offer", "v=0"))

        assert await guest.say(signal) == ""
        await other.hears(signal)

    played(story)


def test_a_guest_who_says_what_a_director_says_is_refused() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        other = await scene.guest().come()
        command = Command(other.uid, "c1", CommandKind.START)

        assert await guest.say(command) == "A guest does not say that."
        assert await director.say(command) == ""
        sender = await other.hears(command)

        assert sender is not None
        assert sender.uid == director.uid

    played(story)


def test_a_message_cannot_grow_on_its_way() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        said = '{"v":2,"label":"Ada","fps":1e1,"newer":[1,2]}'

        assert await guest.call("state", said) == ""
        await director.hears(GuestState("Ada", fps=10))

        # What came, field by field, and the server's word on who sent it: nothing is written anew.
        assert director.texts[-1].startswith('{"event":"state","n":0,' + said[1:-1])
        assert len(director.texts[-1]) < len(said) + 200

    played(story)


def test_a_flood_is_a_hundred_messages_and_two_hundred_refusals() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        state = framed("state", encode(GuestState("Ada")), 1)
        for _ in range(301):
            await guest.send(state)
        await guest.until(lambda: not guest.connected)
        await director.hears(Away(guest.uid))

        assert sum(one == GuestState("Ada") for one, _ in director.heard) == 100

    # As long as reading them takes no time that others need.
    limits = Limits(work=BucketRate(10, 10))
    played(story, options=RoomsOptions(limits, now_s=Clock()))


def test_a_host_that_loses_the_processor_refuses_nobody_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode_late(event: str, text: str) -> object:
        time.sleep(0.2)  # what other programs take of it
        return decode(event, text)

    async def story(scene: Scene) -> None:
        _, guest = await scene.pair()
        monkeypatch.setattr(relay, "decode", decode_late)
        for _ in range(2):
            assert await guest.call("state", plain_json({"v": 2, "label": "Ada"})) == ""

    played(story, options=RoomsOptions(now_s=Clock()))


@pytest.mark.parametrize("by", ["join", "state"])
def test_a_name_that_grows_when_it_is_normalised_is_cut_and_the_room_stays_open(by: str) -> None:
    async def story(scene: Scene) -> None:
        director, _ = await scene.pair()
        growing = "\N{DEVANAGARI LETTER QA}" * 80
        eve = await scene.guest(label=growing if by == "join" else "Eve").come()
        if by == "state":
            text = plain_json({"v": 2, "label": growing})
            assert await eve.call("state", text) == ""
        cut = shortened(plain_text(growing), MAX_NAME)
        await director.hears(Joined(Member(eve.uid, Role.GUEST, cut)))
        late = await scene.guest(label="Cy").come()

        (welcome,) = [one for one, _ in late.heard if isinstance(one, Welcome)]
        assert Member(eve.uid, Role.GUEST, cut) in welcome.members

    played(story)


def test_another_rooms_members_are_not_reached() -> None:
    async def story(scene: Scene) -> None:
        _, guest = await scene.pair()
        stranger = await scene.visitor(Role.DIRECTOR, room="other", key=OTHER_KEY).come()

        refused = await stranger.say(Command(guest.uid, "c1", CommandKind.START))

        assert refused == "Nobody of this name is in the room."
        assert not any(isinstance(one, Command) for one, _ in guest.heard)

    played(story)


def test_only_the_key_that_opened_a_room_directs_it() -> None:
    async def story(scene: Scene) -> None:
        await scene.pair()
        thief = await scene.visitor(Role.DIRECTOR, key=OTHER_KEY).join()
        without = await scene.visitor(Role.DIRECTOR).join()
        second = await scene.visitor(Role.DIRECTOR, key=KEY, room=" STUDIO ").join()

        assert (thief["status"], thief["code"]) == (403, "key")
        assert (without["status"], without["code"]) == (403, "key")
        assert second["status"] == 200

    played(story)


@pytest.mark.parametrize("invite", ["x", "a.b.c", "foreign", "session", "other room", "late"])
def test_an_invitation_that_is_not_right_lets_nobody_in(invite: str) -> None:
    async def story(scene: Scene) -> None:
        director, _ = await scene.pair()
        other = await scene.visitor(Role.DIRECTOR, room="other", key=OTHER_KEY).join()
        own = SessionClaims("studio", Role.GUEST, "x")
        invites = {
            "foreign": Tokens(b"f" * 40).session(own),
            "session": str(director.reply["token"]),
            "other room": str(other["invite"]),
            "late": _late_invitation(),
        }
        answer = await scene.visitor(invite=invites.get(invite, invite)).join()

        assert (answer["status"], answer["code"]) == (403, "invite")

    played(story)


@pytest.mark.parametrize("token", ["", "x", "foreign", "late", "invitation"])
def test_a_connection_without_a_right_token_is_refused(token: str) -> None:
    async def story(scene: Scene) -> None:
        director, _ = await scene.pair()
        session = SessionClaims("studio", Role.DIRECTOR, "x", claim=Claim("k", 1))
        tokens = {
            "foreign": Tokens(b"f" * 40).session(session),
            "late": Tokens(SECRET, lambda: 1.0).session(session),
            "invitation": str(director.reply["invite"]),
        }
        intruder = scene.visitor()

        with pytest.raises(websockets.ConnectionClosed):
            await intruder.come(tokens.get(token, token) or "-")

    played(story)


def test_a_uid_follows_from_the_pages_secret_on_every_server() -> None:
    async def story(scene: Scene) -> None:
        _, guest = await scene.pair()
        secret = str(guest.asked["secret"])
        same = await scene.visitor(secret=secret).join()
        named = await scene.visitor(secret=secret, push="cam-1").join()
        other = await scene.visitor(push=guest.uid).join()
        async with serving() as (address, _rooms):
            elsewhere = await Visitor(address, secret=secret).join()

        assert same["uid"] == guest.uid == uid_of(secret) == elsewhere["uid"]
        assert named["uid"] == f"cam-1-{guest.uid}"
        assert other["uid"] not in (guest.uid, named["uid"])

    played(story)


def test_who_comes_by_the_name_alone_does_not_learn_whether_there_is_a_room() -> None:
    async def story(scene: Scene) -> None:
        director, _ = await scene.pair()
        stranger = await scene.visitor().join()
        nobody_there = await scene.visitor(room="another").join()
        invited = await scene.visitor(invite=str(director.reply["invite"])).join()

        assert stranger["key_id"] == nobody_there["key_id"] == ""
        assert stranger.keys() == nobody_there.keys()
        assert invited["key_id"] == director.reply["key_id"] != ""

    played(story)


def test_who_comes_by_the_name_alone_waits_outside_until_a_director_lets_them_in() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        eve = await scene.visitor(label="Eve").come()
        waiting = Member(eve.uid, Role.GUEST, "Eve", invited=False, waiting=True)
        zoe = replace(waiting, label="Zoë")

        assert await eve.hears(Welcome(eve.uid, "", waiting=True)) is None
        await director.hears(Joined(waiting))
        assert (
            await eve.say(GuestState("Zoë", TakeState.RECORDING)) == ""
        )  # a name is all that is told of them
        await director.hears(Joined(zoe))
        for message in (
            TakeReport(Take("1", 1, "one", 0)),
            Signal(guest.uid, "s", Description("offer", "v=0")),
            Signal(director.uid, "s", Description("offer", "v=0")),
            Answer(director.uid, "c", True),
        ):
            assert await eve.say(message) == "A director has not let you in yet."
        for sender in (director, guest):
            assert "waiting" in await sender.say(Signal(eve.uid, "s", Description("offer", "v=0")))
        assert "waiting" in await director.say(Command(eve.uid, "c", CommandKind.START))
        late = await scene.guest(label="Cy").come()
        await director.hears(Joined(Member(late.uid, Role.GUEST, "Cy")))
        assert len(eve.heard) == 1  # its welcome
        for other in (guest, late):
            told = [one for one, _ in other.heard if eve.uid in str(one)]
            assert told == []
        assert not any(isinstance(one, GuestState | TakeReport) for one, _ in director.heard)

        assert await director.say(Command(eve.uid, "c", CommandKind.LET_IN)) == ""
        inside = replace(zoe, waiting=False)
        await guest.hears(Joined(inside))
        await director.hears(Joined(inside))
        await eve.until(lambda: len(eve.heard) == 2)
        welcome = eve.heard[1][0]
        assert isinstance(welcome, Welcome) and not welcome.waiting
        assert {one.uid for one in welcome.members} == {director.uid, guest.uid, late.uid}
        assert welcome.key_id == director.reply["key_id"]
        assert await eve.say(GuestState("Zoë", bytes=7)) == ""
        await director.hears(GuestState("Zoë", bytes=7))

        await eve.leave()
        again = await scene.visitor(secret=str(eve.asked["secret"])).come()
        assert isinstance(again.heard[0][0], Welcome) and not again.heard[0][0].waiting

    played(story)


def test_who_is_turned_away_is_gone_and_the_others_never_knew() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        eve = await scene.visitor(label="Eve").come()
        uid = eve.uid
        assert await director.say(Command(uid, "c", CommandKind.REMOVE)) == ""
        await eve.until(lambda: not eve.connected)

        assert (await eve.join())["code"] == "removed"
        await director.hears(Left(uid))
        assert not any(isinstance(one, Joined) and one.member.uid == uid for one, _ in guest.heard)

    played(story)


def test_a_room_for_the_invited_only_lets_nobody_wait() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        eve, let_in = await scene.visitor().come(), await scene.visitor().come()
        await director.say(Command(let_in.uid, "c", CommandKind.LET_IN))
        assert await guest.say(Door(True)) == "A guest does not say that."
        assert await director.say(Door(True)) == ""

        await eve.until(lambda: not eve.connected)
        assert (await eve.join())["code"] == (await scene.visitor().join())["code"] == "uninvited"
        assert (await let_in.join())["status"] == (await scene.guest().join())["status"] == 200
        assert let_in.connected and guest.connected
        again = await scene.visitor(Role.DIRECTOR, key=KEY).come()
        assert isinstance(again.heard[0][0], Welcome) and again.heard[0][0].invited_only
        await director.hears(Door(True))

        assert await director.say(Door(False)) == ""
        assert (await scene.visitor().join())["status"] == 200

    played(story)


def test_a_name_that_somebody_opened_earlier_takes_no_room_from_who_has_it_now() -> None:
    async def story(scene: Scene) -> None:
        squatter = await scene.visitor(Role.DIRECTOR, key=OTHER_KEY).come()
        old = str(squatter.reply["invite"])
        await squatter.leave()
        clock.turn(CLAIM_S + 2 * LEASE_S)
        director, guest = await scene.pair()

        back = await scene.visitor(Role.DIRECTOR, key=OTHER_KEY, invite=old).join()
        assert (back["status"], back["code"]) == (403, "key")
        assert (await scene.visitor(invite=old).join())["code"] == "invite"
        assert (await director.join())["status"] == (await guest.join())["status"] == 200

    clock = Clock()
    played(story, options=RoomsOptions(now_s=clock))


@pytest.mark.parametrize("text", ["\ud800" * 20, "\ud800.a.b", "a" * 16 + "\udfff"])
@pytest.mark.parametrize("field", ["key", "invite", "label", "room", "secret", "push"])
def test_what_is_no_text_of_unicodes_is_answered_with_a_sentence(field: str, text: str) -> None:
    async def story(scene: Scene) -> None:
        role = Role.DIRECTOR if field == "key" else Role.GUEST
        answer = await scene.visitor(role, **{field: text}).join()

        assert (answer["status"], answer["code"]) == (400, "bad")

    played(story)


def test_a_connection_that_ends_is_told_as_away_and_a_lease_that_runs_out_as_left() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        await guest.leave()

        await director.hears(Away(guest.uid))
        clock.turn(LEASE_S)
        await director.hears(Left(guest.uid))
        assert not any(one == Left(director.uid) for one, _ in director.heard)

    clock = Clock()
    played(story, options=RoomsOptions(now_s=clock))


def test_a_removed_guest_is_gone_and_not_let_in_again() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        await director.say(Command(guest.uid, "c1", CommandKind.REMOVE))
        await director.hears(Left(guest.uid))
        await guest.until(lambda: not guest.connected)

        answer = await guest.join()

        assert (answer["status"], answer["code"]) == (403, "removed")

    played(story)


def test_a_new_name_is_told_to_everybody() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        await guest.say(GuestState("Zoë"))

        await director.hears(Joined(Member(guest.uid, Role.GUEST, "Zoë")))

    played(story)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"v":1}', b"[" * 8000, b"x" * 9000, b'{"v":1,"room":"a"}'],
)
def test_a_request_that_is_not_right_is_answered_with_a_sentence(body: bytes) -> None:
    async def story(scene: Scene) -> None:
        status, answer = await asyncio.to_thread(post, f"{scene.address}/api/join", body)

        assert status == 400
        assert answer["code"] == "bad"
        assert answer["error"].endswith(".")

    played(story)


def test_too_many_joins_from_one_address_are_refused() -> None:
    async def story(scene: Scene) -> None:
        codes = {(await scene.visitor().join())["status"] for _ in range(90)}

        assert codes == {200, 429}

    played(story)


def test_after_a_restart_an_invitation_brings_the_claim_back() -> None:
    async def story(scene: Scene) -> None:
        director, _ = await scene.pair()
        invite = str(director.reply["invite"])
        async with serving() as (address, _):
            thief = Visitor(address, Role.DIRECTOR, key=OTHER_KEY)
            assert (await thief.join())["status"] == 200  # nobody is there yet, so the room seems free
            await Visitor(address, invite=invite).join()
            again = await Visitor(address, Role.DIRECTOR, key=OTHER_KEY).join()
            owner = await Visitor(address, Role.DIRECTOR, key=KEY).join()

        assert (again["status"], again["code"]) == (403, "key")
        assert owner["status"] == 200

    played(story)


def test_a_server_that_was_started_anew_is_told_by_the_director_whose_room_it_was() -> None:
    async def story(scene: Scene) -> None:
        director, _ = await scene.pair()
        async with serving() as (address, _rooms):
            assert (await Visitor(address, Role.DIRECTOR, key=OTHER_KEY).join())["status"] == 200
            invite = str(director.reply["invite"])
            owner = await Visitor(address, Role.DIRECTOR, key=KEY, invite=invite).join()
            thief = await Visitor(address, Role.DIRECTOR, key=OTHER_KEY, invite=invite).join()

        assert owner["status"] == 200
        assert (thief["status"], thief["code"]) == (403, "key")

    played(story)


def test_an_earlier_claim_that_this_server_has_not_signed_takes_no_room() -> None:
    async def story(scene: Scene) -> None:
        director, _ = await scene.pair()
        now_ms = round(time.time() * 1000)
        before = Claim(key_id(OTHER_KEY), now_ms - 60_000, now_ms - 50_000)  # the server was started
        earlier = Invitation("studio", before)
        said = {"aud": "invite", "exp": 9_999_999_999, "room": "studio", **vars(before)}
        for invite in (jwt.encode(said, None, "none"), Tokens(b"f" * 40).invitation(earlier), ""):
            thief = await scene.visitor(Role.DIRECTOR, key=OTHER_KEY, invite=invite).join()
            assert (thief["status"], thief["code"]) == (403, "key")
        assert director.connected

        signed = Tokens(SECRET).invitation(earlier)
        assert (await scene.visitor(Role.DIRECTOR, key=OTHER_KEY, invite=signed).join())["status"] == 200

    played(story)


def test_a_director_whose_key_does_not_hold_any_more_directs_and_hears_nothing() -> None:
    async def story(scene: Scene) -> None:
        thief = await scene.visitor(Role.DIRECTOR, key=OTHER_KEY).come()
        now_ms = round(time.time() * 1000)
        claim = Claim(key_id(KEY), now_ms - 60_000, now_ms - 50_000)  # from before the server was started
        guest = await scene.visitor(invite=Tokens(SECRET).invitation(Invitation("studio", claim))).come()

        assert await guest.say(GuestState("Ada", bytes=5)) == ""
        await thief.until(lambda: not thief.connected)
        director = await scene.visitor(Role.DIRECTOR, key=KEY).come()
        assert await guest.say(GuestState("Ada", bytes=6)) == ""
        await director.hears(GuestState("Ada", bytes=6))

        assert not any(isinstance(one, GuestState) for one, _ in thief.heard)
        assert (await thief.join())["code"] == "key"

    played(story)


def test_a_director_who_was_let_in_before_the_room_was_anothers_does_not_come_in_any_more() -> None:
    async def story(scene: Scene) -> None:
        thief = scene.visitor(Role.DIRECTOR, key=OTHER_KEY)
        assert (await thief.join())["status"] == 200
        now_ms = round(time.time() * 1000)
        claim = Claim(key_id(KEY), now_ms - 60_000, now_ms - 50_000)
        guest = await scene.visitor(invite=Tokens(SECRET).invitation(Invitation("studio", claim))).come()

        with pytest.raises(websockets.ConnectionClosed):
            await thief.come(str(thief.reply["token"]))
        assert not any(isinstance(one, Joined) for one, _ in guest.heard)

    played(story)


def test_a_director_commands_nothing_before_it_is_told_that_the_room_is_anothers() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        now_ms = round(time.time() * 1000)
        # As another process does, whose word of it is still on its way.
        await store.show("studio", Claim(key_id(OTHER_KEY), now_ms - 60_000, now_ms - 50_000))

        for command in (
            Command(guest.uid, "c1", CommandKind.STOP),
            Command(guest.uid, "c2", CommandKind.REMOVE),
        ):
            assert await director.say(command) == "This room belongs to another key."
        assert await director.say(Door(True)) == "This room belongs to another key."
        assert guest.connected and not any(isinstance(one, Command) for one, _ in guest.heard)

    store = MemoryStore()
    played(story, store)


def test_who_connects_anew_takes_their_own_place_and_the_old_connection_ends() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        again = scene.guest(secret=str(guest.asked["secret"]), label="Ada")

        await again.come()
        await guest.until(lambda: not guest.connected)
        command = Command(guest.uid, "c1", CommandKind.START)
        assert await director.say(command) == ""

        await again.hears(command)
        assert not any(isinstance(one, Away | Left) for one, _ in director.heard)

    played(story)


def test_a_removed_guest_may_come_again_later() -> None:
    async def story(scene: Scene) -> None:
        director, guest = await scene.pair()
        await guest.leave()
        await director.hears(Away(guest.uid))
        assert await director.say(Command(guest.uid, "c1", CommandKind.REMOVE)) == ""  # away, and yet

        assert (await guest.join())["code"] == "removed"
        clock.turn(REMOVED_S)
        assert (await guest.join())["status"] == 200

    clock = Clock()
    played(story, options=RoomsOptions(now_s=clock))


def test_a_room_has_room_for_so_many() -> None:
    async def story(scene: Scene) -> None:
        for number in range(MAX_MEMBERS):
            await store.sit("studio", Member(f"m{number}", Role.GUEST), f"c{number}")

        answer = await scene.visitor().join()

        assert (answer["status"], answer["code"]) == (403, "full")

    store = MemoryStore()
    played(story, store)


def test_pages_are_told_which_servers_help_them_to_find_each_other() -> None:
    async def story(scene: Scene) -> None:
        _, guest = await scene.pair()
        stun, turn = guest.reply["ice_servers"]

        assert stun == {"urls": ["stun:example.org:3478"], "username": "", "credential": ""}
        assert turn["urls"] == ["turn:example.org:3478"]
        assert turn["username"].endswith(f":{guest.uid}")

    played(story, options=RoomsOptions(ice=ICE))


@pytest.mark.parametrize("hosted", [True, False])
def test_who_is_let_in_is_lent_what_an_invited_guest_is_lent(hosted: bool) -> None:
    async def story(scene: Scene) -> None:
        key = hosted_key("h" * 22, "studio") if hosted else KEY
        director = await scene.visitor(Role.DIRECTOR, key=key).come()
        eve = await scene.visitor(label="Eve").come()
        (open_to_all,) = eve.reply["ice_servers"]
        assert (open_to_all["urls"], eve.reply.get("upload")) == ([*STUN.urls], None)
        assert _lent(eve) == ((), None)
        assert await director.say(Command(eve.uid, "c", CommandKind.LET_IN)) == ""
        await eve.until(lambda: len(eve.heard) == 2)
        await eve.leave()
        back = await scene.visitor(secret=str(eve.asked["secret"])).come()

        for page in (eve, back):
            servers, upload = _lent(page)
            assert servers[0] == STUN
            assert [one.urls for one in servers[1:]] == [("turn:example.org:3478",)] * hosted
            assert all(one.username.endswith(f":{eve.uid}") for one in servers[1:])
            assert (upload is not None) is hosted
            if upload is not None:
                said = Tokens(SECRET).read_upload(upload.token)
                assert said == UploadClaims("studio", key_id(key), Role.GUEST, eve.uid)
                assert f"http://{upload.to}" == scene.address

    hosting = Hosting("h" * 22, for_all=False, keeps_takes=True)
    played(story, options=RoomsOptions(ice=ICE, hosting=hosting))


def _lent(page: Visitor) -> tuple[tuple[IceServer, ...], UploadOffer | None]:
    """What the last welcome lends."""
    welcome = next(one for one, _ in reversed(page.heard) if isinstance(one, Welcome))
    return welcome.ice_servers, welcome.upload


def test_the_clock_is_the_servers() -> None:
    async def story(scene: Scene) -> None:
        _, guest = await scene.pair()

        assert float(await guest.call("clock", "{}")) > 1_700_000_000_000

    played(story)


def _late_invitation() -> str:
    return Tokens(SECRET, lambda: 1.0).invitation(Invitation("studio", Claim("k", 1)))
