"""EBML numbers and elements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.media import ebml
from rolltape.media.ebml import INVALID, TRUNCATED, UNKNOWN, Id

sizes = st.integers(0, (1 << 56) - 2)
padding = st.binary(max_size=9)


@given(sizes, padding, padding)
def test_size_is_read_back_wherever_it_stands(size: int, before: bytes, after: bytes) -> None:
    written = ebml.write_size(size)

    assert ebml.read_size(before + written + after, len(before)) == (size, len(before + written))


@given(sizes, st.integers(1, 8))
def test_size_is_written_in_the_width_asked_for_or_refused(size: int, width: int) -> None:
    if not ebml.fits(size, width):
        with pytest.raises(OverflowError):
            ebml.write_size(size, width)
        return

    written = ebml.write_size(size, width)

    assert len(written) == width
    assert ebml.read_size(written, 0) == (size, width)


@given(sizes)
def test_size_takes_no_more_bytes_than_it_needs(size: int) -> None:
    written = ebml.write_size(size)

    assert len(written) == 1 or not ebml.fits(size, len(written) - 1)


@given(sizes, st.data())
def test_size_cut_short_is_truncated(size: int, data: st.DataObject) -> None:
    written = ebml.write_size(size)
    cut = data.draw(st.integers(0, len(written) - 1))

    assert ebml.read_size(written[:cut], 0)[0] == TRUNCATED


@pytest.mark.parametrize("width", range(1, 9))
def test_unknown_size_is_all_ones_in_any_width(width: int) -> None:
    written = ebml.write_size(UNKNOWN, width)

    assert int.from_bytes(written, "big") == (1 << 7 * width + 1) - 1
    assert ebml.read_size(written, 0) == (UNKNOWN, width)


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("81", 1),
        ("4001", 1),
        ("40 7f", 127),
        ("01 00 00 00 00 00 00 05", 5),
        ("10 00 00 54", 0x54),
        ("80", 0),
    ],
)
def test_size_as_the_standard_and_the_browsers_write_it(written: str, size: int) -> None:
    data = bytes.fromhex(written)

    assert ebml.read_size(data, 0) == (size, len(data))


def test_size_without_a_length_marker_is_invalid() -> None:
    assert ebml.read_size(b"\0\1\2\3\4\5\6\7\1", 0)[0] == INVALID
    assert ebml.read_header(b"\xa3\0\1\2\3\4\5\6\7\1", 0)[0] == INVALID


@pytest.mark.parametrize("ident", Id)
def test_every_id_is_read_back(ident: Id) -> None:
    written = ebml.write_id(ident)

    assert ebml.read_id(written, 0) == (ident, len(written))
    assert all(ebml.read_id(written[:cut], 0)[0] == TRUNCATED for cut in range(len(written)))


@pytest.mark.parametrize("first", [0x00, 0x01, 0x0F])
def test_id_longer_than_four_bytes_is_invalid(first: int) -> None:
    assert ebml.read_id(bytes([first] * 8), 0)[0] == INVALID


@given(st.binary(max_size=20), st.integers(0, 20))
def test_any_bytes_give_an_element_or_a_reason(data: bytes, at: int) -> None:
    ident, size, body = ebml.read_header(data, at)

    if ident < 0:
        assert ident in (TRUNCATED, INVALID)
    else:
        assert size >= UNKNOWN
        assert at < body <= len(data)


@given(st.lists(st.tuples(st.sampled_from(Id), st.binary(max_size=200)), max_size=8))
def test_elements_are_read_back_in_order(elements: list[tuple[Id, bytes]]) -> None:
    payload = b"".join(ebml.element(ident, content) for ident, content in elements)

    found = [(ident, payload[body:end]) for ident, _, body, end in ebml.children(payload)]

    assert found == elements
    assert b"".join(payload[start:end] for _, start, _, end in ebml.children(payload)) == payload


def test_children_stop_where_one_does_not_fit() -> None:
    whole = ebml.element(Id.MUXING_APP, b"abc")
    torn = ebml.element(Id.WRITING_APP, b"abcdef")[:-1]

    assert [ident for ident, *_ in ebml.children(whole + torn)] == [Id.MUXING_APP]


@pytest.mark.parametrize("total", [*range(2, 300), 16_386, 1 << 20])
def test_void_takes_exactly_the_bytes_asked_for(total: int) -> None:
    written = ebml.void(total)

    ident, size, body = ebml.read_header(written, 0)

    assert (ident, body + size, len(written)) == (Id.VOID, total, total)


def test_void_of_one_byte_is_impossible() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        ebml.void(1)


@given(st.integers(0, (1 << 64) - 1))
def test_uint_is_read_back(value: int) -> None:
    assert ebml.read_uint(ebml.uint_payload(value)) == value


@given(st.floats(allow_nan=False))
def test_float_is_read_back(value: float) -> None:
    assert ebml.read_float(ebml.float_payload(value)) == value


def test_floats_of_other_lengths() -> None:
    assert ebml.read_float(bytes.fromhex("3fc00000")) == 1.5
    assert ebml.read_float(b"") == 0.0


@given(st.text().filter(lambda text: "\0" not in text))
def test_string_is_read_back_without_its_padding(text: str) -> None:
    assert ebml.read_string(ebml.string_payload(text) + b"\0\0") == text
