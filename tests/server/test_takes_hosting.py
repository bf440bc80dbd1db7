"""Whose takes a host keeps: who is offered to send and who is not; nobody fills its disk by its address alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rolltape.arrivals.wire import MAX_SEGMENT, UploadOffer
from rolltape.core.json_fields import Fields
from rolltape.room.client import new_secret
from rolltape.room.host_key import hosted_key
from rolltape.room.messages import VERSION, Role
from server.processes import Process
from server.takes_page import Page, keeper
from server.test_serve import started
from server.visitors import post
from takes_of_guests import take

HOST_KEY = "h" * 22


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server that others reach."""
    process = keeper(tmp_path_factory.mktemp("hosting"), for_all=False)
    yield process
    process.process.kill()
    process.process.wait(10)


def join(server: Process, room: str, role: Role = Role.GUEST, **more: str) -> dict[str, object]:
    asked = {"v": VERSION, "room": room, "role": role, "secret": new_secret()} | more
    status, answer = post(f"{server.address}/api/join", asked)
    assert status == 200, answer
    return answer


def test_the_guests_of_a_room_that_was_opened_with_the_hosts_key_send_and_nobody_else(
    server: Process,
) -> None:
    own = hosted_key(HOST_KEY, "studio")
    director = join(server, "Studio", Role.DIRECTOR, key=own)
    guest = join(server, "studio", invite=str(director["invite"]))
    uninvited = join(server, "studio")

    assert "upload" in director and "upload" in guest and "upload" not in uninvited
    offer = UploadOffer.from_fields(Fields(guest["upload"]))
    assert (offer.segment_max, offer.to) == (MAX_SEGMENT, f"127.0.0.1:{server.port}")
    page = Page(server.port, offer.token, take())
    director_page = Page(server.port, UploadOffer.from_fields(Fields(director["upload"])).token)
    page.send(b"content")
    assert [one.uid for one in director_page.listing()] == [guest["uid"]]
    page.close()
    director_page.close()


@pytest.mark.parametrize(
    ("room", "key"),
    [
        ("a", "k" * 22),
        ("b", hosted_key("o" * 22, "b")),
        ("c", hosted_key(HOST_KEY, "another room")),
        ("d", hosted_key(HOST_KEY, "d")[:-1] + "~"),
        ("e", HOST_KEY),
        ("f", "\u00e4" * 34),
    ],
)
def test_a_room_of_somebody_who_only_knows_the_address_keeps_nothing(
    server: Process, room: str, key: str
) -> None:
    director = join(server, room, Role.DIRECTOR, key=key)
    guest = join(server, room, invite=str(director["invite"]))

    assert "upload" not in director and "upload" not in guest


def test_a_server_that_keeps_nothing_answers_as_ever(tmp_path: Path) -> None:
    process = Process(tmp_path / "log.txt")
    process.wait()
    try:
        director = join(process, "studio", Role.DIRECTOR, key=hosted_key(HOST_KEY, "studio"))
        assert sorted(director) == ["ice_servers", "invite", "key_id", "token", "uid"]
    finally:
        process.process.kill()
        process.process.wait(10)


def test_a_server_of_ones_own_keeps_the_takes_of_every_room_and_says_where(tmp_path: Path) -> None:
    with started(tmp_path, "--takes", str(tmp_path / "kept")) as server:
        status, answer = server.join("any room", Role.DIRECTOR, key="k" * 22)

        assert status == 200 and "upload" in answer
        said = server.said.read_text()
        assert f"Takes:    {tmp_path / 'kept'}\n" in said and "Host key" not in said
        assert (tmp_path / "kept").is_dir()


def test_a_server_that_others_reach_prints_the_hosts_key_which_opens_rooms(tmp_path: Path) -> None:
    with started(
        tmp_path, "--takes", str(tmp_path / "kept"), "--allowed-host", "record.example.org"
    ) as server:
        (key,) = [
            line.partition(":")[2].strip()
            for line in server.said.read_text().splitlines()
            if line.startswith("Host key:")
        ]
        assert "upload" not in server.join("other", Role.DIRECTOR, key="k" * 22)[1]
        assert "upload" in server.join("mine", Role.DIRECTOR, key=hosted_key(key, "mine"))[1]
        printed = server.links["Director"]
        room, key = printed.partition("?director=")[2].split("#key=")
        assert "upload" in server.join(room, Role.DIRECTOR, key=key)[1]
    with started(tmp_path, "--no-takes") as server:
        assert "upload" not in server.join("any room", Role.DIRECTOR, key="k" * 22)[1]
        assert "Takes" not in server.said.read_text()


def test_a_relay_is_lent_to_the_hosts_own_rooms_only(tmp_path: Path) -> None:
    secret = tmp_path / "turn"
    secret.write_text("secret")
    options = ["--no-takes", "--turn-url", "turn:x:3478", "--turn-secret-file", str(secret)]
    options += ["--stun-url", "stun:x:3478"]
    with started(tmp_path, *options, "--trust-proxy") as server:
        (host_key,) = [
            line.partition(":")[2].strip()
            for line in server.said.read_text().splitlines()
            if line.startswith("Host key:")
        ]
        lent = server.join("mine", Role.DIRECTOR, key=hosted_key(host_key, "mine"))[1]
        guest = server.join("mine", Role.GUEST, invite=str(lent["invite"]))[1]
        other = server.join("other", Role.DIRECTOR, key="k" * 22)[1]
        assert [str(one).count("turn:") for one in (lent, guest, other)] == [1, 1, 0]
        assert "stun:" in str(other)
    with started(tmp_path, *options, "--trust-proxy", "--takes-for-all") as server:
        assert "turn:" in str(server.join("other", Role.DIRECTOR, key="k" * 22)[1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--takes-limit", "much"], "much is no size"),
        (["--keep-days", "0"], "0 is no number of days"),
        (["--takes", "x", "--no-takes"], "not allowed with"),
    ],
)
def test_an_option_that_makes_no_sense_is_told(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from rolltape.__main__ import main

    with pytest.raises(SystemExit):
        main(["serve", *options])
    assert said in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from rolltape.__main__ import main
    from server.test_serve import logging_state, restore_logging

    (tmp_path / "file").write_text("")
    handlers, level = logging_state()
    status = main(
        [
            "serve",
            "--port",
            "0",
            "--secret-file",
            str(tmp_path / "secret"),
            "--takes",
            str(tmp_path / "file/x"),
        ]
    )
    restore_logging(handlers, level)

    assert status == 1
    assert "Recordings cannot be kept in" in capsys.readouterr().err
