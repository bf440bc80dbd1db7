"""File names: readable, in any script, and safe everywhere."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.core.naming import MAX_NAME_BYTES, file_name, free_name, take_name

WHEN = datetime(2026, 3, 1, 9, 5, 7)
STAMP = "2026-03-01_09-05-07_take1"


def named(label: str | None, room: str | None = None) -> str:
    return file_name(label, room, WHEN, 1, ".webm")


def test_a_name_has_label_room_time_and_take() -> None:
    assert file_name("Ada", "studio", WHEN, 12, ".webm") == "Ada_studio_2026-03-01_09-05-07_take12.webm"


def test_parts_of_a_take_share_its_name() -> None:
    whole = take_name("Ada", "studio", WHEN, 1)

    assert file_name("Ada", "studio", WHEN, 1, ".mkv", part=3) == f"{whole}_part3.mkv"


@pytest.mark.parametrize(
    ("label", "room", "start"),
    [
        ("Ada", None, "Ada_"),
        (None, "studio", "studio_"),
        ("", "", "guest_"),
        (None, None, "guest_"),
        ("...", "///", "guest_"),
        (" . ", "\u202e\u200b", "guest_"),
    ],
)
def test_what_is_empty_is_left_out(label: str | None, room: str | None, start: str) -> None:
    assert named(label, room) == f"{start}{STAMP}.webm"


@pytest.mark.parametrize(
    "label", ["Zoë", "李雷", "Ольга", "محمد", "नमस्ते", "ペン", "👩‍🚀", "O'Brien", "Ada-Lovelace"]
)
def test_every_script_survives(label: str) -> None:
    assert named(label) == f"{label}_{STAMP}.webm"


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        ("Ada Lovelace", "Ada_Lovelace"),
        ("Ada \t\n  L", "Ada_L"),
        ("__Ada__L__", "Ada_L"),
        ("AC/DC", "AC-DC"),
        ('a<>:"/\\|?*b', "a-b"),
        ("../../etc/passwd", "etc-passwd"),
        ("..\\..\\x", "x"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("Ada. . ", "Ada"),
        ("Zoe\u0308", "Zoë"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("a\x00b\x7f", "ab"),
        ("\ud800x", "x"),
    ],
)
def test_what_a_file_system_may_refuse_is_replaced(label: str, kept: str) -> None:
    assert named(label) == f"{kept}_{STAMP}.webm"


@pytest.mark.parametrize("label", ["CON.x", "nul.tar.gz", "Lpt1.a", "COM¹.b", "CONIN$.c"])
def test_device_names_of_windows_are_avoided(label: str) -> None:
    assert named(label) == f"_{label}_{STAMP}.webm"


@pytest.mark.parametrize("label", ["CON", "Conrad.x", "com10.x", "aux-in.x"])
def test_names_that_only_look_like_devices_stay(label: str) -> None:
    assert named(label) == f"{label}_{STAMP}.webm"


def test_a_long_label_leaves_the_room_readable() -> None:
    name = named("李" * 80, "studio")

    assert name == f"{'李' * 44}_studio_{STAMP}.webm"


def test_long_names_share_what_there_is() -> None:
    name = named("a" * 500, "b" * 500)

    assert min(name.count("a"), name.count("b")) > 50
    assert len(name) <= MAX_NAME_BYTES


@pytest.mark.parametrize("shift", range(3))
def test_a_cut_leaves_no_loose_end(shift: int) -> None:
    name = named("x" * shift + "ab " * 60, "studio")

    assert re.fullmatch(rf"x*(ab_)+(a_)?studio_{STAMP}\.webm", name)


def test_a_cut_leaves_accents_on_their_letters() -> None:
    name = named("x" * 2 + "ज़" * 100)

    stem = name.removesuffix(f"_{STAMP}.webm")
    assert len(stem) > 20
    assert stem[2:] == "ज़" * (len(stem[2:]) // 2)


@pytest.mark.parametrize(
    ("ending", "used"),
    [(".webm", ".webm"), ("mkv", ".mkv"), (".OPUS", ".opus"), ("", ".webm"), ("./../x", ".x")],
)
def test_an_ending_is_always_a_plain_ending(ending: str, used: str) -> None:
    assert file_name("Ada", None, WHEN, 1, ending) == f"Ada_{STAMP}{used}"


texts = (
    st.none()
    | st.text(max_size=120)
    | st.text(min_size=60, max_size=120)
    | st.text(alphabet=' ._-/\\:*?"<>|~conprnaux0\u0308\u202e\u200d👩', max_size=300)
)


@given(texts, texts, st.datetimes(), st.integers(1, 10**6), st.none() | st.integers(1, 10**6))
def test_a_name_is_safe_on_every_file_system(
    label: str | None, room: str | None, when: datetime, number: int, part: int | None
) -> None:
    name = file_name(label, room, when, number, ".webm", part)

    assert name.endswith(".webm")
    assert re.search(rf"{when.year:04d}-\d\d-\d\d_\d\d-\d\d-\d\d_take{number}(_part{part})?\.webm$", name)
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert not re.search(r'[<>:"/\\|?*\s\x00-\x1f\x7f]', name)
    assert not {unicodedata.category(letter) for letter in name} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(name) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
    assert name[0] not in " .-~"
    assert unicodedata.normalize("NFC", name) == name
    assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])", name.split(".")[0])


def test_a_name_that_is_taken_gets_the_next_free_number() -> None:
    taken = ["ada.webm", "ada (2).webm", "BOB.webm"]

    assert free_name("ada.webm", taken) == "ada (3).webm"
    assert free_name("bob.webm", taken) == "bob (2).webm"
    assert free_name("cyd.webm", taken) == "cyd.webm"
