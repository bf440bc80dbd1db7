"""The part of an address that no server sees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.settings.fragment import Secrets, read_fragment, write_fragment

secrets = st.text("abcXYZ019_-.", min_size=0, max_size=60)


@given(secrets, secrets)
def test_secrets_come_back_as_they_were_written(key: str, invite: str) -> None:
    written = Secrets(key, invite)

    assert read_fragment(write_fragment(written)) == written


@given(st.text())
def test_no_fragment_does_more_than_be_left_out(fragment: str) -> None:
    read_fragment(fragment)


@pytest.mark.parametrize(
    ("fragment", "read"),
    [
        ("", Secrets()),
        ("#", Secrets()),
        ("#KEY=a&invite=b.c", Secrets("a", "b.c")),
        ("#key=<script>", Secrets()),
        ("#key=a%20b", Secrets()),
        ("#other=1&key=%61", Secrets("a")),
    ],
)
def test_what_cannot_be_a_secret_is_left_out(fragment: str, read: Secrets) -> None:
    assert read_fragment(fragment) == read
