"""How a figure is printed: one JSON line each."""

from __future__ import annotations

import json

__all__ = ["figure"]


def figure(name: str, value: float, unit: str, against: str = "", ratio: float | None = None) -> None:
    """Print one figure."""
    line = {"name": name, "value": round(value, 3), "unit": unit, "against": against}
    print(
        json.dumps(line | ({"ratio": round(ratio, 3)} if ratio is not None else {"ratio": None})), flush=True
    )
