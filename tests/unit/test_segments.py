"""The account of a part: equal where the bytes are, on whichever way they came, and different where they are not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.arrivals.segments import (
    EMPTY,
    account_of,
    content_digest,
    read_content_digest,
    segment_of,
)

CHUNKS = st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=20)


@given(CHUNKS, st.data())
def test_a_segment_that_was_put_again_counts_with_its_last_bytes(
    chunks: list[bytes], data: st.DataObject
) -> None:
    offsets = [sum(map(len, chunks[:place])) for place in range(len(chunks))]
    segments = [segment_of(at, chunk) for at, chunk in zip(offsets, chunks, strict=True)]
    account = account_of(segments)
    for _ in range(data.draw(st.integers(0, 5))):
        place = data.draw(st.integers(0, len(chunks) - 1))
        length = len(chunks[place])
        other = segment_of(
            offsets[place], data.draw(st.binary(min_size=length, max_size=length), label="bytes")
        )
        account = account.replaced(segments[place], other)
        segments[place] = other

    assert account == account_of(segments)
    assert account.end == sum(map(len, chunks)) and account.count == len(chunks)


@given(CHUNKS, st.data())
def test_one_other_byte_is_another_account(chunks: list[bytes], data: st.DataObject) -> None:
    offsets = [sum(map(len, chunks[:place])) for place in range(len(chunks))]
    place = data.draw(st.integers(0, len(chunks) - 1))
    bent = [*chunks]
    bent[place] = bytes([chunks[place][0] ^ 1]) + chunks[place][1:]

    first, second = (
        account_of(segment_of(at, chunk) for at, chunk in zip(offsets, each, strict=True))
        for each in (chunks, bent)
    )
    assert first.digest != second.digest and replace(first, digest=second.digest) == second


def test_a_hole_an_overlap_and_nothing_are_no_segments() -> None:
    account = EMPTY.appended(segment_of(0, b"abc"))

    for wrong in (segment_of(2, b"c"), segment_of(4, b"e"), segment_of(3, b"")):
        with pytest.raises(ValueError, match="does not begin where the part ends"):
            account.appended(wrong)
    with pytest.raises(ValueError, match="not the stretch"):
        account.replaced(segment_of(0, b"abc"), segment_of(0, b"ab"))


@pytest.mark.parametrize(
    "field",
    ["", "sha-256", "sha-256=:AAAA:", "sha-512=:AAAA:", f"sha-256=:{'A' * 42}B=:", f"sha-256={'A' * 43}="],
)
def test_what_has_no_sha_256_is_no_digest(field: str) -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        read_content_digest(field)


def test_a_digest_is_read_as_it_was_written() -> None:
    segment = segment_of(7, b"some bytes")

    assert read_content_digest(content_digest(segment)) == segment.sha256
