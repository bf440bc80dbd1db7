# What of pyodide.ffi this project uses.
from collections.abc import Callable
from typing import Any

class JsException(Exception):
    name: str
    message: str

class JsNull: ...

jsnull: JsNull

class JsDoubleProxy:
    """A Python object kept by JavaScript until it is destroyed."""

    def destroy(self) -> None: ...

def create_proxy(obj: Callable[..., object]) -> JsDoubleProxy: ...
def to_js(obj: object) -> Any: ...
