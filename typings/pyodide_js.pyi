# What of Pyodide's own JavaScript interface this project uses.
from collections.abc import Awaitable
from typing import Any

from js import Uint8Array

class FileSystem:
    def writeFile(self, path: str, data: Uint8Array) -> None: ...

FS: FileSystem
lockfile: Any
lockfileBaseUrl: str

def loadPackage(names: Any) -> Awaitable[object]: ...
