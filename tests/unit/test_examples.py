"""Examples in docstrings are what comes out when they are tried."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from house_map import PACKAGE


def _with_examples() -> list[str]:
    paths = (path for path in PACKAGE.rglob("*.py") if "www" not in path.parts and ">>> " in path.read_text())
    return sorted(".".join(_names(path)) for path in paths)


def _names(path: Path) -> tuple[str, ...]:
    return path.relative_to(PACKAGE.parent).with_suffix("").parts


@pytest.mark.parametrize("name", _with_examples())
def test_an_example_is_true(name: str) -> None:
    tried = doctest.testmod(importlib.import_module(name))

    assert tried.attempted > 0, "no docstring of the module has it"
    assert tried.failed == 0
