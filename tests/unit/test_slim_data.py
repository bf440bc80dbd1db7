"""Tables taken out of a WebAssembly module: what is around them stays."""

from __future__ import annotations

import hashlib

import pytest

import slim_data
from slim_pyodide import SlimError
from wasm import module


def prepare(monkeypatch: pytest.MonkeyPatch, *unused: tuple[int, int, bytes], holding: bytes) -> None:
    """Have these tables be the unused ones."""
    monkeypatch.setattr(slim_data, "UNUSED", unused)
    monkeypatch.setattr(slim_data, "UNUSED_SHA256", hashlib.sha256(holding).hexdigest())


def test_a_table_in_the_middle_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(monkeypatch, (604, 609, b"\0"), holding=b"table")

    slim = slim_data.without_data(module((600, b"one table two"), (700, b"three")))

    assert slim == module((600, b"one " + bytes(5) + b" two"), (700, b"three"))


def test_a_table_with_zeros_in_it_is_filled_where_the_module_holds_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare(monkeypatch, (600, 620, b"no"), holding=b"a table" + b"of names")

    slim = slim_data.without_data(module((600, b"a table"), (612, b"of names and more")))

    assert slim == module((600, b"nononon"), (612, b"nonono" + b"no" + b" and more"))


def test_other_data_than_the_known_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(monkeypatch, (604, 609, b"\0"), holding=b"table")

    with pytest.raises(SlimError, match="not where they were"):
        slim_data.without_data(module((600, b"one chair two")))


def test_documentation_behind_a_signature_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(monkeypatch, holding=b"")
    data = b"walk($self, step, /)\n--\n\nWalk on.\n\nFar.\0A sentence (of its own).\n\0"

    slim = slim_data.without_data(module((600, data)))

    assert slim == module((600, data.replace(b"Walk on.\n\nFar.", bytes(14))))
