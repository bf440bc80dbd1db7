"""Tables taken out of a WebAssembly module: found wherever they lie, and what is around them stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.steps.tables import NO_NAME, TABLES, described, without_tables
from wasm import module

TABLE = bytes(range(1, 33))


def test_a_table_in_the_middle_is_emptied_and_nothing_else() -> None:
    table = described("a table", TABLE)

    slim, missing = without_tables(module((600, b"one " + TABLE + b" two"), (700, b"three")), (table,))

    assert slim == module((600, b"one " + bytes(32) + b" two"), (700, b"three"))
    assert missing == []


def test_a_table_with_zeros_in_it_is_filled_where_the_module_holds_something() -> None:
    table = described("a table", b"a table, long enough" + bytes(4) + b"of names", b"no")

    slim, missing = without_tables(
        module((600, b"a table, long enough"), (624, b"of names and more")), (table,)
    )

    assert slim == module((600, b"no" * 10), (624, b"no" * 4 + b" and more"))
    assert missing == []


@given(
    before=st.binary(max_size=300),
    content=st.binary(min_size=16, max_size=300),
    after=st.binary(max_size=300),
)
def test_a_table_is_found_by_its_content_wherever_it_lies(
    before: bytes, content: bytes, after: bytes
) -> None:
    assert len(before) in described("a table", content).places(before + content + after)


def test_a_table_that_has_changed_stays_and_is_named() -> None:
    table, wasm = described("a table", TABLE), module((600, b"one " + TABLE[:-1] + b"! two"))

    assert without_tables(wasm, (table,)) == (wasm, ["a table"])


def test_a_table_that_is_there_twice_stays() -> None:
    table, wasm = described("a table", TABLE), module((600, TABLE + TABLE))

    assert without_tables(wasm, (table,)) == (wasm, ["a table"])


def test_tables_that_belong_together_go_together() -> None:
    one, other = described("names", TABLE), described("names", TABLE[::-1])
    wasm = module((600, TABLE))

    assert without_tables(wasm, (one, other)) == (wasm, ["names"])


def test_documentation_behind_a_signature_ends_with_it() -> None:
    data = b"walk($self, step, /)\n--\n\nWalk on.\n\nFar.\0A sentence (of its own).\n\0"

    slim, _ = without_tables(module((600, data)), ())

    assert slim == module((600, data.replace(b"Walk on.\n\nFar.", bytes(14))))


def test_all_known_tables_are_told_apart_by_their_content() -> None:
    assert len({(table.length, table.sha256) for table in TABLES}) == len(TABLES) == 14
    assert {table.name for table in TABLES if table.filling == NO_NAME} == {"character names"}
