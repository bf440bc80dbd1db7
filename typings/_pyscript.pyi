# What PyScript gives to the page's Python.
from collections.abc import Awaitable
from typing import Any

def js_import(*urls: str) -> Awaitable[list[Any]]: ...
