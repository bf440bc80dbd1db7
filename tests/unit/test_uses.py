"""What several use is released by the last of them, and not before."""

from __future__ import annotations

from rolltape.core.uses import Uses


def test_what_two_use_is_released_when_both_have_let_go_of_it() -> None:
    released: list[str] = []
    uses = Uses()
    capture = uses.use("camera", lambda: released.append("camera"))
    engine = uses.use("camera", lambda: released.append("camera"))

    capture()
    capture()
    before = list(released)
    engine()

    assert (before, released) == ([], ["camera"])


def test_who_comes_back_to_a_thing_uses_it_anew() -> None:
    released: list[str] = []
    uses = Uses()
    uses.use("camera", lambda: released.append("first"))()
    again = uses.use("camera", lambda: released.append("again"))

    assert released == ["first"]
    again()
    assert released == ["first", "again"]


def test_in_the_end_everything_is_released_whoever_uses_it() -> None:
    released: list[str] = []
    uses = Uses()
    late = uses.use("camera", lambda: released.append("camera"))
    uses.use("microphone", lambda: released.append("microphone"))

    uses.release_all()
    late()

    assert released == ["camera", "microphone"]
