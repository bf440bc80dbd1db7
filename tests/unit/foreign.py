"""Texts, numbers and JSON as the worst of senders writes them, for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

texts = st.text(st.characters(exclude_categories=()), max_size=20) | st.sampled_from(
    [
        "\ud800",
        "a\udfff",
        "\udc00\ud800",
        "\0",
        "\ufffe",
        "\u202e",
        "\U0010ffff",
        "e\N{COMBINING ACUTE ACCENT}",
    ]
)
"""Lone surrogates among them, which no encoding has a place for."""

numbers = (
    st.integers()
    | st.floats()
    | st.sampled_from(
        [10**400, -(10**400), 2**53, 2**53 + 1, 2**63, 1e308, -0.0, float("nan"), float("inf"), -float("inf")]
    )
)
"""Whole numbers that no float can hold, and what is no number."""

json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
"""What `json.loads` can give."""
