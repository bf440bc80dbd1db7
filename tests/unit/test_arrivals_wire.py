"""What page and server say to each other while takes arrive: read as it was written, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.arrivals import listing, paths, problem, wire
from rolltape.arrivals.segments import Account, account_of, segment_of
from rolltape.core.json_fields import Fields

TAKE = "1764381600000-0a1b2c3d"
ACCOUNT = account_of([segment_of(0, b"head"), segment_of(4, b"the rest")])
SAID = [
    wire.Announcement("video/webm;codecs=vp9,opus", {"id": TAKE, "parts": []}, 12),
    wire.Announcement("audio/wav", {}),
    wire.Held(ACCOUNT),
    wire.Held(ACCOUNT, listing.ArrivalState.COMPLETE, "Ada_studio_take1.webm", "0" * 64),
    wire.Segments((segment_of(0, b"head"), segment_of(4, b"x")), 2),
    wire.Segments(()),
    wire.Completion(ACCOUNT, {"id": TAKE}),
    wire.Completion(ACCOUNT, {"id": TAKE}, {"browser": "Chromium 156"}),
    listing.Listing(
        (
            listing.ArrivedTake(
                "ada-uid",
                TAKE,
                "2026-11-29_02-00",
                "Ada",
                1,
                1764381600000,
                (
                    listing.ArrivedPart(
                        "part1", listing.ArrivalState.COMPLETE, "video/webm", 12, "Ada.webm", "f" * 64
                    ),
                    listing.ArrivedPart(
                        "part2", listing.ArrivalState.CUT, "video/webm", 3, problem="Something."
                    ),
                ),
                5,
                7,
            ),
        )
    ),
    listing.TicketRequest(session="2026-11-29_02-00"),
    listing.TicketRequest(uid="ada-uid", take=TAKE, part="part1"),
    listing.Ticket("api/files/x.y.z/Ada.webm", 12, "Ada.webm"),
    problem.Problem(problem.ProblemKind.FULL, 507, "There is no room.", 60),
    problem.Problem(problem.ProblemKind.DIFFERENT, 409, "Others are here.", None, ACCOUNT, ((0, 4), (4, 8))),
]


@pytest.mark.parametrize("said", SAID, ids=lambda one: type(one).__name__)
def test_it_is_read_as_it_was_written(said: wire.Held) -> None:
    assert type(said).from_json(said.to_json()) == said


def test_an_offer_is_read_as_it_was_written() -> None:
    offer = wire.UploadOffer("a.b.c", 1767000000000, 1 << 20, "record.example.org")

    assert wire.UploadOffer.from_fields(Fields(json.loads(json.dumps(offer.to_plain())))) == offer
    assert "a.b.c" not in repr(offer)


@given(st.sampled_from(SAID), st.data())
def test_what_is_bent_is_refused_with_words_or_read(said: wire.Held, data: st.DataObject) -> None:
    plain = json.loads(said.to_json())
    name = data.draw(st.sampled_from(sorted(plain)))
    plain[name] = data.draw(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.lists(st.integers() | st.text(), max_size=3)
    )
    try:
        type(said).from_json(json.dumps(plain))
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize(
    "id",
    [
        "",
        "..",
        "1764381600000-0A1B2C3D",
        "1764381600000-0a1b2c3d\n",
        "1764381600000-0a1b2c3d/..",
        "%2e%2e",
        "1764381600000-0a1b2c3d\0",
        "٣764381600000-0a1b2c3d",
        "1" * 10_000,
    ],
)
def test_no_path_is_the_id_of_a_take(id: str) -> None:
    assert not paths.is_take(id)


@pytest.mark.parametrize(
    "name", ["", "part0", "part01", "part10000", "part1\n", "part-1", "take.json", "part1.log"]
)
def test_no_other_file_is_a_part(name: str) -> None:
    assert not paths.is_part(name)
    with pytest.raises(ValueError, match="no name of a part"):
        paths.part_number(name)


def test_a_part_has_the_name_of_its_file_in_the_journal() -> None:
    assert paths.part_name(12) == "part12" and paths.part_number("part12") == 12
    with pytest.raises(ValueError, match="no part has the number"):
        paths.part_name(0)


def test_a_take_is_as_far_as_the_part_that_is_least_far() -> None:
    def take(*states: listing.ArrivalState) -> listing.ArrivedTake:
        parts = tuple(listing.ArrivedPart(f"part{at}", state, "", 1) for at, state in enumerate(states, 1))
        return listing.ArrivedTake("u", TAKE, "s", "Ada", 1, 0, parts)

    state = listing.ArrivalState
    assert take(state.COMPLETE, state.OPEN).state is state.OPEN
    assert take(state.COMPLETE, state.CUT).state is state.CUT
    assert take(state.CUT, state.PROVING).state is state.PROVING
    assert take().state is state.OPEN
    assert take(state.COMPLETE, state.OPEN).bytes == 2


def test_a_proxys_error_is_no_problem_of_ours() -> None:
    for text in (
        "<html>502 Bad Gateway</html>",
        "{}",
        '{"type": "about:blank", "status": 502, "detail": "x"}',
    ):
        with pytest.raises(ValueError, match=r"."):
            problem.Problem.from_json(text)


def test_an_account_beyond_what_a_browser_can_count_is_refused() -> None:
    with pytest.raises(ValueError, match="end"):
        wire.Held.from_json(wire.Held(Account(2**60)).to_json())
