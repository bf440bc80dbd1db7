"""A page's membership of a room: which refusals are the end of it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from rolltape.room.client import FINAL, JoinReply, RoomClient, RoomError


@pytest.mark.parametrize("code", sorted(FINAL))
def test_a_refusal_is_final_but_for_a_director_who_has_been_in_the_room(code: str) -> None:
    client = RoomClient(cast(Any, None), cast(Any, None))
    refused = RoomError("No.", code)

    assert client.is_final(refused)
    client.joined(JoinReply("token", "uid", "key-1", "what shows that the room is theirs"))

    assert client.is_final(refused) is (code != "key")


@pytest.mark.parametrize("code", ["full", "rate", "busy", "offline", "odd: x"])
def test_who_is_refused_for_the_moment_asks_again(code: str) -> None:
    client = RoomClient(cast(Any, None), cast(Any, None))

    assert not client.is_final(RoomError("Not now.", code))
